"""The journal: one process at a time, and what each mark makes of its volume."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from allocator.domain.qos import Band, Bands, Qos
from allocator.ledger import (
    Attached,
    Delayed,
    Entry,
    Granted,
    Ledger,
    LostLease,
    Mark,
    NotHeld,
    Observation,
    PlanBusy,
    Settled,
    UnknownPlan,
    Waiting,
)
from tests.ledger.plans import claimed, documents, placing, step_of

PLAN = placing("v", hosts=("h1",))
NOW = 1_000


class Clock:
    now = float(NOW)

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(ledger_url: str, clock: Clock) -> Iterator[Ledger]:
    opened = Ledger.open(ledger_url, clock=clock)
    opened.reserve(PLAN, seen=0)
    yield opened
    opened.close()


def test_a_lease_lasts_while_its_owner_writes(ledger: Ledger, clock: Clock) -> None:
    """60 s from the last write, then anybody may go on; an owner known to be dead is not waited for."""
    first = ledger.claim(PLAN, owner="one", lease_seconds=60, alive=lambda _: True)
    clock.now += 59
    with pytest.raises(PlanBusy, match="is being run by one, whose lease lasts 1 s more"):
        ledger.claim(PLAN, owner="two", lease_seconds=60, alive=lambda _: True)
    ledger.record(first, [])
    clock.now += 59
    with pytest.raises(PlanBusy):
        ledger.claim(PLAN, owner="two", lease_seconds=60, alive=lambda _: True)
    clock.now += 1
    second = ledger.claim(PLAN, owner="two", lease_seconds=60, alive=lambda _: True)
    third = ledger.claim(PLAN, owner="three", lease_seconds=60, alive=lambda owner: owner != "two")
    assert (first.fence, second.fence, third.fence) == (1, 2, 3)


def test_a_lost_lease_writes_nothing(ledger: Ledger) -> None:
    """The fence: a process that slept through its lease wakes up and changes nothing."""
    late, now = claimed(ledger, PLAN, "late"), claimed(ledger, PLAN, "now")
    create = step_of(PLAN, "create", "v")
    with pytest.raises(LostLease, match="was taken over by another process"):
        ledger.record(late, [Entry((Mark(create, "intent"),))])
    with pytest.raises(LostLease):
        ledger.finish(late, "done")
    assert ledger.volumes()[0].state == "reserved"
    ledger.record(now, [Entry((Mark(create, "intent"),))])
    assert ledger.volumes()[0].state == "creating"


def test_marks_make_what_the_volume_is(ledger: Ledger) -> None:
    """R18, R19: identifier, granted string and device are recorded with the step that gave them."""
    claim = claimed(ledger, PLAN)
    create, grant, attach = (step_of(PLAN, kind, "v") for kind in ("create", "grant", "attach"))
    granted = {"uri": "iscsi://p/i/0", "address": None, "iqn": "iqn.2001-04.com.example:h1", "chap_user": "u"}
    ledger.record(
        claim,
        [
            Entry((Mark(create, "intent"),)),
            Entry((Mark(create, "done", {"native_id": "lun-7"}), Mark(grant, "intent"))),
            Entry((Mark(grant, "done", granted), Mark(attach, "done", {"device": "sdb"}))),
        ],
    )
    stored = ledger.volumes()[0]
    assert (stored.state, stored.native_id) == ("available", "lun-7")
    assert stored.access == (Granted("h1", "iscsi://p/i/0", None, "iqn.2001-04.com.example:h1", "u"),)
    assert stored.attachments == (Attached("h1", "sdb"),)
    for step in (attach, grant):
        ledger.record(claim, [Entry((Mark(step, "undone"),))])
    stored = ledger.volumes()[0]
    assert (stored.access, stored.attachments) == ((), ())
    ledger.record(claim, [Entry((Mark(create, "undone"),))])
    assert (ledger.volumes()[0].state, ledger.volumes()[0].native_id, ledger.changes()) == (
        "deleting",
        None,
        1,
    )
    ledger.record(claim, [Entry((Mark(PLAN.steps[0], "undone"),))])
    assert (ledger.volumes(), ledger.changes()) == ([], 2)


def test_a_claim_knows_how_far_each_step_has_come(ledger: Ledger) -> None:
    claim = claimed(ledger, PLAN)
    create = step_of(PLAN, "create", "v")
    ledger.record(claim, [Entry((Mark(create, "intent"),))])
    ledger.record(claim, [Entry((Mark(create, "failed", code="busy", error="Busy."),))])
    steps = claimed(ledger, PLAN).steps
    assert [steps[number].state for number in sorted(steps)] == ["done", "failed", "pending", "pending"]
    assert (steps[2].code, steps[2].error) == ("busy", "Busy.")
    assert [(event.kind, event.text) for event in ledger.events("v")][1:] == [("create failed", "Busy.")]


def test_whoever_goes_on_waits_for_the_rest_only(ledger: Ledger, clock: Clock) -> None:
    """The third attempt is 8 s away; 5.5 s later 2.5 s of that are left, and the two that failed still count."""
    claim = claimed(ledger, PLAN)
    create = step_of(PLAN, "create", "v")
    ledger.record(claim, [Entry((Mark(create, "intent"),))])
    ledger.record(claim, [Entry(delayed=Delayed(create, Waiting(2, 8_000, "busy", "Busy.")))])
    clock.now += 5.5
    assert claimed(ledger, PLAN).steps[2].waiting == Waiting(2, 2_500, "busy", "Busy.")
    clock.now += 5.5
    again = claimed(ledger, PLAN)
    assert again.steps[2].waiting == Waiting(2, 0, "busy", "Busy.")
    ledger.record(again, [Entry((Mark(create, "intent"),))])
    assert claimed(ledger, PLAN).steps[2].waiting is not None
    last = claimed(ledger, PLAN)
    ledger.record(last, [Entry((Mark(create, "done", {"native_id": "n"}),))])
    assert claimed(ledger, PLAN).steps[2].waiting is None
    assert [event.kind for event in ledger.events("v")] == ["placed", "create retried", "create done"]


def test_a_stuck_plan_is_nobodys_and_keeps_its_volumes(ledger: Ledger) -> None:
    """Whoever claims it goes on with it, and it is stuck no longer."""
    ledger.finish(claimed(ledger, PLAN), "stuck", "delete v on p1: Out of reach. (unavailable)")
    assert ledger.unfinished() == [PLAN]
    assert ledger.volumes()[0].plan == PLAN.id
    assert [(event.kind, event.text) for event in ledger.events(PLAN.id)][-1] == (
        ("stuck", "delete v on p1: Out of reach. (unavailable)")
    )
    again = ledger.claim(PLAN, owner="me", lease_seconds=60, alive=lambda _: True)
    assert again.state == "running"


def test_entries_are_written_all_or_not_at_all(ledger: Ledger) -> None:
    claim = claimed(ledger, PLAN)
    create, gone = step_of(PLAN, "create", "v"), step_of(placing("x"), "create", "x")
    with pytest.raises(NotHeld, match="Volume x is not in the ledger any more"):
        ledger.record(claim, [Entry((Mark(create, "intent"),)), Entry((Mark(gone, "intent"),))])
    assert ledger.volumes()[0].state == "reserved"


def test_a_finished_plan_is_claimed_for_reading_only(ledger: Ledger) -> None:
    claim = claimed(ledger, PLAN)
    ledger.record(claim, [Entry(settled=Settled("v", "done", documents(["v"], "h1")[0]))])
    assert (ledger.volumes()[0].plan, ledger.changes()) == (None, 1)
    ledger.finish(claim, "done")
    again = claimed(ledger, PLAN)
    assert (again.state, again.fence) == ("done", claim.fence)
    with pytest.raises(LostLease):
        ledger.record(again, [])
    with pytest.raises(UnknownPlan, match="is not in the ledger"):
        claimed(ledger, placing("other"))


def test_what_devices_show_counts_as_a_change_only_if_it_is_new(ledger: Ledger) -> None:
    """R07: foreign volumes are replaced pool by pool; the same again must not make decisions stale."""
    default = Qos(iops=Bands(Band(floor=100, ceiling=15_000, burst=15_000, burst_seconds=60)))
    for _ in range(2):
        ledger.foreign("p1", documents(["foreign-b", "foreign-a"]))
        ledger.observed("p1", 12_345, default)
    assert ledger.changes() == 3
    assert [document["name"] for document in ledger.foreign_documents()] == ["foreign-a", "foreign-b"]
    assert ledger.observations() == {"p1": Observation(12_345, default, NOW)}
    ledger.foreign("p2", documents(["foreign-c"]))
    ledger.foreign("p1", [])
    ledger.observed("p1", None, Qos())
    assert [document["name"] for document in ledger.foreign_documents()] == ["foreign-c"]
    assert ledger.observations() == {"p1": Observation(None, Qos(), NOW)}
    assert ledger.changes() == 6


def test_the_first_claim_finds_what_was_released_undone(ledger: Ledger) -> None:
    """Of two volumes one is let go before anybody begins; of a plan let go whole only a report is left."""
    both, whole = placing("a", "b"), placing("c")
    ledger.reserve(both, seen=1)
    ledger.release("a")
    ledger.reserve(whole, seen=3)
    ledger.release("c")
    for _ in range(2):
        claim = claimed(ledger, both)
        assert [claim.steps[step.number].state for step in both.steps] == ["undone", "pending", "done", "pending"]
    claim = claimed(ledger, whole)
    assert claim.state == "rolled_back"
    assert [claim.steps[step.number].state for step in whole.steps] == ["undone", "pending"]

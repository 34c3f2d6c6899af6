"""Reservations that nobody begins to carry out are let go after a while; all others stay."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from allocator import Allocator
from allocator.ledger import Entry, Ledger, Mark, Settled
from allocator.ledger.records import PlanState
from tests.engine.fleets import ARRAY, gold, opened
from tests.ledger.plans import attaching, claimed, created, deleting, placing
from tests.ledger.test_journal import Clock

HOLD = 60


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(ledger_url: str, clock: Clock) -> Iterator[Ledger]:
    opened = Ledger.open(ledger_url, clock=clock, hold_seconds=HOLD)
    yield opened
    opened.close()


def names(ledger: Ledger) -> list[str]:
    return [stored.name for stored in ledger.volumes()]


def after(ledger: Ledger, clock: Clock, seconds: int) -> list[str]:
    """The volumes that are left once somebody has looked at the clock."""
    clock.now += seconds
    ledger.sweep()
    return names(ledger)


def test_what_nobody_begins_is_let_go(ledger: Ledger, clock: Clock) -> None:
    """59 s are not over, 60 s are; who has seen the volumes is told that they went, and so is the history."""
    plan = placing("a", "b")
    ledger.reserve(plan, seen=0)
    seen = ledger.facts().moment
    assert after(ledger, clock, HOLD - 1) == ["a", "b"]
    assert after(ledger, clock, 1) == []
    delta = ledger.since(seen, most=9)
    assert delta is not None
    assert (sorted(delta.removed), ledger.unfinished(), ledger.changes()) == (["a", "b"], [], 2)
    assert claimed(ledger, plan).state == "rolled_back"
    told = [(event.kind, event.subject) for event in ledger.events()]
    assert told[-3:] == [("expired", "a"), ("expired", "b"), ("expired", plan.id)]


def test_what_is_being_carried_out_stays(ledger: Ledger, clock: Clock) -> None:
    """Also where its lease is long over, and where it was given back half done."""
    running, left = placing("a"), placing("b")
    ledger.reserve(running, seen=0)
    ledger.reserve(left, seen=1)
    claimed(ledger, running)
    ledger.finish(claimed(ledger, left), "running")
    assert after(ledger, clock, 100 * HOLD) == ["a", "b"]


@pytest.mark.parametrize("state", ["done", "failed"])
def test_what_is_over_stays(ledger: Ledger, clock: Clock, state: PlanState) -> None:
    plan = placing("a")
    ledger.reserve(plan, seen=0)
    claim = claimed(ledger, plan)
    ledger.record(
        claim, [Entry((Mark(plan.steps[1], "done", {"native_id": "n"}),), Settled("a", "done", {"name": "a"}))]
    )
    ledger.finish(claim, state)
    assert after(ledger, clock, 100 * HOLD) == ["a"]


def test_what_was_to_be_changed_is_as_before(ledger: Ledger, clock: Clock) -> None:
    """A volume that was to be attached is charged there no more, and another plan may change it."""
    ledger.reserve(placing("a"), seen=0)
    created(ledger, placing("a"), "a")
    ledger.reserve(attaching("a", "h1"), seen=1)
    assert ledger.volumes()[0].document["hosts"] == ["h1"]
    assert after(ledger, clock, HOLD) == ["a"]
    assert (ledger.volumes()[0].document["hosts"], ledger.volumes()[0].plan) == ([], None)
    assert ledger.reserve(deleting("a"), seen=ledger.changes())
    assert after(ledger, clock, HOLD) == ["a"]
    assert (ledger.volumes()[0].state, ledger.volumes()[0].plan) == ("available", None)


def test_for_ever_is_for_ever(ledger_url: str, clock: Clock) -> None:
    """Each reserves by its own rule, and lets go what is over whoever reserved it."""
    patient, other = (Ledger.open(ledger_url, clock=clock, hold_seconds=hold) for hold in (None, HOLD))
    patient.reserve(placing("a"), seen=0)
    other.reserve(placing("b"), seen=1)
    assert after(patient, clock, 10**9) == ["a"]
    patient.close()
    other.close()


def test_many_are_let_go_a_hundred_at_a_time(ledger: Ledger, clock: Clock) -> None:
    for number in range(101):
        ledger.reserve(placing(f"v{number:03}"), seen=number)
    assert len(after(ledger, clock, HOLD)) == 1
    assert after(ledger, clock, 1) == []


@pytest.fixture
def allocator(tmp_path: Path, ledger_url: str, clock: Clock) -> Iterator[Allocator]:
    found = opened(tmp_path, ARRAY)
    ledger = Ledger.open(ledger_url, clock=clock, hold_seconds=HOLD)
    with Allocator(found.world, found.policy, ledger) as made:
        yield made


def test_R06_room_that_nobody_took_is_there_again(allocator: Allocator, clock: Clock) -> None:
    """Three volumes are all there is room for; an hour later they were never made."""
    assert len(allocator.place(gold(1, count=3)).placed) == 3
    assert allocator.place(gold(4)).placed == ()
    clock.now += HOLD
    assert len(allocator.place(gold(4)).placed) == 1
    assert sorted(allocator.inventory.volumes) == ["gold-4"]


def test_a_plan_that_expired_can_be_reserved_again(allocator: Allocator, clock: Clock) -> None:
    """By whoever applies it, if there still is room: here until two others have taken that."""
    plan = allocator.place(gold(1, count=2)).plan
    clock.now += HOLD
    allocator._running._reserved(plan)
    assert sorted(allocator.inventory.volumes) == ["gold-1", "gold-2"]
    clock.now += HOLD
    assert len(allocator.place(gold(3, count=2)).placed) == 2
    with pytest.raises(ValueError, match="would break rule iops"):
        allocator._running._reserved(plan)

"""Reserving: one transaction, on fresh facts, held once; and letting go again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from allocator.domain.plan import Plan
from allocator.ledger import (
    AlreadyHeld,
    Entry,
    Ledger,
    LedgerError,
    NotHeld,
    Settled,
    StaleDecision,
    UnknownPlan,
)
from tests.ledger.plans import attaching, claimed, created, deleting, documents, placing


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    opened = Ledger.open(ledger_url, clock=lambda: 1_000.9)
    yield opened
    opened.close()


def test_a_reservation_holds_names_and_counts_one_change(ledger: Ledger) -> None:
    plan = placing("b", "a")
    assert ledger.reserve(plan, seen=ledger.changes())
    held = ledger.volumes()
    assert [(stored.name, stored.state, stored.plan) for stored in held] == [
        ("a", "reserved", plan.id),
        ("b", "reserved", plan.id),
    ]
    assert held[0].document == {"name": "a", "pool": "p1", "hosts": []}
    assert all(re.fullmatch(r"vol-[0-9a-f]{16}", stored.volume_id) for stored in held)
    assert ledger.changes() == 1
    assert ledger.unfinished() == [plan]
    assert [stored.name for stored in ledger.volumes({"b", "x"})] == ["b"]


def test_a_stale_decision_is_refused_whole(ledger: Ledger) -> None:
    ledger.reserve(placing("a"), seen=0)
    with pytest.raises(StaleDecision, match=r"rests on state 0 of the ledger, which is at 1 now. Maybe decide"):
        ledger.reserve(placing("b", "c"), seen=0)
    assert [stored.name for stored in ledger.volumes()] == ["a"]
    assert (ledger.changes(), len(ledger.unfinished())) == (1, 1)


def test_the_same_plan_twice_is_one_reservation(ledger: Ledger) -> None:
    plan = placing("a")
    ledger.reserve(plan, seen=0)
    before = ledger.volumes()
    assert not ledger.reserve(plan, seen=0)
    assert (ledger.volumes(), ledger.changes()) == (before, 1)
    created(ledger, plan, "a")
    ledger.reserve(plan, seen=0)
    assert ledger.unfinished() == []


def test_a_name_is_held_once(ledger: Ledger) -> None:
    ledger.reserve(placing("a", "b"), seen=0)
    with pytest.raises(AlreadyHeld, match=f"The name b is held by plan {placing('a', 'b').id}. Maybe"):
        ledger.reserve(placing("b", "c"), seen=1)
    assert [stored.name for stored in ledger.volumes()] == ["a", "b"]
    assert ledger.changes() == 1


def test_a_plan_that_is_over_and_gone_runs_anew_under_another_id(ledger: Ledger) -> None:
    plan = placing("a")
    ledger.reserve(plan, seen=0)
    first = ledger.volumes()[0].volume_id
    ledger.release("a")
    assert (ledger.volumes(), ledger.changes(), ledger.unfinished()) == ([], 2, [])
    with pytest.raises(StaleDecision):
        ledger.reserve(plan, seen=0)
    ledger.reserve(plan, seen=2)
    assert ledger.volumes()[0].volume_id != first
    assert claimed(ledger, plan).run == 2


def test_two_ledgers_give_different_ids(tmp_path: Path) -> None:
    """Two engines may share a device: neither takes the other's volumes for its own."""
    ids = set()
    for name in ("one", "two"):
        ledger = Ledger.open(f"sqlite:///{tmp_path}/{name}.db")
        ledger.reserve(placing("a"), seen=0)
        ids.add(ledger.volumes()[0].volume_id)
        ledger.close()
    assert len(ids) == 2


def test_only_what_is_not_being_made_can_be_released(ledger: Ledger) -> None:
    with pytest.raises(NotHeld, match="Volume a is not in the ledger"):
        ledger.release("a")
    plan = placing("a", "b")
    ledger.reserve(plan, seen=0)
    ledger.release("a")
    assert [stored.name for stored in ledger.volumes()] == ["b"]
    assert ledger.unfinished() == [plan]
    claimed(ledger, plan)
    with pytest.raises(NotHeld, match="Volume b is reserved, its plan running: it cannot just be released"):
        ledger.release("b")


def test_a_volume_is_changed_by_one_plan_at_a_time(ledger: Ledger) -> None:
    placed = placing("a")
    ledger.reserve(placed, seen=0)
    with pytest.raises(AlreadyHeld, match=f"being changed by plan {placed.id}"):
        ledger.reserve(deleting("a"), seen=1)
    created(ledger, placed, "a")
    ledger.reserve(deleting("a"), seen=1)
    with pytest.raises(AlreadyHeld, match=f"being changed by plan {deleting('a').id}"):
        ledger.reserve(attaching("a", "h1"), seen=2)


def test_what_is_attached_is_charged_from_the_reservation_on(ledger: Ledger) -> None:
    """R08: the second host's budget must see the volume before the attachment runs."""
    ledger.reserve(placing("a"), seen=0)
    created(ledger, placing("a"), "a")
    assert ledger.changes() == 1
    plan = attaching("a", "h1")
    ledger.reserve(plan, seen=1)
    assert (ledger.volumes()[0].document["hosts"], ledger.changes()) == (["h1"], 2)
    claim = claimed(ledger, plan)
    ledger.record(claim, [Entry(settled=Settled("a", "rolled_back", plan.volumes[0]))])
    assert (ledger.volumes()[0].document["hosts"], ledger.changes()) == ([], 3)


@pytest.mark.parametrize("plan", [attaching("a", "h1"), deleting("a")])
def test_a_volume_must_be_there_to_be_changed(ledger: Ledger, plan: Plan) -> None:
    with pytest.raises(NotHeld, match=r"Volume a is not in the ledger. Maybe it was deleted"):
        ledger.reserve(plan, seen=0)
    assert ledger.changes() == 0


def test_an_altered_plan_is_refused(ledger: Ledger) -> None:
    plan = placing("a")
    with pytest.raises(UnknownPlan, match=r"does not match its id. Maybe it was edited"):
        ledger.reserve(Plan(plan.id, plan.steps, tuple(documents(["a"], "h9"))), seen=0)
    elsewhere = [{"name": "a", "pool": "p2"}]
    with pytest.raises(UnknownPlan, match="step 1 is about a on p1, which has no document"):
        ledger.reserve(Plan.of(plan.steps, elsewhere), seen=0)
    first = plan.steps[0]
    backwards = first.__class__(1, "reserve", "a", "p1", None, (2,))
    with pytest.raises(UnknownPlan, match="step 1 waits for a later one"):
        ledger.reserve(Plan.of([backwards, plan.steps[1]], plan.volumes), seen=0)
    assert issubclass(UnknownPlan, LedgerError)
    assert ledger.volumes() == []


def test_the_history_is_kept_in_order(ledger: Ledger) -> None:
    ledger.event("note", "p1", "first")
    ledger.event("note", "p2", "second")
    ledger.event("note", "p1", "third")
    assert [(told.at, told.text) for told in ledger.events("p1")] == [(1000, "first"), (1000, "third")]
    assert [told.text for told in ledger.events(last=2)] == ["second", "third"]

"""Old history goes, and what is needed stays: volumes that are there, plans that go on, ids that were given."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest

from allocator.domain.plan import Plan
from allocator.ledger import Entry, Ledger, Mark, Settled, pruning
from allocator.ledger.pruning import Pruned
from tests.ledger.plans import claimed, created, deleting, documents, placing

DAY = 24 * 60 * 60


@dataclass
class Told:
    """A ledger, and the day that its clock shows."""

    ledger: Ledger
    days: list[int]

    def on(self, day: int) -> None:
        self.days[0] = day

    def placed(self, *names: str) -> Plan:
        """Volumes without hosts, reserved and made."""
        plan = placing(*names)
        self.ledger.reserve(plan, seen=self.ledger.changes())
        created(self.ledger, plan, *names)
        return plan

    def deleted(self, name: str) -> None:
        plan = deleting(name)
        self.ledger.reserve(plan, seen=self.ledger.changes())
        claim = claimed(self.ledger, plan)
        marks = tuple(Mark(step, "done") for step in plan.steps)
        self.ledger.record(claim, [Entry(marks, Settled(name, "done", documents([name])[0]))])
        self.ledger.finish(claim, "done")

    def subjects(self) -> set[str]:
        return {event.subject for event in self.ledger.events()}

    def steps(self, plan: Plan) -> set[str]:
        """How far a plan's steps are on record to be."""
        return {record.state for record in claimed(self.ledger, plan).steps.values()}


@pytest.fixture
def told(ledger_url: str) -> Iterator[Told]:
    days = [0]
    with closing(Ledger.open(ledger_url, clock=lambda: days[0] * DAY)) as ledger:
        yield Told(ledger, days)


def test_what_is_long_gone_is_forgotten(told: Told) -> None:
    """Placed on day 0, deleted on day 1; on day 100 both are older than 90 days, on day 91 only the first is:
    its reservation, its place and its creation."""
    plan = told.placed("old")
    told.on(1)
    told.deleted("old")
    told.on(91)
    before = len(told.ledger.events())
    assert told.ledger.prune(90, dry_run=True) == Pruned(events=3, steps=len(plan.steps))
    assert len(told.ledger.events()) == before
    told.on(100)
    found = told.ledger.prune(90)
    assert (found.events, found.steps) == (before, len(plan.steps) + 2)
    assert told.ledger.prune(90, dry_run=False) == found
    assert told.ledger.prune(90) == Pruned(0, 0)
    assert [(event.kind, event.text) for event in told.ledger.events()] == [
        ("pruned", f"{found.events} lines and {found.steps} steps from more than 90 days ago")
    ]


def test_what_is_there_and_how_it_came_to_be_stays(told: Told) -> None:
    """Months later the history still tells of the living volume; of its plan's other volume, gone by now, it does
    not. The plan is applied again as one that is done."""
    plan = told.placed("kept", "gone")
    told.deleted("gone")
    told.on(200)
    kept = told.ledger.events("kept")
    told.ledger.prune(90, dry_run=False)
    assert told.ledger.events("kept") == kept
    assert told.ledger.events(plan.id) != []
    assert told.ledger.events("gone") == []
    assert told.steps(plan) == {"done"}


def test_what_a_plan_needs_that_is_not_over_stays(told: Told) -> None:
    """Reserved on day 0 and still not applied, and one that was interrupted: both go on after it."""
    waiting, half = placing("waiting"), placing("half")
    told.ledger.reserve(waiting, seen=told.ledger.changes())
    told.ledger.reserve(half, seen=told.ledger.changes())
    told.ledger.finish(claimed(told.ledger, half), "running")
    told.on(200)
    assert told.ledger.prune(90, dry_run=False) == Pruned(0, 0)
    created(told.ledger, half, "half")
    assert told.steps(waiting) == {"done", "pending"}


def test_the_ids_that_were_given_stay_known(told: Told) -> None:
    """So that what a crash left on a device is known to be this ledger's, however late it is found."""
    told.placed("old")
    identity = told.ledger.volumes()[0].volume_id
    told.deleted("old")
    told.on(200)
    told.ledger.prune(90, dry_run=False)
    assert told.ledger.origins([identity])[identity].name == "old"


def test_a_long_history_goes_in_portions(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each in a transaction of its own: 25 lines about pools, 4 at a time, and the two plans of a volume."""
    monkeypatch.setattr(pruning, "_LINES", 4)
    monkeypatch.setattr(pruning, "_PLANS", 1)
    for number in range(25):
        told.ledger.event("note", f"p{number}", "looked at")
    told.placed("old")
    told.deleted("old")
    told.on(200)
    found = told.ledger.prune(90, dry_run=False)
    assert found.events >= 25 + 4
    assert told.subjects() == {"history"}

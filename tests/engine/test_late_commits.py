"""What others commit between a decision and its reservation: the rules look at it; what breaks is decided again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from allocator import Allocator, engine
from allocator.decide import decide
from allocator.domain.outcome import Placed
from allocator.ledger import Entry, Facts, Ledger, Mark, Settled, Turn
from allocator.planning.trust import PlanError
from allocator.service.standing import Contended
from tests.engine.fleets import ARRAY, gold, opened, written
from tests.ledger.plans import claimed, step_of

TWO = """
version: 1
drivers:
  sf: {driver: solidfire}
  files: {driver: nfs}
  caps:
    driver: solidfire
    manifest: {qos: {isolation: false, figures: {iops: {total: {ceiling: {least: 50, most: 200000}}}}}}
pools:
  - {name: sf-1, driver: sf, zone: z1, capacity: 1TiB, iops: 5000, default_qos: {min_iops: 50, max_iops: 1000},
     tags: [sf], domains: {rack: r1}}
  - {name: sf-2, driver: sf, zone: z1, capacity: 1TiB, iops: 5000, default_qos: {min_iops: 50, max_iops: 1000},
     tags: [sf], domains: {rack: r2}}
  - {name: nfs-1, driver: files, managed: false, zone: z1, capacity: 1TiB, tags: [files]}
  - {name: nfs-2, driver: files, managed: false, zone: z1, capacity: 1TiB, tags: [files]}
  - {name: caps-1, driver: caps, zone: z1, capacity: 1TiB, iops: 1000, tags: [caps]}
  - {name: caps-2, driver: caps, zone: z1, capacity: 1TiB, iops: 1000, tags: [caps]}
hosts:
  - {name: h1, zone: z1, iops: 4000}
  - {name: h2, zone: z1, iops: 4000}
offerings:
  - {name: gold, tags: [sf], qos: {provisioned: {min_iops: 3000, max_iops: 4000}}}
  - {name: promised, tags: [caps], qos: {provisioned: {min_iops: 500, max_iops: 600}}}
"""
"""Two pools of each kind, two hosts; of all of them the first is taken first."""
POLICY = "version: 1\ngoals: [placed]\nreserve_floors: true\n"
APART = {"group": "web", "over": "rack", "max_per_domain": 1}
Wish = Mapping[str, object]


class Late:
    """Acts right before somebody's turn in the line, and counts how often they decide."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.decided = self.turns = 0
        self._victim: Ledger | None = None
        self._act: Callable[[], object] = lambda: None
        deciding = Ledger.deciding

        def late(ledger: Ledger) -> AbstractContextManager[Turn]:
            if ledger is self._victim:
                self.turns += 1
                victim, self._victim = self._victim, None
                self._act()
                self._victim = victim
            return deciding(ledger)

        def counted(*asked: Any, **how: Any) -> object:
            self.decided += self._victim is not None
            return decide(*asked, **how)

        monkeypatch.setattr(Ledger, "deciding", late)
        monkeypatch.setattr(engine, "decide", counted)

    def before(self, allocator: Allocator, act: Callable[[], object], times: int = 1) -> None:
        def some() -> None:
            if self.turns <= times:
                act()

        self._victim, self._act = allocator.ledger, some


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> Late:
    return Late(monkeypatch)


@pytest.fixture
def pair(tmp_path: Path, ledger_url: str) -> Iterator[tuple[Allocator, Allocator]]:
    """Two allocators on an array that sells three volumes of offering gold; both have looked at the ledger already."""
    with opened(tmp_path, ARRAY, ledger=ledger_url) as one, opened(tmp_path, ARRAY, ledger=ledger_url) as other:
        assert one.inventory.volumes == other.inventory.volumes == {}
        yield one, other


@pytest.fixture
def rivals(tmp_path: Path, ledger_url: str) -> Iterator[tuple[Allocator, Allocator]]:
    """The same on the fleet that has two of everything."""
    (policy,) = written(tmp_path, POLICY)
    one, other = (opened(tmp_path, TWO, ledger=ledger_url, policy=str(policy)) for _ in range(2))
    with one, other:
        assert one.inventory.volumes == other.inventory.volumes == {}
        yield one, other


def held(allocator: Allocator) -> list[str]:
    assert allocator.ledger is not None
    return [stored.name for stored in allocator.ledger.volumes()]


def test_a_decision_is_taken_again_where_another_took_the_room(pair: tuple[Allocator, Allocator], late: Late) -> None:
    """R06: one takes all there is. Told in the turn; once more with reasons, when others need not wait for them."""
    one, other = pair
    late.before(other, lambda: one.place(gold(1, count=3)))
    (refusal,) = other.place(gold(9)).refused
    assert (refusal.kind, len(refusal.histogram)) == ("no_room", 1)
    assert held(other) == ["gold-1", "gold-2", "gold-3"]
    assert (late.decided, late.turns) == (3, 1)


def test_a_decision_that_holds_is_not_taken_again(pair: tuple[Allocator, Allocator], late: Late) -> None:
    """One takes a third, another gives a third back: what is left suffices, and nothing is decided twice."""
    one, other = pair
    assert one.ledger is not None
    assert len(one.place(gold(1)).placed) == 1
    release = one.ledger.release
    late.before(other, lambda: (one.place(gold(2)), release("gold-1")))
    assert len(other.place(gold(9)).placed) == 1
    assert held(other) == ["gold-2", "gold-9"] == sorted(other.inventory.volumes)
    assert (late.decided, late.turns) == (1, 1)


def test_a_batch_that_holds_is_not_solved_again(pair: tuple[Allocator, Allocator], late: Late) -> None:
    one, other = pair
    late.before(other, lambda: one.place(gold(1)))
    assert len(other.place(gold(8, count=2)).placed) == 2
    assert (late.decided, held(other)) == (1, ["gold-1", "gold-8", "gold-9"])


def test_a_batch_is_mended_where_it_does_not_hold(pair: tuple[Allocator, Allocator], late: Late) -> None:
    """Three were to come and one came in between: two of them still do, and nothing is solved again."""
    one, other = pair
    late.before(other, lambda: one.place(gold(1)))
    outcome = other.place(gold(7, count=3))
    assert [placed.request for placed in outcome.placed] == ["gold-7", "gold-8"]
    assert [(refusal.request, refusal.kind, refusal.because) for refusal in outcome.refused] == [
        ("gold-9", "no_room", ("iops",))
    ]
    assert (outcome.status, late.decided, late.turns) == ("feasible", 1, 2)
    assert held(other) == ["gold-1", "gold-7", "gold-8"]


def test_a_batch_goes_elsewhere_where_it_does_not_hold(rivals: tuple[Allocator, Allocator], late: Late) -> None:
    """Of two pools one is taken by somebody else; who wanted that one finds the other taken too, by its own batch."""
    one, other = rivals
    late.before(other, lambda: one.place([{"name": "first", "size": "1GiB", "offering": "gold"}]))
    wanted = [{"name": f"late-{n}", "size": "1GiB", "tags": ["files"], "dedicated": True} for n in range(2)]
    outcome = other.place([{"name": "second", "size": "1GiB", "offering": "gold"}, *wanted])
    assert {placed.request: placed.pool.partition("-")[0] for placed in outcome.placed} == {
        "second": "sf", "late-0": "nfs", "late-1": "nfs"
    }  # fmt: skip
    assert (late.decided, late.turns) == (1, 2)
    assert one.audit() == other.audit() == []


def test_a_batch_of_other_requests_is_solved_again(pair: tuple[Allocator, Allocator], late: Late) -> None:
    """One of the three that are asked for is placed by somebody else: only two are left to place."""
    one, other = pair
    late.before(other, lambda: one.place(gold(8)))
    outcome = other.place(gold(7, count=3))
    assert sorted(placed.request for placed in outcome.placed) == ["gold-7", "gold-8", "gold-9"]
    assert (late.decided, late.turns) == (2, 2)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"offering": "gold"}, {"offering": "gold"}),
        ({"offering": "gold", "vm": "v1", "pool": "sf-1"}, {"offering": "gold", "vm": "v2", "pool": "sf-2"}),
        ({"tags": ["sf"], "apart": APART, "group": "web"}, {"tags": ["sf"], "apart": APART, "group": "web"}),
        ({"tags": ["files"], "dedicated": True}, {"tags": ["files"]}),
        ({"offering": "promised"}, {"tags": ["caps"]}),
    ],
    ids=["iops", "host-iops", "apart", "dedicated", "exclusivity"],
)
def test_rules_that_are_no_sums_are_asked_as_well(
    rivals: tuple[Allocator, Allocator], late: Late, first: Wish, second: Wish
) -> None:
    """Both decide for the same pool or host; whoever is late goes to the other one, decided within its turn."""
    one, other = rivals
    taken = list[Placed]()
    late.before(other, lambda: taken.extend(one.place([{"name": "first", "size": "1GiB", **first}]).placed))
    (placed,) = other.place([{"name": "second", "size": "1GiB", **second}]).placed
    assert (late.decided, late.turns) == (2, 1)
    assert (taken[0].pool, taken[0].host) != (placed.pool, placed.host)
    assert one.audit() == other.audit() == []


def test_a_name_that_another_took_is_theirs(pair: tuple[Allocator, Allocator], late: Late) -> None:
    one, other = pair
    late.before(other, lambda: one.place(gold(1)))
    outcome = other.place(gold(1))
    assert ([placed.request for placed in outcome.placed], outcome.plan.steps) == (["gold-1"], ())
    assert len(held(one)) == 1


def test_a_volume_that_went_meanwhile_is_placed_anew(pair: tuple[Allocator, Allocator], late: Late) -> None:
    """Two are asked for, one of them is there: it goes while the other is decided, so both are placed."""
    one, other = pair
    assert one.ledger is not None
    one.place(gold(1))
    release = one.ledger.release
    late.before(other, lambda: release("gold-1"))
    outcome = other.place(gold(1, count=2))
    assert {step.volume for step in outcome.plan.steps} == {"gold-1", "gold-2"}
    assert held(other) == ["gold-1", "gold-2"]


def test_nobody_waits_while_everything_is_read(
    pair: tuple[Allocator, Allocator], late: Late, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A device shows something new before the turn: it is given up, and others may write while all of it is read."""
    one, other = pair
    assert one.ledger is not None
    note, facts = one.ledger, Ledger.facts
    shown = {"name": "foreign-1", "pool": "sf-1", "size": 2**30, "foreign": True}

    def reading(ledger: Ledger) -> Facts:
        note.event("note", "sf-1", "written meanwhile")
        return facts(ledger)

    monkeypatch.setattr(Ledger, "facts", reading)
    late.before(other, lambda: note.foreign("sf-1", [shown]))
    assert len(other.place(gold(9)).placed) == 1
    assert [event.text for event in note.events("sf-1")] == ["written meanwhile"]


def test_who_is_always_too_late_gives_up(pair: tuple[Allocator, Allocator], late: Late) -> None:
    """Every time another device shows something else."""
    one, other = pair
    assert one.ledger is not None
    note = one.ledger

    def show() -> None:
        note.foreign("sf-1", [{"name": f"foreign-{late.turns}", "pool": "sf-1", "size": 2**30, "foreign": True}])

    late.before(other, show, times=99)
    with pytest.raises(Contended, match="The ledger changed under 8 decisions in a row"):
        other.place(gold(1))
    assert late.turns == 8


def test_what_is_attached_is_looked_at_again(rivals: tuple[Allocator, Allocator], late: Late) -> None:
    """R08: h1 carries 4,000, and a volume of 3,000 is attached there while another one is about to be."""
    one, other = rivals
    assert one.ledger is not None
    for name in ("a", "b"):
        plan = one.place([{"name": name, "size": "1GiB", "offering": "gold"}]).plan
        claim = claimed(one.ledger, plan)
        done = Mark(step_of(plan, "create", name), "done", {"native_id": name})
        one.ledger.record(claim, [Entry((done,), Settled(name, "done", plan.volumes[0]))])
        one.ledger.finish(claim, "done")
    late.before(other, lambda: one.attach("a", "h1"))
    with pytest.raises(ValueError, match=r"h1 .* 4,000"):
        other.attach("b", "h1")
    assert late.turns == 1


def test_a_saved_plan_is_looked_at_again(pair: tuple[Allocator, Allocator], late: Late, tmp_path: Path) -> None:
    """R06: decided from documents alone, reserved when it is applied; the last room goes while it is being checked."""
    one, other = pair
    saved = opened(tmp_path, ARRAY).place(gold(9)).plan
    late.before(other, lambda: one.place(gold(1, count=3)))
    with pytest.raises(PlanError, match="would break rule iops"):
        asyncio.run(other.apply(saved))
    assert held(other) == ["gold-1", "gold-2", "gold-3"]

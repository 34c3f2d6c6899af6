"""Neighbourhoods: numbers worked out on paper, and in random worlds never worse and the same again."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from allocator.domain.inventory import Inventory
from allocator.domain.outcome import Headway
from allocator.domain.placement import Volume
from allocator.domain.places import Pool
from allocator.domain.policy import Effort, Policy
from allocator.domain.request import Request
from allocator.fleet import Fleet
from allocator.goals import tiers_of
from allocator.rules import rules_of
from allocator.screen import Screen
from allocator.solver.classes import Unit, units_of
from allocator.solver.deadline import Deadline
from allocator.solver.draft import Draft
from allocator.solver.greedy import greedy
from allocator.solver.improve import improve
from allocator.testing.brute import cost
from allocator.testing.made import amount, host, pool, request, sized, volume
from allocator.testing.trial import Trial, shown
from allocator.testing.worlds import random_world
from allocator.verify import worsened

EFFORT = Effort(work=0.5)


class Case:
    """Requests that lie on pools as is said, and what improving makes of them."""

    def __init__(self, pools: Sequence[Pool], *goals: str) -> None:
        self.policy = Policy(goals=tuple(((goal, 1),) for goal in ("placed", *goals)))
        self.rules = rules_of(self.policy)
        self.inventory = Inventory(pools, [host("h0", iops=amount(9)), host("h1", iops=amount(9))])
        self.placed: dict[str, tuple[Volume, ...]] = {}
        self.units: list[Unit] = []
        self.told: list[Headway] = []

    def put(self, where: str | None, *asked: Request) -> None:
        self.units += units_of(asked)
        if where is not None:
            self.placed |= {one.name: (volume(self.inventory.pools[where], one),) for one in asked}

    def improved(self, effort: Effort = EFFORT) -> dict[str, str]:
        screen = Screen(Fleet(self.inventory.copy()), self.rules)
        found = improve(
            self.placed, self.units, screen, self.inventory, tiers_of(self.policy, self.rules), effort,
            Deadline(effort.seconds), self.told.append,
        )  # fmt: skip
        assert screen.fleet.inventory.volumes == {}
        assert worsened(self.inventory, self.rules, [one for volumes in found.values() for one in volumes]) == []
        return {name: volumes[0].pool for name, volumes in found.items()}


def test_a_refused_request_gets_the_room_of_two_pools() -> None:
    """R22: 4 and 3 lie on pools of 6, and a 2 beside the 3; where the 2 joins the 4, the other 3 fits."""
    case = Case([pool("a", capacity=sized(6)), pool("b", capacity=sized(6))])
    case.put("a", request("four", 4))
    case.put("b", request("three", 3), request("two", 2))
    case.put(None, request("other", 3))
    assert case.improved() == {"four": "a", "two": "a", "three": "b", "other": "b"}
    assert [(told.phase, told.goal, told.cost) for told in case.told] == [("improving", "placed", 0)]


def test_room_is_gathered_until_the_last_fits() -> None:
    """R22: nothing is to spare. 10 = 4 + 6 = 3 + 7 = 5 + 5, and each pool has a wrong pair first."""
    case = Case([pool(name, capacity=sized(10)) for name in "abc"])
    case.put("a", request("four", 4), request("five", 5))
    case.put("b", request("three", 3), request("six", 6))
    case.put("c", request("seven", 7))
    case.put(None, request("another", 5))
    found = case.improved(Effort(work=2.0))
    assert len(found) == 6
    assert found["four"] == found["six"]
    assert found["three"] == found["seven"]


def test_a_pool_is_emptied_where_few_are_wanted() -> None:
    """R22, R27: three pools hold 3, 3 and 3 + 1; two of 5 and 6 are enough."""
    case = Case([pool("a", capacity=sized(5)), pool("b", capacity=sized(6)), pool("c", capacity=sized(4))], "packing")
    case.put("a", request("one", 3))
    case.put("b", request("two", 3))
    case.put("c", request("three", 3), request("small", 1))
    assert len(set(case.improved().values())) == 2


def test_dear_pools_are_left() -> None:
    """R22, R27: the cheap pool takes 6 of 4 + 3 + 3; one after the other it took the 4."""
    gib = 2**30
    case = Case([pool("cheap", capacity=sized(6 * gib)), pool("dear", capacity=sized(10 * gib), price=1)], "price")
    case.put("cheap", request("four", 4 * gib))
    case.put("dear", request("three", 3 * gib), request("other", 3 * gib))
    assert case.improved() == {"four": "dear", "three": "cheap", "other": "cheap"}


def test_without_work_nothing_changes() -> None:
    """R22: and past the deadline neither."""
    for effort in (Effort(work=0.0), Effort(seconds=0.0)):
        case = Case([pool("a", capacity=sized(6)), pool("b", capacity=sized(6))])
        case.put("a", request("four", 4))
        case.put("b", request("three", 3), request("two", 2))
        case.put(None, request("other", 3))
        assert case.improved(effort) == {"four": "a", "three": "b", "two": "b"}


@pytest.mark.parametrize("seed", range(12))
def test_never_worse_and_the_same_again(seed: int) -> None:
    """R22: under any goals, moves of what lies there included; full audits say what is allowed."""
    trial = Trial(random_world(seed, units=4))
    for units in filter(None, (trial.units, trial.homes)):
        assert _improved(trial, units) == _improved(trial, units)


def _improved(trial: Trial, units: Sequence[Unit]) -> str:
    screen = trial.screen([volume.name for unit in units for volume in unit.home])
    draft = Draft(units, screen, trial.inventory, trial.tiers)
    greedy(draft, Deadline())
    start, before = dict(draft.placed), draft.cost()
    draft.become({})
    found = improve(start, units, screen, trial.inventory, trial.tiers, Effort(work=0.05), Deadline())
    assert cost(units, tuple(found.get(unit.name) for unit in units), trial.inventory, trial.tiers) <= before
    volumes = [volume for placed in found.values() for volume in placed]
    assert trial.judge.allows(volumes)
    return shown(volumes)

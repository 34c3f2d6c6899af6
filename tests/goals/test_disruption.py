"""Goal `disruption` on paper: the most moves in any one group (R25)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from allocator.domain.inventory import Inventory
from allocator.domain.policy import Effort, Policy
from allocator.goal import Answer
from allocator.goals.disruption import Disruption
from allocator.goals.movement import Movement
from allocator.goals.overload import Overload
from allocator.rules import rules_of
from allocator.solver.classes import Unit
from allocator.solver.search import solve
from allocator.testing.made import amount, pool, request, sized, volume
from tests.goals.paper import Sum, misadded

FACTS: Any = {"capacity": sized(9), "resources": {"cpu": amount(9)}}
P, Q = pool("p", **FACTS), pool("q", **FACTS)
POLICY = Policy()

SUMS = (
    Sum("a newcomer moves nothing", request(group="g"), {"p": 0, "q": 0}, [P, Q]),
    Sum("one move is one", (), {"p": 0, "q": 1}, [P, Q], home=volume(P, request("v", group="g"))),
    Sum("nobody's moves count for nobody", (), {"p": 0, "q": 0}, [P, Q], home=volume(P, request("v"))),
)


@pytest.mark.parametrize("line", SUMS, ids=str)
def test_on_paper(line: Sum) -> None:
    assert list(misadded(line, Disruption)) == []


def test_the_group_with_most_moves_counts() -> None:
    """Two of g move and one of h: 2."""
    names = {"g1": "g", "g2": "g", "g3": "g", "h1": "h"}
    lying = [request(name, group=group) for name, group in names.items()]
    before = Inventory([P, Q], [], [volume(P, one) for one in lying])
    after = before.plus([volume(Q, one) for one in lying if one.name != "g3"])
    assert Disruption(POLICY, ()).cost(Answer(before, after, ())) == 2


def test_moves_are_shared_by_groups() -> None:
    """R25: of two groups of two volumes on a pool that calls two of four safe, each moves one."""
    full = pool("full", capacity=sized(9), resources={"cpu": replace(amount(9), safe=2)})
    lying = [volume(full, request(f"{g}{n}", group=g, resources=(("cpu", 1),))) for g in "gh" for n in (1, 2)]
    rules = rules_of(POLICY)
    units = [Unit((one.request,), (one,)) for one in lying]
    tiers = ((Overload(POLICY, rules), 1),), ((Disruption(POLICY, rules), 1),), ((Movement(POLICY, rules), 1),)
    found = solve(units, Inventory([full, P, Q], [], lying), rules, tiers, Effort())
    assert [(goal.cost, goal.bound) for goal in found.goals] == [(-2, -2), (1, 1), (2 * (1 + 1), 4)]

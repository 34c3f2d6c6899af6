"""Goal `placed` on paper: what refusals cost."""

from __future__ import annotations

import pytest

from allocator.domain.inventory import Inventory
from allocator.domain.policy import Effort, Policy
from allocator.goal import Answer
from allocator.goals.placed import Placed
from allocator.rules import rules_of
from allocator.solver.classes import units_of
from allocator.solver.search import solve
from allocator.testing.made import host, pool, request, sized
from tests.goals.paper import Sum, misadded

PAIR = (request("a", vm="m", priority=9), request("b", vm="m", priority=1))
SUMS = (
    Sum("a refusal costs 1", request(), {"p": 0}, [pool()], refused=1),
    Sum("and its priority", request(priority=9), {"p": 0}, [pool()], refused=10),
    Sum("of each volume", PAIR, {"p+p@h": 0}, [pool()], [host()], refused=12),
)


@pytest.mark.parametrize("line", SUMS, ids=str)
def test_on_paper(line: Sum) -> None:
    assert list(misadded(line, Placed)) == []


def test_a_refusal_costs_one_and_its_priority() -> None:
    """(1 + 0) + (1 + 9) = 11."""
    before = Inventory([pool()])
    answer = Answer(before, before.plus(), [request("a"), request("b", priority=9)])
    assert Placed(Policy(), ()).cost(answer) == 11


@pytest.mark.parametrize(("priority", "placed", "cost"), [(4, {"s0", "s1", "s2"}, 5), (6, {"large"}, 6)])
def test_the_weightier_side_is_placed(priority: int, placed: set[str], cost: int) -> None:
    """R22: three small volumes weigh 3 x (1 + 1) = 6, a large one of priority 4 weighs 5, of 6 it weighs 7."""
    asked = [*(request(f"s{number}", 2, priority=1) for number in range(3)), request("large", 6, priority=priority)]
    rules = rules_of(Policy())
    tiers = (((Placed(Policy(), rules), 1),),)
    found = solve(units_of(asked), Inventory([pool(capacity=sized(6))]), rules, tiers, Effort())
    assert set(found.placed) == placed
    assert found.goals[0].cost == found.goals[0].bound == cost

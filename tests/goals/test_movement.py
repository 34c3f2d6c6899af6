"""Goal `movement` on paper: what leaves its pool costs (R25)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from allocator.domain import policy as numbers
from allocator.domain.inventory import Inventory
from allocator.domain.policy import Effort, Policy
from allocator.domain.sizes import GIB
from allocator.goal import Answer
from allocator.goals.movement import Movement
from allocator.goals.placed import Placed
from allocator.rules import rules_of
from allocator.solver.classes import Unit, units_of
from allocator.solver.search import solve
from allocator.testing.made import limit, pool, request, sized, volume
from tests.goals.paper import Sum, misadded

POLICY = Policy(movement=numbers.Movement(per_gib=2, per_volume=10))
FAR = Policy(movement=numbers.Movement(per_gib=2, per_volume=10, per_pair={"p": {"q": 30}, "q": {"p": 5}}))
P, Q = pool("p", capacity=sized(4 * GIB)), pool("q", capacity=sized(4 * GIB))

LYING = request("v", GIB + 1, limit(9))
SUMS = (
    Sum("a newcomer moves nothing", request("r", GIB), {"p": 0, "q": 0}, [P, Q], policy=POLICY),
    Sum("10 and 2 for each GiB begun, other QoS where it lies nothing", (), {"p/0": 0, "p/1": 0, "q/0": 14, "q/1": 14},
        [P, Q], policy=POLICY, home=volume(P, LYING)),
    Sum("its own cost and that of the way: 10 + 2 x 2 + 7 + 30", (), {"p/0": 0, "p/1": 0, "q/0": 51, "q/1": 51}, [P, Q],
        policy=FAR, home=volume(P, replace(LYING, move_cost=7))),
)  # fmt: skip


@pytest.mark.parametrize("line", SUMS, ids=str)
def test_on_paper(line: Sum) -> None:
    assert list(misadded(line, Movement)) == []


def test_a_move_costs_itself_and_each_gib_begun() -> None:
    """R25: 10 + 2 x 2 for 1 GiB and a byte; nothing for other QoS on the same pool, nor for a newcomer."""
    moved, kept = request("moved", GIB + 1), request("kept", GIB, limit(9))
    before = Inventory([P, Q], [], [volume(P, moved), volume(P, kept)])
    after = before.plus([volume(Q, moved), volume(P, kept, by=1), volume(Q, request("new", GIB))])
    assert Movement(POLICY, ()).cost(Answer(before, after, ())) == 14


@pytest.mark.parametrize(("wanted", "cost", "leaves"), [(1, 12, "small"), (2, 16, "large"), (3, 16, "large")])
def test_the_cheapest_volumes_make_room(wanted: int, cost: int, leaves: str) -> None:
    """R25: 1 GiB is had by moving the small volume, 10 + 2; 2 or 3 by moving the large one, 10 + 6."""
    small, large = volume(P, request("small", GIB)), volume(P, request("large", 3 * GIB))
    blocked = volume(Q, request("blocked", GIB))
    rules = rules_of(POLICY)
    tiers = ((Placed(POLICY, rules), 1),), ((Movement(POLICY, rules), 1),)
    homes = [Unit((lying.request,), (lying,)) for lying in (small, large)]
    units = [*homes, *units_of([request("r", wanted * GIB, pool="p")])]
    found = solve(units, Inventory([P, Q], [], [small, large, blocked]), rules, tiers, Effort())
    assert [(goal.cost, goal.bound) for goal in found.goals] == [(0, 0), (cost, cost)]
    assert [name for name, volumes in found.placed.items() if name != "r" and volumes[0].pool == "q"] == [leaves]

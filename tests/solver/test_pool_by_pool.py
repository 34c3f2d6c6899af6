"""One pool after the other is filled with what suits what is left of it, worked out on paper."""

from __future__ import annotations

from allocator.domain.inventory import Inventory
from allocator.domain.policy import Effort, Policy
from allocator.domain.request import Request
from allocator.fleet import Fleet
from allocator.goals import tiers_of
from allocator.rules import rules_of
from allocator.screen import Screen
from allocator.solver.classes import units_of
from allocator.solver.contents.pool_by_pool import few_pools
from allocator.solver.contents.shelves import shelves
from allocator.solver.search import solve
from allocator.testing.made import amount, pool, request

PACKING = Policy(rules=("resources",), goals=((("placed", 1),), (("packing", 1),)))
RULES = rules_of(PACKING)
TIERS = tiers_of(PACKING, RULES)


def fleet(pools: int) -> Inventory:
    """Pools of 10 in two dimensions."""
    return Inventory(pool(f"p{row}", resources={"x": amount(10), "y": amount(10)}) for row in range(pools))


def asked(*takes: tuple[int, int]) -> list[Request]:
    return [request(f"r{row}", resources=(("x", x), ("y", y))) for row, (x, y) in enumerate(takes)]


def filled(pools: int, *takes: tuple[int, int]) -> dict[str, set[str]]:
    """Who lies together, by pool."""
    screen = Screen(Fleet(fleet(pools)), RULES)
    known = shelves(units_of(asked(*takes)), screen, TIERS)
    assert known is not None
    found: dict[str, set[str]] = {}
    for name, volumes in few_pools(known, screen).items():
        found.setdefault(volumes[0].pool, set()).add(name)
    return found


def test_what_is_left_of_one_dimension_is_filled_with_what_takes_little_of_the_other() -> None:
    """(8, 2) goes with (2, 8), twice: largest first would be (8, 2) beside nothing else of its like."""
    pairs = list(filled(4, (8, 2), (8, 2), (2, 8), (2, 8)).values())
    assert sorted(map(len, pairs)) == [2, 2]
    assert all(len(pair & {"r0", "r1"}) == 1 for pair in pairs)


def test_what_finds_no_pool_is_left_out() -> None:
    """Of three that take 6 each, two pools hold two."""
    assert sorted(map(len, filled(2, (6, 6), (6, 6), (6, 6)).values())) == [1, 1]


def test_no_pool_holds_more_than_it_has() -> None:
    takes = [(3 + row % 4, 2 + row % 5) for row in range(30)]
    for names in filled(30, *takes).values():
        assert sum(takes[int(name[1:])][0] for name in names) <= 10
        assert sum(takes[int(name[1:])][1] for name in names) <= 10


def test_a_batch_begins_with_it() -> None:
    """Hardly any work to spend: 40 of 100 x and 60 of 100 y in pairs need 10 pools, and take no more."""
    requests = asked(*[(4, 1)] * 10, *[(6, 9)] * 10)
    found = solve(units_of(requests), fleet(20), RULES, TIERS, Effort(work=0.01))
    assert [goal.cost for goal in found.goals] == [0, 10]

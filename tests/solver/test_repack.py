"""Whole contents of pools: what fits and is worth most, what that proves, and answers worked out on paper."""

from __future__ import annotations

import numpy as np
import pytest

from allocator.domain.inventory import Inventory
from allocator.domain.policy import Policy
from allocator.domain.request import Request
from allocator.fleet import Fleet
from allocator.goals import tiers_of
from allocator.rules import rules_of
from allocator.screen import Screen
from allocator.solver.classes import units_of
from allocator.solver.contents.repack import Repacked, repack
from allocator.solver.contents.shelves import Shelf, shelves
from allocator.solver.contents.stock import at_most, stock
from allocator.solver.deadline import Deadline
from allocator.solver.draft import Draft
from allocator.solver.greedy import greedy
from allocator.testing.made import amount, pool, provisioned, request, volume

PACKING = Policy(rules=("resources",), goals=((("placed", 1),), (("packing", 1),)))
PRICE = Policy(rules=("resources", "state"), goals=((("placed", 1),), (("price", 1),)))


def shelf(room: list[int], takes: list[list[int]]) -> Shelf:
    """One kind of pool that is open to every option, none of which costs anything."""
    return Shelf(
        (0,),
        np.array(room),
        np.ones(len(takes), dtype=np.bool_),
        np.array(takes, dtype=np.int64),
        np.zeros((len(takes), 1), dtype=np.int64),
    )


def sized(name: str, **takes: int) -> Request:
    return request(name, resources=tuple(takes.items()))


def repacked(policy: Policy, pools: dict[str, int], sizes: list[int], number: int) -> tuple[Repacked, tuple[int, ...]]:
    """One dimension `d`; what repacking the greedy answer gives, and what that answer cost."""
    rules = rules_of(policy)
    tiers = tiers_of(policy, rules)
    prices = {name: row + 1 for row, name in enumerate(pools)}
    made = [pool(name, resources={"d": amount(room)}, price=prices[name]) for name, room in pools.items()]
    units = units_of(sized(f"r{row}", d=size) for row, size in enumerate(sizes))
    inventory = Inventory(made)
    draft = Draft(units, Screen(Fleet(inventory.copy()), rules), inventory, tiers)
    greedy(draft, Deadline())
    base = Screen(Fleet(inventory), rules)
    cost = draft.cost()
    return repack(units, dict(draft.placed), base, tiers, number, cost, 5.0, 1, Deadline()), cost


def test_one_limit_is_filled_exactly() -> None:
    """Of 5, 4 and 3 worth 8, 5 and 4 in a room of 7: 4 and 3 are worth 9, the densest alone 8."""
    made, worth = shelf([7], [[5], [4], [3]]), np.array([8.0, 5.0, 4.0])
    found, best = stock(made, worth, np.arange(3), 0)
    assert best
    assert found.tolist() == [[False, True, True]]
    assert at_most(made, np.array([8, 5, 4]), np.arange(3)) == 9


def test_two_limits_are_filled_from_every_beginning() -> None:
    """Rooms of 10 and 10: (6, 2) goes with (4, 8), (5, 5) with neither; no content is worth more than 2."""
    made = shelf([10, 10], [[6, 2], [4, 8], [5, 5]])
    found, best = stock(made, np.ones(3), np.arange(3), 0)
    assert not best
    assert {tuple(np.flatnonzero(row).tolist()) for row in found} == {(0, 1), (2,)}
    assert at_most(made, np.array([1, 1, 1]), np.arange(3)) >= 2


def test_what_is_cut_counts_in_part() -> None:
    """Of 6 worth 5 and 10 worth 7, rooms of 10 each hold one: 7 is best, and 5 + 7 x 4 / 10 bounds it by 8."""
    assert at_most(shelf([10, 10], [[6, 6], [10, 10]]), np.array([5, 7]), np.arange(2)) == 8


def test_two_ways_to_keep_one_unit_are_never_both_taken() -> None:
    found, _ = stock(shelf([9], [[2], [3]]), np.array([1.0, 1.0]), np.array([0, 0]), 0)
    assert all(row.sum() == 1 for row in found)


def test_pools_of_which_the_same_is_said_are_one_kind() -> None:
    rules = rules_of(PACKING)
    made = [pool(name, resources={"d": amount(room)}) for name, room in (("a", 9), ("b", 9), ("c", 5))]
    found = shelves(units_of([sized("r", d=4)]), Screen(Fleet(Inventory(made)), rules), tiers_of(PACKING, rules))
    assert found is not None
    assert [kind.rows for kind in found.kinds] == [(0, 1), (2,)]
    assert found.complete


def test_what_lies_on_a_shelf_and_what_rules_say_beside_sums() -> None:
    """3 of 9 are taken on one pool, so that they are two kinds; a promise is kept from what nobody limits by a gate."""
    made = [pool(name, resources={"d": amount(9)}, iops=amount(100)) for name in "ab"]
    lying = Inventory(made, [], [volume(made[0], sized("old", d=3))])
    rules = rules_of(PACKING)
    found = shelves(units_of([sized("r", d=4)]), Screen(Fleet(lying), rules), tiers_of(PACKING, rules))
    assert found is not None
    assert [kind.room.tolist() for kind in found.kinds] == [[6], [9]]
    minding = rules_of(Policy(rules=("resources", "exclusivity")))
    asked = units_of([request("r", 1, provisioned(10)), request("s", 1)])
    gated = shelves(asked, Screen(Fleet(Inventory(made)), minding), tiers_of(PACKING, minding))
    assert gated is not None
    assert not gated.complete


def test_units_that_attach_are_left_to_others() -> None:
    rules = rules_of(PACKING)
    made = Screen(Fleet(Inventory([pool("a")])), rules)
    assert shelves(units_of([request("r", vm="m")]), made, tiers_of(PACKING, rules)) is None


def test_fewer_pools_than_one_after_the_other() -> None:
    """6, 5, 5, 4, 4, 3 and 3 are 30: in the order given they take four pools of 10; (6 4) (5 5) (4 3 3) are three."""
    found, cost = repacked(PACKING, dict.fromkeys("abcdefg", 10), [3, 4, 5, 6, 3, 4, 5], 1)
    assert cost == (0, 4)
    assert found.placed is not None
    assert len({volumes[0].pool for volumes in found.placed.values()}) == 3
    assert len(found.placed) == 7


def test_what_does_not_fit_one_after_the_other_is_placed() -> None:
    """Rooms of 10, 8 and 8, and 26 asked for: nothing may be lost, as in (6 4) (5 3) (4 2 2)."""
    found, cost = repacked(PACKING, {"a": 10, "b": 8, "c": 8}, [2, 2, 3, 4, 4, 5, 6], 0)
    assert cost[0] > 0
    assert found.placed is not None
    assert len(found.placed) == 7
    assert found.bound == 0


def test_nothing_is_said_where_no_pool_is_open() -> None:
    found, cost = repacked(PACKING, {"a": 3}, [4, 5], 0)
    assert (found.placed, cost[0]) == (None, 2)


@pytest.mark.parametrize("sizes", [[2, 2, 3, 3], [5, 4, 3, 2, 1]])
def test_a_bound_never_lies_above_the_answer(sizes: list[int]) -> None:
    """Pools of 6 at prices 1, 2, 3: the bound is at most what the best answer costs, found by trying all."""
    found, cost = repacked(PRICE, {"a": 6, "b": 6, "c": 6}, sizes, 1)
    assert cost[0] == 0
    assert found.bound is not None
    best = _cheapest(sizes, 6, 3)
    assert found.bound <= best <= cost[1]


def test_equal_pools_hold_as_much_each() -> None:
    """Three of 6 on two pools of 6: one is refused, and no bound says that more must be."""
    found, cost = repacked(PACKING, {"a": 6, "b": 6}, [6, 6, 6], 0)
    assert (cost[0], found.bound) == (1, 1)


def test_no_bound_is_paid_for_what_is_refused() -> None:
    """A pool of 6 at price 1 for a 4 and a 5: one is refused, and the other costs 1."""
    found, cost = repacked(PRICE, {"a": 6}, [4, 5], 1)
    assert cost == (1, 1)
    assert found.bound is None or found.bound <= 1


def _cheapest(sizes: list[int], room: int, pools: int) -> int:
    best = 10**9
    for code in range(pools ** len(sizes)):
        where = [code // pools**row % pools for row in range(len(sizes))]
        loads = [sum(size for size, at in zip(sizes, where, strict=True) if at == p) for p in range(pools)]
        if max(loads) <= room:
            best = min(best, sum(at + 1 for at in where))
    return best

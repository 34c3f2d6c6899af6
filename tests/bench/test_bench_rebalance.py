"""The bench of rebalancing: its fleets are broken as they say, and its figures are what they are called."""

from __future__ import annotations

from collections import Counter

from allocator.domain.inventory import Inventory
from allocator.domain.sizes import GIB
from allocator.testing.made import pool, request, sized, volume
from allocator.verify import broken
from bench.broken import broken_fleet
from bench.rebalance import _missed
from bench.rebalancing import RULES, balancing, floor, mending


def test_a_fleet_is_broken_as_it_says() -> None:
    """One zone of 40 pools: two drain, two may sell less, one lost its tag; before that nothing was wrong."""
    inventory = broken_fleet(1, 2000, "0.8")
    states = Counter(pool.state for pool in inventory.pools.values())
    assert states == {"up": 38, "draining": 2}
    mixed = [name for name, pool in inventory.pools.items() if pool.tags == {"mixed"}]
    found = Counter(violation.rule for violation in broken(inventory, RULES))
    assert found["state"] == 2
    assert found["tags"] == len(list(inventory.volumes_at("pool", mixed[0])))
    assert set(found) <= {"state", "tags", "capacity"}
    assert found["capacity"] <= 2
    again = broken_fleet(1, 2000, "0.8")
    assert [volume.pool for volume in again.all_volumes()] == [volume.pool for volume in inventory.all_volumes()]


def test_a_small_fleet_is_mended_near_the_bound() -> None:
    """R27: nothing is left, within a hundredth of the fewest bytes, and nothing is proposed right after."""
    figure = mending(1000, "0.8", 60, 1)
    assert (figure["left"], figure["again"]) == (0, 0)
    assert figure["gap"] <= 0.01
    assert figure["moves"] > 100
    assert not _missed({"gap": 0.01, "seconds": 60}, figure | {"wall_seconds": 1})


def test_volumes_that_are_all_unlike_are_mended_as_well() -> None:
    """R27: no two are of one size, and what moves is near what must: to leave what drains, and for what is too much."""
    inventory = broken_fleet(1, 1000, "0.8", unlike=True)
    sizes = [volume.request.size_bytes for volume in inventory.all_volumes()]
    assert len(set(sizes)) == len(sizes)
    figure = mending(1000, "0.8", 60, 1, unlike=True)
    assert (figure["left"], figure["again"]) == (0, 0)
    assert 0 <= figure["gap"] <= 0.01


def test_the_floor_is_what_has_to_move_however_it_is_done() -> None:
    """R27: 2 and 3 GiB leave the pool that drains: 5, and 1 for each move. 20 GiB on 15 shed 5, in one move."""
    drains, oversold = pool("drains", state="draining"), pool("oversold", capacity=sized(15 * GIB))
    held = [volume(drains, request("a", 2 * GIB)), volume(drains, request("b", 3 * GIB))]
    held += [volume(oversold, request("c", 12 * GIB)), volume(oversold, request("d", 8 * GIB))]
    assert floor(Inventory([drains, oversold], volumes=held)) == 7 + 6


def test_under_a_budget_nothing_gains_less_than_hottest_first() -> None:
    """R27: the more may move the more is gained, and a budget is kept."""
    unlimited, tenth = balancing(400, "0.7", 60, 1, [0.1])
    assert unlimited["again"] == 0
    assert unlimited["of_unlimited"] == 1
    assert tenth["moves"] <= 40
    assert tenth["hottest_first"] <= tenth["gained"] <= unlimited["gained"]
    (alone,) = balancing(400, "0.7", 60, 1, [0.1], unlimited=False)
    assert (alone["gained"], alone["of_unlimited"]) == (tenth["gained"], None)


def test_what_is_missed_is_told() -> None:
    figure = {"case": "c", "seed": 1, "left": 5, "again": 2, "gap": 0.02, "wall_seconds": 40}
    assert _missed({"gap": 0.01, "seconds": 30}, figure) == [
        "c, seed 1: 5 millionths of breaches are left, none may be.",
        "c, seed 1: 2 moves right after, none may be.",
        "c, seed 1: 0.02 above the bound, at most 0.01.",
        "c, seed 1: 40 s, at most 30.",
    ]
    assert _missed({}, {"case": "c", "seed": 1, "gained": 1, "hottest_first": 2}) == [
        "c, seed 1: gained 1, hottest-first 2."
    ]

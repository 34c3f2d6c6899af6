"""What holds of every rebalance: in random worlds, broken starts included, against every answer there is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from allocator.domain.policy import Effort
from allocator.domain.rebalance import Aim, Budget
from allocator.goals import tiers_of
from allocator.rebalance.broken import Broken, still
from allocator.rebalance.job import rebalance
from allocator.rebalance.outcome import Rebalance
from allocator.rules import rules_of
from allocator.testing.brute import Judge
from allocator.testing.corners import corner_worlds
from allocator.testing.rebalancing import least
from allocator.testing.worlds import World, random_world

A_LITTLE = Effort(work=2)
MOST = 6
"""Volumes of a world in which every answer is tried."""


def worlds(number: int) -> Iterator[World]:
    for seed in range(number):
        yield random_world(seed, hosts=2, units=0, volumes=4)
    yield from (world for world in corner_worlds() if len(world.inventory.volumes) <= MOST)


def rebalanced(world: World, aim: Aim) -> Rebalance:
    rules = rules_of(world.policy)
    return rebalance(world.inventory, rules, tiers_of(world.policy, rules), world.policy, aim, A_LITTLE)


def again(found: Rebalance, world: World, aim: Aim) -> Rebalance:
    """The same job right after its moves were made."""
    return rebalanced(replace(world, inventory=found.after), aim)


@pytest.mark.parametrize("part", range(4))
def test_mends_as_much_as_can_be_by_the_fewest_bytes(part: int) -> None:
    """R27: no answer at all leaves less broken, and none that leaves as little moves less."""
    mended = 0
    for world in list(worlds(160))[part::4]:
        found, rules = rebalanced(world, Aim(repair=True)), rules_of(world.policy)
        left = found.broken[1], found.goals["movement"][0]
        assert left == least(world.inventory, rules, world.policy, Aim(repair=True)), world.name
        mended += found.broken[1] < found.broken[0]
    assert mended > 8


@pytest.mark.parametrize("aim", [Aim(), Aim(repair=True), Aim(gain="balance"), Aim(gain="packing"), Aim(("p0",))])
def test_never_worse_and_nothing_to_do_right_after(aim: Aim) -> None:
    """R27: every rule holds as well as before, volume by volume, and a second run has nothing to propose."""
    for world in worlds(40):
        if set(aim.drain) - set(world.inventory.pools):
            continue
        found = rebalanced(world, aim)
        start = world.inventory if not aim.drain else rebalanced(world, replace(aim, budget=Budget(moves=0))).after
        assert Judge(start, rules_of(world.policy)).allows([one.move.then for one in found.moves]), world.name
        assert found.broken[1] <= found.broken[0]
        assert not again(found, world, aim).moves, world.name


def test_drained_pools_are_empty_where_others_can_take_what_they_hold() -> None:
    """R27: of the volumes that stay, none could have gone elsewhere by itself."""
    emptied = 0
    for world in worlds(60):
        if "p0" not in world.inventory.pools:
            continue
        found = rebalanced(world, Aim(drain=("p0",)))
        left = list(found.after.volumes_at("pool", "p0"))
        emptied += not left and any(True for _ in world.inventory.volumes_at("pool", "p0"))
        rules = rules_of(world.policy)
        known = Broken.now(found.after, rules, frozenset({"p0"}))
        assert bool(left) <= bool(list(still(known, found.after, rules))), world.name
    assert emptied > 5


@pytest.mark.parametrize(
    "budget", [Budget(moves=0), Budget(moves=1), Budget(size_bytes=4), Budget(per_source=1), Budget(per_target=1)]
)
def test_budgets_are_kept(budget: Budget) -> None:
    """R27: moves, bytes, and moves from and to one pool."""
    for world in worlds(60):
        found = rebalanced(world, Aim(budget=budget))
        moves = [one.move for one in found.moves]
        sources, targets = [move.source for move in moves], [move.target for move in moves]
        assert budget.moves is None or len(moves) <= budget.moves
        assert budget.size_bytes is None or found.size_bytes <= budget.size_bytes
        assert budget.per_source is None or all(sources.count(pool) <= budget.per_source for pool in sources)
        assert budget.per_target is None or all(targets.count(pool) <= budget.per_target for pool in targets)


def test_what_may_not_move_stays() -> None:
    """R07: volumes of others, pinned ones, and what lies on a pool that is down."""
    for world in worlds(60):
        names = [volume.name for volume in world.inventory.all_volumes() if not volume.foreign][:1]
        found = rebalanced(world, Aim(pinned=frozenset(names)))
        for one in found.moves:
            assert not one.move.now.foreign
            assert one.move.volume not in names
            assert world.inventory.pools[one.move.source].state != "down"
            assert one.move.then.hosts == one.move.now.hosts
            assert one.move.then.asked.index <= one.move.now.asked.index

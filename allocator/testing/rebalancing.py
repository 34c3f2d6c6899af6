"""What laws compare a rebalance with: every way to place the volumes that may move, tried one by one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from allocator.domain.charging import kept
from allocator.domain.inventory import Inventory
from allocator.domain.placement import Volume
from allocator.domain.policy import Policy
from allocator.domain.rebalance import Aim
from allocator.goal import Answer
from allocator.goals.movement import Movement
from allocator.rebalance.broken import Broken, still
from allocator.rebalance.draining import emptied
from allocator.rule import Rule
from allocator.testing.brute import Judge


def least(inventory: Inventory, rules: tuple[Rule, ...], policy: Policy, aim: Aim) -> tuple[int, int]:
    """(what stays broken, movement) of the best of all ways that make nothing worse."""
    start = emptied(inventory, aim.drain)
    broken, judge, movement = Broken.now(start, rules), Judge(start, rules), Movement(policy, rules)
    movable = [
        volume for volume in start.all_volumes() if aim.may_move(volume) and start.pools[volume.pool].state != "down"
    ]
    best = None
    for ways in product(*(list(_ways(volume, start)) for volume in movable)):
        if not judge.allows(ways):
            continue
        after = start.plus([way for way in ways if start.find(way.name) is not way])
        cost = broken.cost(still(broken, after, rules)), movement.cost(Answer(start, after, ()))
        best = cost if best is None else min(best, cost)
    assert best is not None, "staying is a way"
    return best


def _ways(volume: Volume, inventory: Inventory) -> Iterator[Volume]:
    """Where it lies, and on every other pool by every choice that is no worse than the one it has."""
    yield volume
    choices = [wish for wish in volume.request.alternatives if wish.index <= volume.asked.index]
    if volume.asked not in choices:
        choices.append(volume.asked)
    for pool in inventory.pools.values():
        if pool.name != volume.pool:
            for asked in choices:
                yield replace(volume, pool=pool.name, asked=asked, alternative=kept(asked, pool))

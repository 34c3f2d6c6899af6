"""What `python -m bench rebalance` measures: mending against the bound, and balance under budgets against a greedy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from allocator.domain.inventory import Inventory
from allocator.domain.policy import Effort, Policy
from allocator.domain.rebalance import Aim, Budget
from allocator.domain.sizes import GIB
from allocator.goal import Answer
from allocator.goals import tiers_of
from allocator.goals.balance import Balance
from allocator.rebalance.hottest import hottest_first
from allocator.rebalance.job import rebalance
from allocator.rebalance.outcome import Rebalance
from allocator.rules import rules_of
from bench.broken import broken_fleet
from bench.meter import Meter

POLICY = Policy()
RULES = rules_of(POLICY)
TIERS = tiers_of(POLICY, RULES)


def rebalanced(inventory: Inventory, aim: Aim, seconds: float | None, seed: int = 1) -> Rebalance:
    return rebalance(inventory, RULES, TIERS, POLICY, aim, Effort(seconds=seconds, seed=seed))


def mending(volumes: int, fill: str, seconds: float, seed: int, *, unlike: bool = False) -> dict[str, Any]:
    """Repair a struck fleet within so much wall-clock time, world making excluded.

    The gap is to the bound that the repair proved, or else to what has to move however it is done.
    """
    inventory = broken_fleet(seed, volumes, fill, unlike=unlike)
    with Meter() as meter:
        found = rebalanced(inventory, Aim(repair=True), seconds, seed)
    cost, proven = found.goals["movement"]
    bound = floor(inventory) if proven is None else proven
    return {
        "case": f"{volumes} at {fill}{', all unlike' if unlike else ''}",
        "seed": seed,
        "volumes": len(inventory.volumes),
        "pools": len(inventory.pools),
        "moves": len(found.moves),
        "moved_gib": found.size_bytes >> 30,
        "left": found.broken[1],
        "gap": round((cost - bound) / max(1, bound), 6),
        "bound": "floor" if proven is None else "proven",
        "healthy": sum(one.purpose == "makes_room" for one in found.moves),
        "again": len(rebalanced(found.after, Aim(repair=True), seconds, seed).moves),
        "cpu_seconds": round(meter.cpu_seconds, 2),
        "wall_seconds": round(meter.wall_seconds, 2),
    }


def floor(inventory: Inventory) -> int:
    """What goal `movement` costs at the least: what lies wrong leaves, and an oversold pool sheds what is too much."""
    costs = POLICY.movement
    total = 0
    for pool in inventory.pools.values():
        held = list(inventory.volumes_at("pool", pool.name))
        wrong = [one for one in held if pool.state == "draining" or not one.request.tags <= pool.tags]
        total += sum(costs.per_volume + costs.per_gib * -(-one.request.size_bytes // GIB) for one in wrong)
        over = sum(one.request.size_bytes for one in held) - (pool.capacity.total_bytes or 0)
        if over > 0 and not wrong:
            largest = max(one.request.size_bytes for one in held)
            total += costs.per_volume * -(-over // largest) + costs.per_gib * -(-over // GIB)
    return total


def balancing(
    volumes: int, fill: str, seconds: float, seed: int, shares: list[float], *, unlimited: bool = True
) -> Iterator[dict[str, Any]]:
    """Even out load with so many moves, as shares of all volumes.

    What is gained is told of what no budget bounds, too, where that is measured (`unlimited`).
    """
    struck = broken_fleet(seed, volumes, fill)
    start = rebalanced(struck, Aim(repair=True), seconds, seed).after
    goal = Balance(POLICY, RULES)

    def gained(after: Inventory) -> int:
        changed = [volume for volume in after.all_volumes() if start.volumes[volume.name].pool != volume.pool]
        return -goal.cost(Answer(start, start.plus(changed), ()))

    everything = None
    for share in [None, *shares] if unlimited else shares:
        budget = Budget() if share is None else Budget(moves=int(share * len(start.volumes)))
        with Meter() as meter:
            found = rebalanced(start, Aim(gain="balance", budget=budget), seconds, seed)
        hot = hottest_first(start.all_volumes(), start, RULES, goal, Aim().worthwhile, budget, lambda: False)
        ours, theirs = gained(found.after), gained(start.plus([move.then for move in hot]))
        everything = ours if share is None else everything
        figure = {
            "case": f"{volumes} at {fill}, {'no budget' if share is None else f'{share:.0%}'}",
            "seed": seed,
            "moves": len(found.moves),
            "gained": ours,
            "of_unlimited": None if everything is None else round(ours / max(1, everything), 4),
            "hottest_first": theirs,
            "hottest_first_moves": len(hot),
            "cpu_seconds": round(meter.cpu_seconds, 2),
            "wall_seconds": round(meter.wall_seconds, 2),
        }
        if share is None:
            figure["again"] = len(rebalanced(found.after, Aim(gain="balance"), seconds, seed).moves)
        yield figure

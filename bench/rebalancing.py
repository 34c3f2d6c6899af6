"""What `python -m bench rebalance` measures: mending against the bound, and balance under budgets against a greedy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from allocator.domain.inventory import Inventory
from allocator.domain.policy import Effort, Policy
from allocator.domain.rebalance import Aim, Budget
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


def mending(volumes: int, fill: str, seconds: float, seed: int) -> dict[str, Any]:
    """Repair a struck fleet within so much wall-clock time, world making excluded."""
    inventory = broken_fleet(seed, volumes, fill)
    with Meter() as meter:
        found = rebalanced(inventory, Aim(repair=True), seconds, seed)
    cost, bound = found.goals["movement"]
    return {
        "case": f"{volumes} at {fill}",
        "seed": seed,
        "volumes": len(inventory.volumes),
        "pools": len(inventory.pools),
        "moves": len(found.moves),
        "moved_gib": found.size_bytes >> 30,
        "left": found.broken[1],
        "gap": None if not bound else round((cost - bound) / bound, 6),
        "healthy": sum(one.purpose == "makes_room" for one in found.moves),
        "again": len(rebalanced(found.after, Aim(repair=True), seconds, seed).moves),
        "cpu_seconds": round(meter.cpu_seconds, 2),
        "wall_seconds": round(meter.wall_seconds, 2),
    }


def balancing(volumes: int, fill: str, seconds: float, seed: int, shares: list[float]) -> Iterator[dict[str, Any]]:
    """Even out load with so many moves, as shares of all volumes; what is gained is told of what no budget bounds."""
    struck = broken_fleet(seed, volumes, fill)
    start = rebalanced(struck, Aim(repair=True), seconds, seed).after
    goal = Balance(POLICY, RULES)

    def gained(after: Inventory) -> int:
        changed = [volume for volume in after.all_volumes() if start.volumes[volume.name].pool != volume.pool]
        return -goal.cost(Answer(start, start.plus(changed), ()))

    everything = None
    for share in [None, *shares]:
        budget = Budget() if share is None else Budget(moves=int(share * len(start.volumes)))
        with Meter() as meter:
            found = rebalanced(start, Aim(gain="balance", budget=budget), seconds, seed)
        hot = hottest_first(start.all_volumes(), start, RULES, goal, Aim().worthwhile, budget, lambda: False)
        ours, theirs = gained(found.after), gained(start.plus([move.then for move in hot]))
        everything = ours if everything is None else everything
        yield {
            "case": f"{volumes} at {fill}, {'no budget' if share is None else f'{share:.0%}'}",
            "seed": seed,
            "moves": len(found.moves),
            "gained": ours,
            "of_unlimited": round(ours / max(1, everything), 4),
            "hottest_first": theirs,
            "hottest_first_moves": len(hot),
            "cpu_seconds": round(meter.cpu_seconds, 2),
            "wall_seconds": round(meter.wall_seconds, 2),
        }

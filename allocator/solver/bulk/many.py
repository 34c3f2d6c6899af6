"""Place thousands of VMs at once: dealt to zones by a linear programme, seated zone by zone, checked one and all.

What the check refuses, and what depends on who else has come, is placed by ranking at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial
from typing import Final

from allocator.domain.inventory import Inventory
from allocator.domain.outcome import GoalResult, Headway
from allocator.domain.policy import Effort
from allocator.fleet import Fleet
from allocator.goal import Answer, Tier, Tiers, tier_costs, tier_name
from allocator.goals.placed import Placed, weight
from allocator.rank import Beyond, rank
from allocator.rule import Rule
from allocator.screen import Screen
from allocator.solver.bulk.checked import Placing, checked
from allocator.solver.bulk.counted import HINT, Counted
from allocator.solver.bulk.dealing import dealt
from allocator.solver.bulk.merging import Zones, by_cluster
from allocator.solver.bulk.shapes import Shapes
from allocator.solver.bulk.zone import seated, solve_zone
from allocator.solver.classes import Unit
from allocator.solver.deadline import Deadline
from allocator.solver.parts import Part
from allocator.solver.search import Solution
from allocator.solver.spreading.parcel import policy_of
from allocator.solver.spreading.shard import cut
from allocator.solver.spreading.spread import spread
from allocator.verify import worsened

ENDING: Final = 2.6e-4
"""Seconds of the check, the costs and the plan in the end, for each unit (measured); they are kept of the deadline."""
COUNTING: Final = 2.5e-4
"""Those of the costs and the plan alone, which ranking leaves."""
SEATING: Final = 0.9
"""The part of what is left then that seating gets; the rest is for ranking."""
OPENING: Final = 1.5e-4
"""Seconds until ranking can ask anything of a fleet on which all units of a batch lie, for each of them (measured)."""
RANKED: Final = 100
"""Units that ranking tries in the end."""


def place_many(
    units: Sequence[Unit],
    screen: Screen,
    before: Inventory,
    tiers: Tiers,
    effort: Effort,
    progress: Callable[[Headway], None] | None = None,
    executor: Executor | None = None,
) -> Solution:
    """Place newcomers, as many by weight as are found in the time; nothing that is there moves.

    A bound is told for the first goal, where that is to place; later goals are not minimised, and have none. Zones are
    solved on the executor, or in `effort.workers` processes.
    """
    deadline = Deadline(effort.seconds)
    ordinary = [unit for unit in units if not screen.mended(unit.requests)]
    shapes = Shapes(ordinary, screen)
    zones = Zones.of(shapes)
    whole = len(zones.hosts.rows) == 0 or len(set(zones.of_hosts.tolist())) == 1
    apart = not whole and policy_of(screen.rules, tiers) is not None
    hosts, pools = by_cluster(shapes) if whole else (zones.hosts, zones.pools)
    counted = Counted(shapes, hosts, pools, even=0.0 if whole else HINT)
    optimum = counted.programme.solve(deadline.left())
    least = 0 if optimum is None else counted.refused_at_least(optimum)
    if progress is not None:
        whole_weight = sum(weight(request) for unit in units for request in unit.requests)
        progress(Headway("relaxing", tier_name(tiers[0]), whole_weight, least))
    seating = _before(deadline, ENDING * len(units), SEATING)
    if whole:
        found = [seated(shapes, tiers, effort, seating, least, progress)]
    else:
        within = replace(effort, seconds=seating.seconds)
        parts = dealt(shapes, zones, counted, optimum)
        if apart:
            found = spread(parts, screen, before, tiers, within, solve_zone, progress=progress, executor=executor)
        else:
            found = list(_here(parts, screen.rules, before, tiers, within))
    placed = {name: volumes for one in found for name, volumes in one.placed.items()}
    # A zone has checked its places: what is left are the rules that look further, and a caller's own, which may.
    placed, inventory = checked(placed, before, [rule for rule in screen.rules if not (apart and rule.local)])
    left = [unit for unit in units if unit.name not in placed]
    ranking, urgent = _before(deadline, COUNTING * len(units)), sorted(left, key=partial(_urgency, screen))[:RANKED]
    spare = ranking.left()
    if spare is None or spare > OPENING * len(units) or any(screen.mended(unit.requests) for unit in urgent):
        placed |= ranked(urgent, inventory, screen.rules, tiers, ranking)
    else:
        ranking.hit = True
    refused = [request for unit in units if unit.name not in placed for request in unit.requests]
    after = before.plus(volume for unit in units for volume in placed.get(unit.name, ()))
    costs = tier_costs(tiers, Answer(before, after, refused))
    bounds = [_bound(tiers[0], least), *(None for _ in tiers[1:])]
    goals = tuple(
        GoalResult(tier_name(tier), cost, bound) for tier, cost, bound in zip(tiers, costs, bounds, strict=True)
    )
    status = "optimal" if all(goal.cost == goal.bound for goal in goals) else "feasible"
    repeatable = all(one.deterministic for one in found) and not (deadline.hit or ranking.hit)
    return Solution(placed, goals, status, repeatable, checked=True)


def _here(
    parts: Sequence[Part], rules: Sequence[Rule], before: Inventory, tiers: Tiers, effort: Effort
) -> Iterator[Solution]:
    """The zones one after the other, by rules that cannot be sent anywhere."""
    left, deadline = sum(len(part.units) for part in parts), Deadline(effort.seconds)
    for part in parts:
        shard, seconds = cut(part, before, frozenset()), deadline.left()
        share = len(part.units) / left
        within = replace(effort, work=effort.work * share, seconds=None if seconds is None else seconds * share)
        effort, left = replace(effort, work=effort.work * (1 - share)), left - len(part.units)
        yield solve_zone(shard.units, shard.screen(rules), shard.inventory, tiers, within)


def ranked(
    units: Iterable[Unit], inventory: Inventory, rules: Sequence[Rule], tiers: Tiers, deadline: Deadline
) -> Placing:
    """The best place for one unit after the other, among all that has come; the inventory follows."""
    screen = Screen(Fleet(inventory), rules)
    found = Placing()
    for unit in units:
        if deadline.passed():
            break
        try:
            choice = rank(unit.requests, screen, tiers)
        except Beyond:
            continue
        if choice is not None and not worsened(inventory, rules, choice.volumes):
            found[unit.name] = choice.volumes
            screen.fleet.settle(choice.volumes)
    return found


def _before(deadline: Deadline, kept: float, part: float = 1.0) -> Deadline:
    """A part of what is left of the deadline without the seconds that are kept for what comes after."""
    left = deadline.left()
    return Deadline(None if left is None else max(0.0, left - kept) * part)


def _bound(tier: Tier, least: int) -> int | None:
    """The bound of a tier that is to place and nothing else."""
    only = tier[0] if len(tier) == 1 else None
    return None if only is None or not isinstance(only[0], Placed) else only[1] * least


def _urgency(screen: Screen, unit: Unit) -> tuple[bool, int, str]:
    """Those who waited for others, then the weightiest, then by name."""
    return not screen.mended(unit.requests), -sum(map(weight, unit.requests)), unit.name

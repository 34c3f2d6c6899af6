"""Place a batch jointly: greedy first, then goal by goal a relaxation, neighbourhoods and the whole model.

Every goal is fixed at the cost of the verified placement before the next is minimised. One worker and a limit on
deterministic work make the answer the same every time; a wall-clock limit may cut it short.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Final

import numpy as np

from allocator.domain.inventory import Inventory
from allocator.domain.outcome import GoalResult, Headway
from allocator.domain.placement import Volume
from allocator.domain.policy import Effort
from allocator.fleet import Fleet
from allocator.goal import Tiers, tier_name
from allocator.rule import Rule
from allocator.screen import Screen
from allocator.solver.classes import Unit
from allocator.solver.deadline import Deadline
from allocator.solver.draft import Draft
from allocator.solver.greedy import greedy
from allocator.solver.parts import independent_parts, zone_numbers
from allocator.solver.spreading.spread import spread
from allocator.solver.tiers import Climb

MANY: Final = 150_000
"""Pairs of a volume's alternative and a place from which newcomers are counted instead of named one by one."""
SEARCHED: Final = 10_000
"""Pairs of a volume that lies somewhere and a pool from which on local search finds more than the model (measured)."""
LOOSE: Final = 1_000
"""Volumes without hosts up to which they are packed by contents of pools instead."""


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """Where the placed units go; a unit that is not among them is refused."""

    placed: dict[str, tuple[Volume, ...]]
    goals: tuple[GoalResult, ...]
    status: str
    deterministic: bool = True
    checked: bool = False
    """Whether it has been verified whole already."""


def solve(
    units: Sequence[Unit],
    inventory: Inventory,
    rules: Sequence[Rule],
    tiers: Tiers,
    effort: Effort,
    *,
    progress: Callable[[Headway], None] | None = None,
    executor: Executor | None = None,
) -> Solution:
    """Place newcomers and move those that have a home, all at once.

    Parts of the fleet that cannot influence each other are solved one by one. Many volumes that all lie somewhere are
    rearranged by local search, where that can keep to what the rules and goals say.
    """
    if len(units) * len(inventory.pools) > SEARCHED and all(unit.home for unit in units):
        from allocator.solver.rearrange.rearrange import rearrange

        lying = [volume for unit in units for volume in unit.home]
        found = rearrange(lying, inventory, rules, tiers, effort, progress)
        if found is not None:
            placed = {unit.name: tuple(found.moved.get(v.name, v) for v in unit.home) for unit in units}
            goals = tuple(GoalResult(tier_name(tier), cost) for tier, cost in zip(tiers, found.costs, strict=True))
            return Solution(placed, goals, "feasible", found.deterministic, checked=True)
    names = [volume.name for unit in units for volume in unit.home]
    screen = Screen(Fleet(inventory.copy(without=names)), rules)
    parts = () if _is_huge(units, screen) else independent_parts(units, screen)
    if len(parts) <= 1:
        solutions = [solve_part(units, screen, inventory, tiers, effort, progress, executor)]
    else:
        solutions = spread(parts, screen, inventory, tiers, effort, solve_part, progress=progress, executor=executor)
    placed = {name: volumes for solution in solutions for name, volumes in solution.placed.items()}
    order = ("optimal", "feasible", "undecided")
    status = max((solution.status for solution in solutions), key=order.index, default="optimal")
    deterministic = all(solution.deterministic for solution in solutions)
    checked = all(solution.checked for solution in solutions)
    goals = _added([solution.goals for solution in solutions], tiers)
    return Solution(placed, goals, status, deterministic, checked)


def solve_part(
    units: Sequence[Unit],
    screen: Screen,
    before: Inventory,
    tiers: Tiers,
    effort: Effort,
    progress: Callable[[Headway], None] | None = None,
    executor: Executor | None = None,
) -> Solution:
    """Solve one part by itself: `before` is how all was, and the screen's fleet is without what may move.

    A part that is all there is may have the executor, for zones that a large batch is dealt to.
    """
    loose = len(units) <= LOOSE and not any(unit.attaches for unit in units)
    if _size(units, screen) > MANY and not loose and not any(unit.home for unit in units):
        from allocator.solver.bulk.many import place_many

        return place_many(units, screen, before, tiers, effort, progress, executor)
    deadline = Deadline(effort.seconds)
    draft = Draft(units, Screen(Fleet(screen.fleet.inventory.copy()), screen.rules), before, tiers)
    least = greedy(draft, deadline)
    bounds = Climb(draft, screen, effort, deadline, progress).run(least)
    costs = draft.cost()
    goals = [GoalResult(tier_name(tier), cost, bound) for tier, cost, bound in zip(tiers, costs, bounds, strict=True)]
    status = "optimal" if tuple(bounds) == costs else "feasible"
    return Solution(draft.placed, tuple(goals), status, effort.deterministic and not deadline.hit)


def _is_huge(units: Sequence[Unit], screen: Screen) -> bool:
    """Whether even the part of one zone would be counted: zones are told apart there, and at less cost."""
    zones = len(np.unique(zone_numbers(screen)))
    return _size(units, screen) > MANY * zones**2 and not any(unit.home for unit in units)


def _size(units: Sequence[Unit], screen: Screen) -> int:
    places = len(screen.fleet.pools) + len(screen.fleet.hosts)
    return places * sum(len(request.alternatives) for unit in units for request in unit.requests)


def _added(parts: Sequence[Sequence[GoalResult]], tiers: Tiers) -> tuple[GoalResult, ...]:
    """The goals of all parts together; a bound is known only where every part has one."""
    names = [tier_name(tier) for tier in tiers]
    added = []
    for number, name in enumerate(names):
        results = [part[number] for part in parts]
        bounds = [result.bound for result in results if result.bound is not None]
        bound = sum(bounds) if len(bounds) == len(results) else None
        added.append(GoalResult(name, sum(result.cost for result in results), bound))
    return tuple(added)

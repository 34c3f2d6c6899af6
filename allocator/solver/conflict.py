"""The fewest requests that together leave no answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from allocator.domain.inventory import Inventory
from allocator.domain.policy import Effort, Policy
from allocator.goals.placed import Placed
from allocator.rule import Rule
from allocator.solver.classes import Unit
from allocator.solver.deadline import Deadline
from allocator.solver.search import solve

MOST: Final = 40
"""Units among which the fewest are looked for: each one costs a solve."""
BRIEF: Final = Effort(work=0.5)


def fewest_together(
    unit: Unit, units: Sequence[Unit], inventory: Inventory, rules: Sequence[Rule], deadline: Deadline
) -> tuple[str, ...]:
    """The names of requests that cannot all be placed, of which none can be dropped; the unit's own among them.

    Found by dropping one unit after the other and solving again. Empty where all of them can be placed, or where the
    solver cannot tell in time; past the deadline nothing is looked for.
    """
    kept = [unit, *(other for other in units if other is not unit)][:MOST]
    if deadline.passed() or _all_fit(kept, inventory, rules):
        return ()
    for other in kept[:0:-1]:
        if deadline.passed():
            return ()
        fewer = [member for member in kept if member is not other]
        if not _all_fit(fewer, inventory, rules):
            kept = fewer
    return tuple(sorted(request.name for member in kept for request in member.requests))


def _all_fit(units: Sequence[Unit], inventory: Inventory, rules: Sequence[Rule]) -> bool:
    """Whether all can be placed at once; where the solver cannot tell, they may."""
    solution = solve(units, inventory, rules, ((((Placed(Policy(), rules), 1)),),), BRIEF)
    return len(solution.placed) == len(units) or solution.status != "optimal"

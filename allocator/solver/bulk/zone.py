"""Place the VMs of one zone: where a linear programme wants them, then again and again where somebody was refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from allocator.domain.inventory import Inventory
from allocator.domain.outcome import GoalResult, Headway
from allocator.domain.policy import Effort
from allocator.goal import Tiers, tier_name
from allocator.screen import Screen
from allocator.solver.bulk.checked import checked
from allocator.solver.bulk.counted import EVEN, Counted
from allocator.solver.bulk.guided import Guide
from allocator.solver.bulk.merging import by_cluster
from allocator.solver.bulk.reseat import Reseating
from allocator.solver.bulk.seating import Seating
from allocator.solver.bulk.shapes import Shape, Shapes
from allocator.solver.classes import Unit
from allocator.solver.deadline import Deadline
from allocator.solver.search import Solution

PER_WORK: Final = 8_000
"""Units tried for one unit of work: about a second of one core (measured, 1,000 hosts and 100 pools)."""

CHECKING: Final = 5e-4
"""Seconds of the check, for each unit (measured); they are kept of the deadline."""
RELAXING: Final = 3.0
"""Seconds that the linear programme has in any case: a batch that it does not guide places a fifth less (measured)."""
PATIENCE: Final = 30
"""Tries for each unit of the batch without anything better found, after which the search ends."""


def solve_zone(
    units: Sequence[Unit],
    screen: Screen,
    before: Inventory,
    tiers: Tiers,
    effort: Effort,
    progress: Callable[[Headway], None] | None = None,
) -> Solution:
    """Place the newcomers of one zone; what breaks a rule there is refused.

    Its only figure is what refusing costs; a bound is for the caller to know, who dealt out the zones.
    """
    seconds = None if effort.seconds is None else effort.seconds - CHECKING * len(units)
    found = seated(Shapes(units, screen), tiers, effort, Deadline(seconds), 0, progress)
    return replace(found, placed=checked(found.placed, before, screen.rules)[0])


def seated(
    shapes: Shapes,
    tiers: Tiers,
    effort: Effort,
    deadline: Deadline,
    least: int,
    progress: Callable[[Headway], None] | None,
) -> Solution:
    """Seat the units of these shapes, until refusing the others costs no more than `least`, or the effort is spent.

    What the programme guides is seated whatever the deadline says: it is most of the answer, and the quickest part.
    """
    seating = Seating(shapes)
    hosts, pools = by_cluster(shapes)
    counted = Counted(shapes, hosts, pools, even=EVEN)
    left = deadline.left()
    optimum = counted.programme.solve(None if left is None else max(left, RELAXING))
    waiting = in_order(shapes)
    if optimum is None:
        deadline.hit = True
    else:
        waiting = Guide(counted, optimum).fill(seating, waiting)
        seating.value(counted.prices(optimum))
    waiting.sort(key=lambda one: -one[1].weight / (shapes.bulk(one[1]) + 0.01))
    refused = [one for one in waiting if (optimum is not None and deadline.passed()) or not seating.seat(*one)]
    search = Reseating(seating, refused, hosts, effort.seed)
    enough = seating.tried + int(effort.work * PER_WORK)
    patience = PATIENCE * sum(len(shape.units) for shape in shapes.all)
    best, found = search.cost, seating.tried

    def going() -> bool:
        nonlocal best, found
        if search.cost < best:
            best, found = search.cost, seating.tried
            if progress is not None:
                progress(Headway("packing", tier_name(tiers[0]), best))
        return best > least and seating.tried < min(enough, found + patience) and not deadline.passed()

    search.run(going)
    placed = {name: seating.volumes(seat) for name, seat in seating.seats.items()}
    goals = (GoalResult(tier_name(tiers[0]), search.cost), *(GoalResult(tier_name(tier), 0) for tier in tiers[1:]))
    return Solution(placed, goals, "feasible", not deadline.hit)


def in_order(shapes: Shapes) -> list[tuple[Unit, Shape]]:
    """The weightiest units first, then those that take most of a host."""
    ordered = sorted(shapes.all, key=lambda shape: (-shape.weight, -shapes.bulk(shape), shape.number))
    return [(unit, shape) for shape in ordered for unit in shape.units]

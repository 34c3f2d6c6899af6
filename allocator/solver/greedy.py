"""One unit after the other, in several orders, each where it costs least: always there, and never far off."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from allocator.goal import Answer, Cost, tier_costs
from allocator.goals.placed import weight
from allocator.rank import Beyond, Choice, rank
from allocator.solver.classes import Unit
from allocator.solver.deadline import Deadline
from allocator.solver.draft import Draft, Placement

MOST: Final = 2_000
"""Units ranked in the orders after the first: each costs about a millisecond."""
MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class _Shape:
    """What equal units have in common while nothing of the batch is placed."""

    alone: Cost | None
    """What one costs alone; None: that is not known."""
    fits: bool
    pools: int
    """How many are open to the request that has the fewest."""
    share: int
    """Millionths of the dimension of which it takes most, of all that is left there."""


def greedy(draft: Draft, deadline: Deadline) -> Cost | None:
    """Leave the best of several orders in the draft; units with a home stay there.

    Gives a bound: no joint answer costs less than each unit does alone, in tiers where costs add up, and one that fits
    nowhere alone is refused. None where some unit has no such cost.
    """
    homes: Placement = {unit.name: unit.home for unit in draft.units.values() if unit.home}
    coming = [unit for unit in draft.units.values() if not unit.home]
    # Before anything is put, movable volumes included: what does not fit now never will.
    shapes = _shapes(coming, draft)
    least = _least(draft, shapes, coming)
    draft.become(homes)
    best, best_cost = dict(homes), draft.cost()
    for number, order in enumerate(_orders(shapes)):
        if (number and len(coming) * number > MOST) or best_cost == least:
            break
        draft.become(homes)
        fill(draft, [unit for unit in sorted(coming, key=order) if shapes[unit.name].fits], deadline)
        cost = draft.cost()
        if number == 0 or cost < best_cost:
            best, best_cost = dict(draft.placed), cost
        if deadline.passed():
            break
    draft.become(best)
    return least


def fill(draft: Draft, units: Iterable[Unit], deadline: Deadline) -> None:
    """Each unit to its best place of those that are left, if there is any."""
    for unit in units:
        if deadline.passed():
            return
        choice = ranked(unit, draft)
        if choice is not None:
            draft.put(unit.name, choice.volumes)


def ranked(unit: Unit, draft: Draft) -> Choice | None:
    """The unit's best place by ranking; None where there is none, or too many to try."""
    try:
        return rank(unit.requests, draft.screen, draft.tiers)
    except Beyond:
        return None


def urgency(unit: Unit) -> tuple[int, int, str]:
    """The weightiest first, then the largest, then by name."""
    return -_weight(unit), -sum(request.size_bytes for request in unit.requests), unit.name


def _orders(shapes: dict[str, _Shape]) -> list[Callable[[Unit], Any]]:
    """The weightiest first; the most weight for what is scarce; the hardest to place first."""

    def density(unit: Unit) -> tuple[int, str]:
        return -_weight(unit) * MILLION // max(1, shapes[unit.name].share), unit.name

    def hardness(unit: Unit) -> tuple[int, int, str]:
        return shapes[unit.name].pools, -shapes[unit.name].share, unit.name

    def largest(unit: Unit) -> tuple[int, int, str]:
        return -_weight(unit), -shapes[unit.name].share, unit.name

    return [urgency, density, largest, hardness]


def _weight(unit: Unit) -> int:
    return sum(map(weight, unit.requests))


def _shapes(units: Sequence[Unit], draft: Draft) -> dict[str, _Shape]:
    """The shape of each unit; equal units are looked at once."""
    known: dict[Hashable, _Shape] = {}
    shapes = {}
    for unit in units:
        vm = unit.requests[0].vm
        held = vm is not None and any(draft.screen.fleet.inventory.volumes_of_vm(vm))
        key = vm if held else (unit.attaches, tuple(request.shape for request in unit.requests))
        if key not in known:
            known[key] = _shape(unit, draft)
        shapes[unit.name] = known[key]
    return shapes


def _shape(unit: Unit, draft: Draft) -> _Shape:
    screen = draft.screen
    asks = [screen.asks(request) for request in unit.requests]
    pools = min((sum(int(screen.pools(ask).sum()) for ask in ways) for ways in asks), default=0)
    share = draft.scarce.share(unit)
    try:
        choice = rank(unit.requests, screen, draft.tiers)
    except Beyond:
        return _Shape(None, True, pools, share)
    if screen.mended(unit.requests):
        return _Shape(None, True, pools, share)
    return _Shape(_alone(unit, choice, draft), choice is not None, pools, share)


def _alone(unit: Unit, choice: Choice | None, draft: Draft) -> Cost:
    """What a unit costs at the least; a tier in which places are shared counts 0."""
    if choice is None:
        here = draft.screen.fleet.inventory
        return tier_costs(draft.tiers, Answer(here, here.plus(), unit.requests))
    counted = [all(goal.adds_up for goal, _ in tier) for tier in draft.tiers]
    return tuple(cost if counts else 0 for cost, counts in zip(choice.cost, counted, strict=True))


def _least(draft: Draft, shapes: dict[str, _Shape], coming: Sequence[Unit]) -> Cost | None:
    if len(coming) < len(draft.units):
        return None
    total: Cost = (0,) * len(draft.tiers)
    for unit in coming:
        alone = shapes[unit.name].alone
        if alone is None:
            return None
        total = tuple(map(sum, zip(total, alone, strict=True)))
    return total

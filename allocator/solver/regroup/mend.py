"""The fewest bytes to move so that nothing stays broken, or as little as can be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from allocator.domain.inventory import Inventory
from allocator.domain.move import Move
from allocator.domain.placement import Volume
from allocator.domain.policy import Effort, Policy
from allocator.domain.rebalance import Budget
from allocator.fleet import Fleet
from allocator.goals.movement import Movement
from allocator.rule import Rule
from allocator.screen import Screen
from allocator.solver.counts import Expression
from allocator.solver.deadline import Deadline
from allocator.solver.regroup.alike import alike
from allocator.solver.regroup.deal import dealt
from allocator.solver.regroup.model import MILLION, Regrouping
from allocator.solver.regroup.solve import minimise

MOST_KINDS: Final = 5_000
"""Sorts of volumes beyond which healthy ones stay: to count 10,000 takes more than a minute (measured)."""


@dataclass(frozen=True, slots=True, eq=False)
class Mending:
    """What is to be mended."""

    misplaced: Mapping[str, int]
    """Volumes that are wrong where they lie, and how much of that ends when they leave."""
    unfit: Mapping[str, int]
    """Volumes that are wrong on their hosts, and how much of that ends when a pool keeps them otherwise."""
    pools: frozenset[str] | None = None
    """Only what is broken on these pools; None: everything."""
    hurt: frozenset[str] | None = None
    """Pools on which something is broken; None: it is no matter of pools alone."""


@dataclass(slots=True, eq=False)
class Mended:
    """Moves, and what they are worth."""

    moves: list[Move] = field(default_factory=list)
    movement: int = 0
    bound: int | None = 0
    """No moves that mend as much cost less; None: not known."""


def mend(
    movable: Sequence[Volume],
    before: Inventory,
    rules: Sequence[Rule],
    policy: Policy,
    mending: Mending,
    budget: Budget,
    effort: Effort,
    deadline: Deadline,
) -> Mended:
    """Volumes of whole sorts that can all be mended are, with the fewest bytes; of the others as much as can be."""
    result, hurt = Mended(), mending.hurt
    kinds = {(volume.request.wishes, volume.request.pins, volume.alternative) for volume in movable}
    narrowed = hurt is not None and len(kinds) > MOST_KINDS
    if narrowed and hurt is not None:
        movable = [volume for volume in movable if volume.pool in hurt]
    left = _mend(movable, before, rules, policy, mending, budget, effort, deadline.part(0.85), result, whole=True)
    if left:
        here = before.plus(move.then for move in result.moves).copy()
        rest = budget.less(move.size_bytes for move in result.moves)
        _mend(left, here, rules, policy, mending, rest, effort, deadline, result, whole=False)
    if narrowed:
        result.bound = None
    return result


def _mend(
    movable: Sequence[Volume],
    before: Inventory,
    rules: Sequence[Rule],
    policy: Policy,
    mending: Mending,
    budget: Budget,
    effort: Effort,
    deadline: Deadline,
    result: Mended,
    *,
    whole: bool,
) -> list[Volume]:
    """Adds to the result; gives the volumes for which no answer was found."""
    screen = Screen(Fleet(before.copy(without=[volume.name for volume in movable])), rules)
    # What moves cost may depend on the way: then volumes are told apart by where they come from.
    classes = alike(movable, screen, by_pool=bool(policy.movement.per_pair))
    model = Regrouping(screen, classes, mends=mending.pools, whole=whole)
    for rule in rules:
        rule.encode(model)
    within(model, budget)
    repair = _leaving(model, mending, whole=whole)
    movement = Movement(policy, rules).encode(model)
    found = minimise(model, [movement] if whole else [repair, movement], _healthy(model, mending), effort, deadline)
    value, missing = found.values.tolist(), found.missing(model)
    result.moves += dealt(model, lambda key: int(value[model.targets[key].index]), missing)
    result.movement += found.costs[-1]
    result.bound = found.bounds[-1] + (result.bound or 0)
    return [unit.home[0] for number in sorted(missing) for unit in model.classes[number].units]


def within(model: Regrouping, budget: Budget) -> None:
    """Keep the moves within a budget."""
    targets = list(model.targets)
    if budget.moves is not None:
        model.cp.add(sum(model.came(target) for target in targets) <= budget.moves)
    if budget.size_bytes is not None:
        sizes = [target[2].request.size_bytes for target in targets]
        model.cp.add(sum(size * model.came(t) for t, size in zip(targets, sizes, strict=True)) <= budget.size_bytes)
    for row in range(len(model.fleet.pools)):
        if budget.per_target is not None:
            coming = [model.came(target) for target in targets if target[3] == row]
            if any(not isinstance(one, int) for one in coming):
                model.cp.add(sum(coming) <= budget.per_target)
        if budget.per_source is not None:
            leaving = [model.left(number, row) for number, lay in enumerate(model.lay) if lay[row]]
            if leaving:
                model.cp.add(sum(leaving) <= budget.per_source)


def _leaving(model: Regrouping, mending: Mending, *, whole: bool) -> Expression:
    """Volumes that are wrong where they lie must leave; where not all can, each that stays costs. Gives all costs."""
    costs = [(more, cost) for more, cost in model.left_over]
    for number, unit_class in enumerate(model.classes):
        wrong: Counter[int] = Counter()
        unfit = mending.unfit.get(unit_class.example.home[0].name, 0)
        unchanged, could_change = model.unchanged(number)
        if unfit and could_change and whole:
            model.cp.add(unchanged == 0)
        elif unfit and not whole:
            costs.append((unchanged, MILLION * unfit))
        for unit in unit_class.units:
            volume = unit.home[0]
            wrong[model.fleet.pool_row[volume.pool]] = mending.misplaced.get(volume.name, 0)
        could_leave = any(key[3] not in wrong for key in model.targets if key[0] == number)
        for row, amount in wrong.items():
            if amount and whole and could_leave:
                model.cp.add(model.staying(number, row) == 0)
            elif amount and not whole:
                costs.append((model.staying(number, row), MILLION * amount))
    return sum(more * cost for more, cost in costs)


def _healthy(model: Regrouping, mending: Mending) -> dict[int, int]:
    """Column -> how many stay, where nothing is broken: to be tried first."""
    if mending.hurt is None:
        return {}
    return {
        model.staying(number, row).index: count
        for number, lay in enumerate(model.lay)
        for row, count in lay.items()
        if model.fleet.pools[row].name not in mending.hurt
    }

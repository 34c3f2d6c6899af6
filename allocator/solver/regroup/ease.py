"""Moves that lower a goal's cost, each by as much as a move must be worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from allocator.domain.inventory import Inventory
from allocator.domain.move import Move
from allocator.domain.placement import Volume
from allocator.domain.policy import Effort
from allocator.domain.rebalance import Budget
from allocator.fleet import Fleet
from allocator.goal import Goal
from allocator.rule import Rule
from allocator.screen import Screen
from allocator.solver.deadline import Deadline
from allocator.solver.regroup.alike import alike
from allocator.solver.regroup.deal import dealt
from allocator.solver.regroup.mend import within
from allocator.solver.regroup.model import Regrouping
from allocator.solver.regroup.solve import minimise

MOST: Final = 2_000
"""Sorts of volumes x pools: with more of them local search gains more, in less time (measured at 9,000)."""


def ease(
    movable: Sequence[Volume],
    before: Inventory,
    rules: Sequence[Rule],
    goal: Goal,
    worthwhile: int,
    budget: Budget,
    effort: Effort,
    deadline: Deadline,
) -> list[Move] | None:
    """Moves after which nothing is worse than it is; None where there are too many volumes to be counted."""
    screen = Screen(Fleet(before.copy(without=[volume.name for volume in movable])), rules)
    classes = alike(movable, screen)
    if len(classes) * len(screen.fleet.pools) > MOST:
        return None
    model = Regrouping(screen, classes)
    for rule in rules:
        rule.encode(model)
    within(model, budget)
    cost = goal.encode(model) + worthwhile * sum(model.came(target) for target in model.targets)
    found = minimise(model, [cost], {}, replace(effort, work=0), deadline)
    value = found.values.tolist()
    return list(dealt(model, lambda key: int(value[model.targets[key].index]), found.missing(model)))

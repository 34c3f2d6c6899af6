"""Moves that are made only since they gain something: the best of what several searches find."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from allocator.domain.inventory import Inventory
from allocator.domain.move import Move
from allocator.domain.placement import Volume
from allocator.domain.policy import Effort
from allocator.domain.rebalance import Budget
from allocator.goal import Answer, Goal
from allocator.rebalance.hottest import hottest_first
from allocator.rule import Rule

if TYPE_CHECKING:
    from allocator.solver.deadline import Deadline


def worth_moving(
    movable: Sequence[Volume],
    here: Inventory,
    rules: Sequence[Rule],
    goal: Goal,
    worthwhile: int,
    budget: Budget,
    effort: Effort,
    deadline: Deadline,
) -> list[Move]:
    """Moves that lower the goal by at least `worthwhile` each, all together; none where nothing does."""

    def gained(moves: Sequence[Move]) -> int:
        return -goal.cost(Answer(here, here.plus(move.then for move in moves), ()))

    answers = [
        (gained(moves), moves) for moves in _found(movable, here, rules, goal, worthwhile, budget, effort, deadline)
    ]
    worthy = [(gain, moves) for gain, moves in answers if moves and gain >= worthwhile * len(moves)]
    return max(worthy, key=lambda answer: answer[0], default=(0, []))[1]


def _found(
    movable: Sequence[Volume],
    here: Inventory,
    rules: Sequence[Rule],
    goal: Goal,
    worthwhile: int,
    budget: Budget,
    effort: Effort,
    deadline: Deadline,
) -> Iterator[list[Move]]:
    from allocator.solver.recreate.recreate import few_moves
    from allocator.solver.regroup.ease import ease

    counted = ease(movable, here, rules, goal, worthwhile, budget, effort, deadline.part(0.5))
    few = None
    if counted is None:
        few = few_moves(movable, here, rules, goal, worthwhile, budget, effort, deadline.part(0.3))
        if few is not None:
            yield few
            if budget.less(move.size_bytes for move in few).spent:
                return
    hottest = hottest_first(movable, here, rules, goal, worthwhile, budget, deadline.part(0.6).passed)
    yield hottest
    if few is not None:
        # Without an end to what may move, many moves that are just worth it can gain more than few that are best.
        yield few_moves(movable, here, rules, goal, worthwhile, budget, effort, deadline.part(0.6), hottest) or []
    if counted:
        there = here.plus(move.then for move in counted).copy()
        moved = {move.volume for move in counted}
        left = [volume for volume in movable if volume.name not in moved]
        rest = budget.less(move.size_bytes for move in counted)
        yield [*counted, *hottest_first(left, there, rules, goal, worthwhile, rest, deadline.passed)]

"""Minimise a regrouping by its objectives in their order, piece by piece, with a proven bound of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from allocator.domain.policy import Effort
from allocator.fleet import BoolArray, IntArray
from allocator.solver.counts import Expression
from allocator.solver.deadline import Deadline
from allocator.solver.regroup.exact import solve_exactly
from allocator.solver.regroup.highs import Whole, fulfils, solve_whole
from allocator.solver.regroup.model import Regrouping
from allocator.solver.regroup.pieces import Piece, pieces
from allocator.solver.relaxation import relax
from allocator.solver.rows import Program, program_of

GAP: Final = 2e-3
"""Good enough: how far the cost of a piece may lie above its bound (measured: half the time of 1e-4)."""
NODES_PER_WORK: Final = 100
"""Nodes of branch and bound in about a second of one core (measured on pieces of 4,000 columns)."""
LARGE: Final = 20_000
"""Columns from which HiGHS is quicker than GLOP at a relaxation (measured)."""
HUGE: Final = 100_000
"""Columns of a piece of which nothing is looked at but what is broken: more than that takes minutes (measured)."""
MORE: Final = 1.5
"""How much more of the time that is left a piece may take than its columns are of those that are left."""


@dataclass(frozen=True, slots=True, eq=False)
class Regrouped:
    """What came of it: the value of each column, and what each objective costs and could cost at the least."""

    values: IntArray
    failed: BoolArray
    """Columns for which there is no answer, or none was found in time: costs and bounds are without them."""
    costs: tuple[int, ...]
    bounds: tuple[int, ...]
    """With the objectives before it at their costs."""

    def missing(self, model: Regrouping) -> set[int]:
        """The classes whose counts have no values."""
        return {key[0] for key, variable in model.targets.items() if self.failed[variable.index]}


def minimise(
    model: Regrouping,
    objectives: Sequence[Expression],
    first: Mapping[int, int],
    effort: Effort,
    deadline: Deadline,
) -> Regrouped:
    """The best values found. `first` bounds columns from below: with that an answer is looked for first."""
    vectors, bounds = [], list[int]()
    for objective in objectives:
        model.cp.minimize(objective)
        vectors.append(_costs(model))
        bounds.append(round(model.cp.proto.objective.offset))
    costs = list(bounds)
    program = program_of(model.cp.proto)
    raised = program.lower.copy()
    raised[list(first)] = np.maximum(raised[list(first)], list(first.values()))
    values, failed = np.zeros_like(program.lower), np.zeros(len(program.lower), dtype=np.bool_)
    start = model.start()
    found = list(pieces(program, vectors))
    columns = sum(len(piece.columns) for piece in found)
    for piece in found:
        part = deadline.part(min(1.0, MORE * len(piece.columns) / columns))
        columns -= len(piece.columns)
        solved = _Descent(piece, start[piece.columns], raised[piece.columns], effort, part).run()
        if solved is None:
            failed[piece.columns] = True
            continue
        values[piece.columns] = solved.values
        bounds = [bound + more for bound, more in zip(bounds, solved.bounds, strict=True)]
    costs = [offset + int(vector @ values) for offset, vector in zip(costs, vectors, strict=True)]
    return Regrouped(values, failed, tuple(costs), tuple(bounds))


class _Descent:
    """One piece, objective after objective."""

    def __init__(self, piece: Piece, start: IntArray, raised: IntArray, effort: Effort, deadline: Deadline) -> None:
        self.piece, self.raised, self.effort, self.deadline = piece, raised, effort, deadline
        self.nodes = max(1, int(effort.work * NODES_PER_WORK))
        self.best = start if fulfils(piece.program, start) else None

    def run(self) -> Regrouped | None:
        fixed: list[int] = []
        bounds: list[int] = []
        for number, costs in enumerate(self.piece.objectives):
            bound = self._descend(self.piece.aimed(number, fixed))
            if bound is None or self.best is None:
                return None
            bounds.append(bound)
            fixed.append(int(costs @ self.best))
        assert self.best is not None
        return Regrouped(self.best, np.zeros(len(self.best), dtype=np.bool_), tuple(fixed), tuple(bounds))

    def _descend(self, aimed: Program) -> int | None:
        """Take what is better than the best; gives the bound, None where there is no answer."""
        costs = aimed.costs
        bound = int(np.where(costs > 0, costs * aimed.lower, costs * aimed.upper).sum())
        if self._is_reached(costs, bound):
            return bound
        if len(costs) > HUGE:
            healthy_stay = replace(aimed, lower=self.raised)
            self._take(costs, solve_whole(healthy_stay, self.deadline, nodes=self.nodes, gap=GAP).values)
            return bound
        large = len(costs) > LARGE
        relaxed = relax(aimed, method="dual" if large else "glop", seconds=self.deadline.left())
        if relaxed.status == "infeasible":
            return None
        bound = max(bound, relaxed.bound if relaxed.bound is not None else bound)
        whole: Whole | None = None
        for lower in (self.raised, aimed.lower) if (self.raised > aimed.lower).any() else (aimed.lower,):
            if self._is_reached(costs, bound + int(bound * GAP)) or self.deadline.passed():
                break
            whole = solve_whole(replace(aimed, lower=lower), self.deadline.part(0.7), nodes=self.nodes, gap=GAP)
            self._take(costs, whole.values)
            if lower is aimed.lower and whole.bound is not None:
                bound = max(bound, whole.bound)
        if whole is not None and whole.values is None and whole.rounded:
            self._take(costs, solve_exactly(aimed, self.effort.seed, self.effort.work / 2, self.deadline.part(0.7)))
        return bound

    def _take(self, costs: IntArray, values: IntArray | None) -> None:
        if values is not None and (self.best is None or costs @ values < costs @ self.best):
            self.best = values

    def _is_reached(self, costs: IntArray, bound: int) -> bool:
        return self.best is not None and int(costs @ self.best) <= bound


def _costs(model: Regrouping) -> IntArray:
    proto = model.cp.proto
    costs = np.zeros(len(proto.variables), dtype=np.int64)
    np.add.at(costs, list(proto.objective.vars), list(proto.objective.coeffs))
    return costs

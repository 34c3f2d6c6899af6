"""A linear programme that grows by columns, solved anew from where it stood; and over whole numbers, once it is grown.

Spoken to MathOpt in its protos: its Python objects cost twice what GLOP does (measured on 6,000 columns).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import numpy as np
from ortools.math_opt import callback_pb2, model_parameters_pb2, model_pb2, model_update_pb2, parameters_pb2, result_pb2
from ortools.math_opt.core.python import solver
from ortools.math_opt.python import mathopt

from allocator.fleet import IntArray
from allocator.solver.relaxation import FloatArray

PRIMAL: Final = mathopt.SolveParameters(lp_algorithm=mathopt.LPAlgorithm.PRIMAL_SIMPLEX).to_proto()


@dataclass(frozen=True, slots=True, eq=False)
class Solved:
    """The cost, what is taken of each column, and what one more of each row's limit is worth."""

    cost: float
    values: FloatArray
    prices: FloatArray


class Columns:
    """Minimises the costs of columns of at least 0, within rows that are given once."""

    def __init__(self, least: Sequence[float], most: Sequence[float]) -> None:
        model = model_pb2.ModelProto()
        model.linear_constraints.ids.extend(range(len(least)))
        model.linear_constraints.lower_bounds.extend(least)
        model.linear_constraints.upper_bounds.extend(most)
        self._rows = model.linear_constraints
        self._solver = solver.new(mathopt.SolverType.GLOP.value, model, parameters_pb2.SolverInitializerProto())
        self.costs: list[float] = []
        self.entries: list[Sequence[tuple[int, float]]] = []
        self._told = 0
        self._kept: dict[int, float] = {}

    def add(self, cost: float, entries: Mapping[int, float]) -> int:
        """One more column, by row; its number."""
        self.costs.append(cost)
        self.entries.append(sorted(entries.items()))
        return len(self.costs) - 1

    def keep(self, column: int, least: float) -> None:
        """From now on at least so much of a column."""
        self._kept[column] = least

    def solve(self) -> Solved | None:
        """The least cost; None where the rows cannot be fulfilled, or GLOP gives up."""
        assert self._solver.update(self._update())
        result = self._solver.solve(
            PRIMAL,
            model_parameters_pb2.ModelSolveParametersProto(),
            None,
            callback_pb2.CallbackRegistrationProto(),
            None,
            None,
        )
        if result.termination.reason != result_pb2.TERMINATION_REASON_OPTIMAL or not result.solutions:
            return None
        found = result.solutions[0]
        return Solved(
            found.primal_solution.objective_value,
            _dense(found.primal_solution.variable_values, len(self.costs)),
            _dense(found.dual_solution.dual_values, len(self._rows.ids)),
        )

    def whole(self, useful: Sequence[int], nodes: int, seconds: float | None) -> IntArray | None:
        """How often each of the useful columns is taken where all are whole, by HiGHS; None: no answer was found."""
        model = model_pb2.ModelProto()
        model.linear_constraints.CopyFrom(self._rows)
        model.variables.ids.extend(range(len(useful)))
        model.variables.lower_bounds.extend([0.0] * len(useful))
        model.variables.upper_bounds.extend([1.0] * len(useful))
        model.variables.integers.extend([True] * len(useful))
        _fill(model.linear_constraint_matrix, [self.entries[column] for column in useful], 0)
        _cost(model.objective.linear_coefficients, [self.costs[column] for column in useful], 0)
        parameters = mathopt.SolveParameters(
            node_limit=nodes, time_limit=None if seconds is None else timedelta(seconds=max(0.05, seconds))
        )
        result = mathopt.solve(mathopt.Model.from_model_proto(model), mathopt.SolverType.HIGHS, params=parameters)
        if not result.has_primal_feasible_solution():
            return None
        values = result.variable_values()
        return np.array([round(value) for _, value in sorted(values.items(), key=lambda item: item[0].id)])

    def _update(self) -> Any:
        update = model_update_pb2.ModelUpdateProto()
        first, number = self._told, len(self.costs) - self._told
        new = update.new_variables
        new.ids.extend(range(first, first + number))
        new.lower_bounds.extend([0.0] * number)
        new.upper_bounds.extend([float("inf")] * number)
        new.integers.extend([False] * number)
        _fill(update.linear_constraint_matrix_updates, self.entries[first:], first)
        _cost(update.objective_updates.linear_coefficients, self.costs[first:], first)
        bounds = update.variable_updates.lower_bounds
        bounds.ids.extend(sorted(self._kept))
        bounds.values.extend([self._kept[column] for column in sorted(self._kept)])
        self._told = len(self.costs)
        self._kept = {}
        return update


def _fill(matrix: Any, entries: Sequence[Sequence[tuple[int, float]]], first: int) -> None:
    cells = sorted((row, first + column, factor) for column, rows in enumerate(entries) for row, factor in rows)
    matrix.row_ids.extend([row for row, _, _ in cells])
    matrix.column_ids.extend([column for _, column, _ in cells])
    matrix.coefficients.extend([factor for _, _, factor in cells])


def _cost(vector: Any, costs: Sequence[float], first: int) -> None:
    vector.ids.extend([first + column for column, cost in enumerate(costs) if cost])
    vector.values.extend([cost for cost in costs if cost])


def _dense(vector: Any, size: int) -> FloatArray:
    values = np.zeros(size)
    values[list(vector.ids)] = list(vector.values)
    return values

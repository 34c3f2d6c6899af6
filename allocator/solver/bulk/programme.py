"""A linear programme put together as arrays, and solved by GLOP, which OR-Tools bundles: the same bytes every time.

Rows of thousands of terms pass to the solver as they are: an object for each term would cost more than the solving.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from ortools.math_opt import callback_pb2, model_parameters_pb2, model_pb2, parameters_pb2, result_pb2
from ortools.math_opt.core.python import solver

from allocator.fleet import IntArray

FloatArray = NDArray[np.float64]
ROUNDING: Final = 1e-9
"""By how much of its terms a sum of doubles may be off: far more than 10,000 roundings, far less than one VM."""


@dataclass(frozen=True, slots=True, eq=False)
class Optimum:
    """The best values, and what each row's limit is worth."""

    values: FloatArray
    duals: FloatArray


class Programme:
    """Maximise gain x, with A x <= high (or = 0) and 0 <= x <= most."""

    def __init__(self) -> None:
        self.gains: list[float] = []
        self.most: list[float] = []
        self.high: list[float] = []
        self._equal: list[bool] = []
        self._rows: list[IntArray] = [np.empty(0, dtype=np.int64)]
        self._columns: list[IntArray] = [np.empty(0, dtype=np.int64)]
        self._factors: list[FloatArray] = [np.empty(0)]

    def variables(self, number: int, most: float, gain: float = 0.0) -> IntArray:
        """So many new variables, of at most `most`, each gaining `gain`: their columns."""
        first = len(self.gains)
        self.gains += [gain] * number
        self.most += [most] * number
        return np.arange(first, first + number, dtype=np.int64)

    def at_most(self, columns: Sequence[int] | IntArray, factors: Any, high: float) -> int:
        """A new row, factors x <= high: its number."""
        return self._row(columns, factors, high, equal=False)

    def balanced(self, columns: Sequence[int] | IntArray, factors: Any) -> int:
        """A new row, factors x = 0."""
        return self._row(columns, factors, 0.0, equal=True)

    def _row(self, columns: Sequence[int] | IntArray, factors: Any, high: float, *, equal: bool) -> int:
        number, found = len(self.high), np.asarray(columns, dtype=np.int64)
        self._rows.append(np.full(len(found), number, dtype=np.int64))
        self._columns.append(found)
        self._factors.append(np.broadcast_to(np.asarray(factors, dtype=np.float64), found.shape))
        self.high.append(high)
        self._equal.append(equal)
        return number

    def solve(self, seconds: float | None = None) -> Optimum | None:
        """The optimum; None where it was not reached within the seconds (None: no limit)."""
        parameters = parameters_pb2.SolveParametersProto()
        if seconds is not None:
            parameters.time_limit.FromMilliseconds(max(1, int(seconds * 1000)))
        found = solver.solve(
            self._model(),
            parameters_pb2.SOLVER_TYPE_GLOP,
            parameters_pb2.SolverInitializerProto(),
            parameters,
            model_parameters_pb2.ModelSolveParametersProto(),
            None,
            callback_pb2.CallbackRegistrationProto(),
            None,
            None,
        )
        if found.termination.reason != result_pb2.TERMINATION_REASON_OPTIMAL:
            return None
        primal, dual = found.solutions[0].primal_solution, found.solutions[0].dual_solution
        return Optimum(_dense(primal.variable_values, len(self.gains)), _dense(dual.dual_values, len(self.high)))

    def ceiling(self, duals: FloatArray) -> float:
        """What no solution gains more than: proven by any duals, however they were found, rounding included."""
        high, most = np.array(self.high), np.array(self.most)
        prices = np.where(np.array(self._equal), duals, np.maximum(duals, 0.0))
        rows, columns, factors = self._matrix()
        terms = factors * prices[rows]
        left = np.maximum(np.array(self.gains) - np.bincount(columns, terms, minlength=len(most)), 0.0)
        size = np.abs(prices * high).sum() + (np.abs(terms) * most[columns]).sum()
        return float((prices * high).sum() + (left * most).sum() + ROUNDING * size)

    def _matrix(self) -> tuple[IntArray, IntArray, FloatArray]:
        """Row, column and factor of every term that is not 0, row by row."""
        rows, columns = np.concatenate(self._rows), np.concatenate(self._columns)
        factors = np.concatenate(self._factors)
        kept = factors != 0
        return rows[kept], columns[kept], factors[kept]

    def _model(self) -> Any:
        model = model_pb2.ModelProto()
        model.variables.ids.extend(range(len(self.gains)))
        model.variables.lower_bounds.extend([0.0] * len(self.gains))
        model.variables.upper_bounds.extend(self.most)
        model.variables.integers.extend([False] * len(self.gains))
        gains = np.array(self.gains)
        wanted = np.flatnonzero(gains)
        model.objective.maximize = True
        model.objective.linear_coefficients.ids.extend(wanted.tolist())
        model.objective.linear_coefficients.values.extend(gains[wanted].tolist())
        model.linear_constraints.ids.extend(range(len(self.high)))
        model.linear_constraints.lower_bounds.extend(0.0 if equal else -np.inf for equal in self._equal)
        model.linear_constraints.upper_bounds.extend(self.high)
        rows, columns, factors = self._matrix()
        order = np.lexsort((columns, rows))
        model.linear_constraint_matrix.row_ids.extend(rows[order].tolist())
        model.linear_constraint_matrix.column_ids.extend(columns[order].tolist())
        model.linear_constraint_matrix.coefficients.extend(factors[order].tolist())
        return model


def _dense(sparse: Any, number: int) -> FloatArray:
    values = np.zeros(number)
    values[np.array(sparse.ids, dtype=np.int64)] = np.array(sparse.values)
    return values

"""Solve the core of a model: the columns that cost little beyond the bound, the others where the relaxation has them.

Most of what matters to an answer is among them (core problems: Balas and Zemel 1980, for one knapsack). The whole model
is solved by CP-SAT beside this; here HiGHS, which lives by the relaxation, does what it does best.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import numpy as np
from ortools.math_opt.python import mathopt

from allocator.fleet import IntArray
from allocator.solver.deadline import Deadline
from allocator.solver.relaxation import FRACTION, Relaxation, proto_of, relax
from allocator.solver.rows import Program, program_of

PER_UNIT: Final = 2
"""Columns of the core for each unit, beside those that cost nothing beyond the bound (measured: 4 are too many)."""
NODES: Final = 50_000
"""Nodes of branch and bound at the most."""
PER_COLUMN: Final = 5e-5
"""Work for each column of the whole (measured)."""
PER_CELL: Final = 1.5e-7
"""Work of one simplex iteration for each column of the core, branching and cuts with it (measured)."""
NOISE: Final = FRACTION // 10**9
"""A surplus up to this is the LP solver's rounding, and not worth a column."""


@dataclass(frozen=True, slots=True, eq=False)
class Core:
    """What came of it: the value of each column (None: no answer was found), the bound, and the work."""

    values: IntArray | None
    bound: int | None
    work: float


def solve_core(proto: Any, units: int, cost: int, deadline: Deadline) -> Core:
    """Minimise a model's objective over its core; `cost` is that of an answer which is known."""
    program = program_of(proto)
    work = PER_COLUMN * len(program.lower)
    relaxed = relax(program, seconds=deadline.left())
    if relaxed.surplus is None or relaxed.bound is None or relaxed.bound >= cost or not program.exact:
        return Core(None, relaxed.bound, work)
    lower, upper = _core(program, relaxed, units, cost)
    model = proto_of(program)
    model.variables.lower_bounds[:] = lower.astype(float).tolist()
    model.variables.upper_bounds[:] = upper.astype(float).tolist()
    model.variables.integers[:] = [True] * len(lower)
    left = deadline.left()
    parameters = mathopt.SolveParameters(
        node_limit=NODES, time_limit=None if left is None else timedelta(seconds=max(0.05, left))
    )
    made = mathopt.Model.from_model_proto(model)
    result = mathopt.solve(made, mathopt.SolverType.HIGHS, params=parameters)
    deadline.passed()
    work += PER_CELL * int((lower < upper).sum()) * (1 + result.solve_stats.simplex_iterations)
    if not result.has_primal_feasible_solution():
        return Core(None, relaxed.bound, work)
    values = np.array([round(value) for value in result.variable_values(list(made.variables()))], dtype=np.int64)
    return Core(values, relaxed.bound, work)


def _core(program: Program, relaxed: Relaxation, units: int, cost: int) -> tuple[IntArray, IntArray]:
    """Bounds that leave the columns with the least surplus free."""
    lower, upper = relaxed.tightened(program, cost - 1)
    surplus = [] if relaxed.surplus is None else relaxed.surplus.tolist()
    free = sum(abs(amount) <= NOISE for amount in surplus) + PER_UNIT * units
    for column in sorted(range(len(surplus)), key=lambda column: (abs(surplus[column]), column))[free:]:
        if surplus[column] > 0:
            upper[column] = lower[column]
        else:
            lower[column] = upper[column]
    return lower, upper

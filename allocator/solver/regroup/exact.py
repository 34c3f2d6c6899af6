"""Whole-number optima by CP-SAT, which counts in whole numbers: for what HiGHS, which rounds, finds no answer to."""

from __future__ import annotations

from typing import Final

import numpy as np
from ortools.sat.python import cp_model

from allocator.fleet import IntArray
from allocator.solver.deadline import Deadline
from allocator.solver.rows import ENDLESS, Program

MOST_COLUMNS: Final = 20_000
"""Beyond it nothing is found in time (measured on batches)."""


def solve_exactly(program: Program, seed: int, work: float, deadline: Deadline) -> IntArray | None:
    """The best values found within so much deterministic work; None where there are none."""
    if len(program.lower) > MOST_COLUMNS or deadline.passed():
        return None
    model = cp_model.CpModel()
    columns = [
        model.new_int_var(low, high, "")
        for low, high in zip(program.lower.tolist(), program.upper.tolist(), strict=True)
    ]
    for row, (begin, end) in enumerate(zip(program.starts[:-1].tolist(), program.starts[1:].tolist(), strict=True)):
        terms = [columns[column] for column in program.columns[begin:end].tolist()]
        total = cp_model.LinearExpr.weighted_sum(terms, program.factors[begin:end].tolist())
        least, most = int(program.least[row]), int(program.most[row])
        model.add_linear_constraint(total, max(least, -ENDLESS + 1), min(most, ENDLESS - 1))
    model.minimize(cp_model.LinearExpr.weighted_sum(columns, program.costs.tolist()))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = seed
    solver.parameters.linearization_level = 2
    solver.parameters.max_deterministic_time = work
    left = deadline.left()
    if left is not None:
        solver.parameters.max_time_in_seconds = left
    if solver.solve(model) not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        deadline.passed()
        return None
    return np.array([solver.value(column) for column in columns], dtype=np.int64)

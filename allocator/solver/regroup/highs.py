"""Whole-number optima by HiGHS, as OR-Tools bundles it: it lives by the relaxation, which is tight where volumes are
counted (measured: 10,000 volumes that CP-SAT leaves far off in 40 s)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from math import ceil, isfinite
from typing import Final

import numpy as np
from ortools.math_opt.python import mathopt

from allocator.fleet import IntArray
from allocator.solver.deadline import Deadline
from allocator.solver.relaxation import proto_of
from allocator.solver.rows import ENDLESS, Program

NOISE: Final = 1e-6
"""How far a float bound may lie above the whole number that it means, absolutely and as a share."""
LARGE: Final = 2**31
"""Factors from here on are counted in larger units: HiGHS keeps rows to an absolute 1e-6."""


@dataclass(frozen=True, slots=True, eq=False)
class Whole:
    """What came of a programme; `values` None: there is no answer, or none was found."""

    values: IntArray | None
    bound: int | None = None
    """No answer costs less."""
    rounded: bool = False
    """What large factors were rounded to, or what HiGHS rounds by itself, may have cost an answer."""


def solve_whole(program: Program, deadline: Deadline, *, nodes: int, gap: float) -> Whole:
    """Minimise over whole numbers, to a relative gap, within so many nodes of branch and bound."""
    coarse, lossy = coarsened(program)
    model = proto_of(coarse)
    model.variables.integers[:] = [True] * len(program.lower)
    left = deadline.left()
    parameters = mathopt.SolveParameters(
        node_limit=nodes,
        relative_gap_tolerance=gap,
        time_limit=None if left is None else timedelta(seconds=max(0.05, left)),
    )
    made = mathopt.Model.from_model_proto(model)
    try:
        result = mathopt.solve(made, mathopt.SolverType.HIGHS, params=parameters)
    except (AttributeError, RuntimeError):
        # HiGHS gives up on some rows with figures of 2**40 and more; OR-Tools 9.15 stumbles when it says so.
        return Whole(None, None, True)
    deadline.passed()
    rounded = bool(np.abs(coarse.factors).max(initial=0) >= LARGE) or lossy
    if not result.has_primal_feasible_solution():
        return Whole(None, None, rounded)
    values = np.rint(np.array(result.variable_values(list(made.variables())))).astype(np.int64)
    least = result.termination.objective_bounds.dual_bound
    bound = None if rounded or not isfinite(least) else ceil(least - abs(least) * NOISE - NOISE)
    return Whole(values, bound) if fulfils(program, values) else Whole(None, None, True)


def fulfils(program: Program, values: IntArray) -> bool:
    """Whether whole values keep every row, in whole numbers."""
    if (values < program.lower).any() or (values > program.upper).any():
        return False
    sums = np.zeros(len(program.least), dtype=np.int64)
    np.add.at(sums, program.rows, program.factors * values[program.columns])
    return bool(((sums >= program.least) & (sums <= program.most)).all())


def coarsened(program: Program) -> tuple[Program, bool]:
    """Each row divided by what its factors share, and rounded to the safe side where they are large still: whether any
    was.
    """
    lossy = False
    factors, least, most = program.factors.copy(), program.least.copy(), program.most.copy()
    for row, (begin, end) in enumerate(zip(program.starts[:-1].tolist(), program.starts[1:].tolist(), strict=True)):
        own = factors[begin:end]
        unit = int(np.gcd.reduce(own)) if begin < end else 1
        largest = int(np.abs(own).max()) if begin < end else 0
        if unit <= 1 and largest < LARGE:
            continue
        unit = max(unit, 1)
        if largest // unit >= LARGE and least[row] <= -ENDLESS:
            unit = -(-largest // LARGE)
            lossy = True
        factors[begin:end] = -(-own // unit)
        if least[row] > -ENDLESS:
            least[row] = -(-int(least[row]) // unit)
        if most[row] < ENDLESS:
            most[row] = int(most[row]) // unit
    return replace(program, factors=factors, least=least, most=most), lossy

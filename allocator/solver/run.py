"""One run of CP-SAT: its parameters, its limits, and what it says of the answer and of the bound."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, Final, Protocol

from ortools.sat.python import cp_model

from allocator.domain.policy import Effort
from allocator.solver.deadline import Deadline

NOISE: Final = 1e-4
"""How far a float bound may lie above the whole number that it means."""
LOOK_SECONDS: Final = 0.2
"""How often it is asked whether anybody still waits."""
PER_VARIABLE: Final = 2e-5
"""The work of building a model and of handing it over, for each of its variables (measured: 15-30 us)."""


class Stated(Protocol):
    """Whatever has been said to CP-SAT."""

    @property
    def cp(self) -> Any: ...


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What a run came to."""

    value: Callable[[Any], int] | None
    """The value of any expression in the answer; None: no answer was found."""
    bound: int | None
    """The objective is never less; None: nothing is known."""
    proven: bool
    """The answer is the best there is, or (where there is none) there can be none."""
    work: float
    """What it took, building the model included."""


def run(
    model: Stated,
    effort: Effort,
    work: float,
    deadline: Deadline,
    improved: Callable[[int, int], None] | None = None,
) -> Found:
    """Minimise the model's objective within so much deterministic work, and the deadline.

    `improved` is told the cost of each better answer and the bound at that moment.
    """
    built = PER_VARIABLE * len(model.cp.proto.variables)
    if work <= built or deadline.passed():
        return Found(None, None, proven=False, work=0.0)
    solver = _solver(effort, work - built, deadline)
    status = _solved(solver, model.cp, None if improved is None else _Told(improved), deadline)
    proven = status in (cp_model.OPTIMAL, cp_model.INFEASIBLE)
    if not proven:
        deadline.passed()
    answered = status in (cp_model.OPTIMAL, cp_model.FEASIBLE)
    return Found(
        solver.value if answered else None,
        _whole(solver.best_objective_bound) if answered else None,
        proven,
        built + solver.response_proto.deterministic_time,
    )


def _solver(effort: Effort, work: float, deadline: Deadline) -> Any:
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1 if effort.deterministic else os.cpu_count() or 1
    solver.parameters.catch_sigint_signal = False
    solver.parameters.random_seed = effort.seed
    solver.parameters.linearization_level = 2
    solver.parameters.max_deterministic_time = work
    left = deadline.left()
    if left is not None:
        solver.parameters.max_time_in_seconds = left
    return solver


def _solved(solver: Any, model: Any, told: Any, deadline: Deadline) -> Any:
    """The solver's status. It runs in a thread of its own, so that Ctrl-C is noticed meanwhile and ends it.

    It ends as well once nobody waits for the answer any more.
    """
    with ThreadPoolExecutor(max_workers=1) as thread:
        try:
            status = thread.submit(solver.solve, model, told)
            while not wait([status], timeout=LOOK_SECONDS).done:
                if deadline.halted():
                    solver.stop_search()
            return status.result()
        except BaseException:
            solver.stop_search()
            raise


def _whole(bound: float) -> int:
    """The proven bound as a whole number: costs are whole, and the solver's own bound is a float just off it."""
    return math.ceil(bound - NOISE)


class _Told(cp_model.CpSolverSolutionCallback):
    def __init__(self, improved: Callable[[int, int], None]) -> None:
        super().__init__()
        self.improved = improved

    def on_solution_callback(self) -> None:
        self.improved(round(self.objective_value), _whole(self.best_objective_bound))

"""The core of a model: what is left free must hold an answer, and costs the work that branch and bound took."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from ortools.sat.python import cp_model

from allocator.solver.core import solve_core
from allocator.solver.deadline import Deadline
from allocator.solver.rows import program_of


def assignment(seed: int, jobs: int, agents: int) -> cp_model.CpModel:
    """Jobs that take something else of each agent, all of which fit; the cost is how many are refused."""
    rng = Random(seed)
    model = cp_model.CpModel()
    takes = [[rng.randint(5, 25) for _ in range(jobs)] for _ in range(agents)]
    goes = [[model.new_int_var(0, 1, "") for _ in range(jobs)] for _ in range(agents)]
    placed = [model.new_int_var(0, 1, "") for _ in range(jobs)]
    for job in range(jobs):
        model.add(sum(row[job] for row in goes) == placed[job])
    for row, taken in zip(goes, takes, strict=True):
        model.add(sum(take * place for take, place in zip(taken, row, strict=True)) <= 8 * sum(taken) // 10 // agents)
    model.minimize(jobs - sum(placed))
    return model


@pytest.mark.parametrize("seed", [1, 6, 7])
def test_what_the_relaxation_prices_at_nothing_is_free(seed: int) -> None:
    """All fit, so that no price is more than rounding: with whatever that rounds up closed no answer would be left."""
    proto = assignment(seed, 60, 6).proto
    found = solve_core(proto, 60, 60, Deadline())
    assert found.bound == 0
    assert found.values is not None
    program = program_of(proto)
    assert program.cost(found.values) == 0
    sums = np.zeros(len(program.least), dtype=np.int64)
    np.add.at(sums, program.rows, program.factors * found.values[program.columns])
    assert ((program.least <= sums) & (sums <= program.most)).all()


def test_an_easy_core_leaves_work_for_what_comes_after() -> None:
    """One that is solved in its root takes far less than the second that each hundred columns were charged once."""
    assert solve_core(assignment(1, 60, 6).proto, 60, 60, Deadline()).work < 1

"""Generalised assignment as placement: read, placed at the optimum worked out on paper, and written."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from allocator.domain.policy import Effort
from allocator.solver.classes import units_of
from allocator.solver.search import solve
from bench.__main__ import cli
from bench.datasets.gap import Assignment, optimum, problem, read, written

# Two agents, three jobs. Each job is cheapest on agent 0, which has room for two of them: 4 + 3 and 4 + 2.
TEXT = """ 2 3
 1 2 3
 4 9 5
 4 3 2
 5 5 5
 7 5
"""
PAPER = Assignment(((1, 2, 3), (4, 9, 5)), ((4, 3, 2), (5, 5, 5)), (7, 5))


def test_an_instance_is_read() -> None:
    assert read(TEXT) == PAPER


def test_a_number_that_is_missing_is_told() -> None:
    with pytest.raises(ValueError, match="has 14 numbers after the first two, found 13"):
        read(TEXT.rsplit(maxsplit=1)[0])


def test_what_a_job_takes_and_costs_depends_on_the_agent() -> None:
    """Of the three, one goes to agent 1: job 2 makes it 1 + 2 + 5 = 8, job 0 4 + 2 + 3 = 9, job 1 1 + 9 + 3 = 13."""
    jobs, inventory, rules, tiers = problem(PAPER)
    found = solve(units_of(jobs), inventory, rules, tiers, Effort(work=2))
    assert [(goal.cost, goal.bound) for goal in found.goals] == [(0, 0), (8, 8)]
    assert written(PAPER, found.placed) == "0 0 1\n"


def test_an_answer_is_written_and_its_optimum_looked_up(tmp_path: Path) -> None:
    instance, answer = tmp_path / "family" / "tiny", tmp_path / "answer"
    instance.parent.mkdir()
    instance.write_text(TEXT)
    (tmp_path / "data.csv").write_text("Path,Optimum,Best known solution value\nfamily/tiny,,8\n")
    assert optimum(instance) == 8
    run = CliRunner().invoke(cli, ["gap", "--instance", str(instance), "--out", str(answer)])
    assert run.exit_code == 0, run.output
    assert "value 8; optimum 8, bound 8, gap 0.00 %" in run.output
    assert answer.read_text() == "0 0 1\n"

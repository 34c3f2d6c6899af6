"""Machine reassignment on paper: an instance of our own, as the engine sees it, solved and written for its judge."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner

from allocator.domain.placement import Volume
from allocator.domain.request import Apart, Near
from allocator.rules import rules_of
from allocator.verify import worsened
from bench.__main__ import cli
from bench.datasets.reassignment import Problem, cost_of, read, written

MODEL: Final = """
2
1 30
0 10
3
0 0  30 400  16 80   0 1 4
0 0  10 240  8 160   1 0 3
1 1  15 100  12 80   4 3 0
2
2 0
1 1 0
3
0 12 10 1000
0 10 20 100
1  6 200 1
1
0 1 5 10
1 10 100
"""
"""Two resources, the first transient; service 1 depends on service 0, which wants two locations."""


def problem(assignment: str) -> Problem:
    return read(MODEL, assignment)


def test_an_instance_is_read_as_pools_volumes_and_a_policy() -> None:
    found = problem("0 2 0")
    first, _, third = found.volumes
    assert [volume.pool for volume in found.volumes] == ["machine-00000", "machine-00002", "machine-00000"]
    assert (first.request.apart, first.request.also) == (Apart("pool"), (Apart("location", None, 2),))
    assert third.request.also == (Near("service-0", "neighbourhood"),)
    assert [volume.request.move_cost for volume in found.volumes] == [1000, 100, 1]
    assert found.policy.held == {"r00"}
    assert found.policy.movement.per_pair["machine-00000"] == {"machine-00001": 100, "machine-00002": 400}


def test_the_start_costs_what_the_contest_counts() -> None:
    """Load on machine 0: 30 x (18 - 16) + 10 x (210 - 80). 5 x what is left of the first is nowhere more than what is
    left of the second: 60 and 190, 50 and 240, 25 and 80."""
    assert cost_of(problem("0 2 0")) == 1360


@pytest.mark.parametrize(
    ("moves", "broken"),
    [
        ({2: 1}, set()),
        ({2: 2}, {"resources"}),
        ({0: 1}, {"resources"}),
        ({1: 0}, {"apart"}),
        ({1: 1}, {"apart"}),
        ({0: 2, 1: 0}, {"resources"}),
    ],
)
def test_every_constraint_is_a_rule(moves: dict[int, int], broken: set[str]) -> None:
    """Capacity: 12 of 10 on machine 1. Transient: machine 0 keeps 12 while 10 come, 28 of 30; the other way round
    machine 2 keeps 10 while 12 come, 22 of 15. Service 0 is apart, on pools and over two locations."""
    found = problem("0 2 0")
    pools = list(found.inventory.pools.values())
    moved = [
        Volume.on(pools[row], found.volumes[number].request, found.volumes[number].asked)
        for number, row in moves.items()
    ]
    assert {violation.rule for violation in worsened(found.inventory, rules_of(found.policy), moved)} == broken


def test_the_command_writes_the_best_answer(tmp_path: Path) -> None:
    """Only the third process may move: to machine 1, for 1 + 10 + 100 x 1, where 10 x (200 - 160) lie above what is
    safe; machine 0 is left with nothing above."""
    (tmp_path / "model_t.txt").write_text(MODEL)
    (tmp_path / "assignment_t.txt").write_text("0 2 0")
    (tmp_path / "reference_values.json").write_text('[{"instance": "t", "lower_bound": 0, "s41_300s": 511}]')
    asked = ["roadef", "--instance", "t", "--data", str(tmp_path), "--seconds", "5", "--out", str(tmp_path / "new.txt")]
    ran = CliRunner().invoke(cli, [*asked, "--json", str(tmp_path / "figures.json")], catch_exceptions=False)
    assert "1,360 -> 511; 1 moved" in ran.output
    assert (tmp_path / "new.txt").read_text() == "0 2 1\n"


@pytest.mark.parametrize("model", [MODEL[:-5], MODEL + " 7"])
def test_a_broken_file_is_told(model: str) -> None:
    with pytest.raises(ValueError, match="Maybe"):
        read(model, "0 2 0")


def test_an_answer_is_one_machine_for_each_process() -> None:
    assert written(problem("0 2 0"), {}) == "0 2 0\n"

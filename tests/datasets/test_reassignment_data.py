"""Machine reassignment on paper: an instance of our own, as the engine sees it, solved and written for its judge."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner

from allocator.domain.placement import Volume
from allocator.domain.request import Apart, Near
from allocator.rules import rules_of
from allocator.verify import worsened
from bench.__main__ import cli
from bench.datasets import reassignment_run
from bench.datasets.reassignment import Problem, cost_of, read, written
from bench.datasets.reassignment_figures import Figures, missed
from bench.record import Record
from bench.results import page

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


def test_a_curve_is_judged_and_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A judge that reads 511 agrees at both times; one that reads another cost does not, and the command says so."""
    (tmp_path / "model_t.txt").write_text(MODEL)
    (tmp_path / "assignment_t.txt").write_text("0 2 0")
    monkeypatch.setattr(reassignment_run, "_since_started", lambda: (0.0, 0.0))
    judge = tmp_path / "judge.py"
    asked = ["roadef", "--all", "--data", str(tmp_path), "--seconds", "3", "--seconds", "4", "--judge", str(judge)]
    asked += ["--out", str(tmp_path / "new"), "--json", str(tmp_path / "figures.json")]
    judge.write_text("""print('{"total": 511}')""")
    ran = CliRunner().invoke(cli, asked, catch_exceptions=False)
    assert (ran.exit_code, ran.output.count("judged right")) == (0, 2)
    assert [(tmp_path / "new" / seconds / "new_t.txt").read_text() for seconds in "34"] == ["0 2 1\n"] * 2
    record = Record.read(tmp_path / "figures.json")
    assert [(one["allowed_seconds"], one["cost"], one["judged"]) for one in record.figures] == [
        (3.0, 511, True),
        (4.0, 511, True),
    ]
    assert "| t | 1,360 | 511 | 511 |" in page({"roadef": record})["README.md"]
    judge.write_text("""print('{"total": 510}')""")
    ran = CliRunner().invoke(cli, asked, catch_exceptions=False)
    assert (ran.exit_code, ran.output.count("JUDGED WRONG")) == (1, 2)


def test_thresholds_are_means_over_their_instances_in_their_time() -> None:
    """Costs of 120 and 160 lie 10 and 30 % of a start of 200 above bounds of 100: 20 %; 130 s are too many for 100."""
    one = Figures("x", 100.0, 100.0, 1.0, start=200, cost=120, moved=1, bound=100, winner=110)
    other = replace(one, case="y", cost=160)
    said = {"name": "both", "instances": ["x", "y"], "seconds": 100}
    assert list(missed([one, other], [said | {"above": 20.0, "behind": 15.0, "cost": 140}])) == []
    assert list(missed([one], [said | {"above": 1.0}])) == []
    assert list(missed([one, other], [said | {"above": 19.0}])) == ["both in 100 s: above 20.00, at most 19.0"]
    worse = replace(one, cost=201, seconds=130.0, judged=False)
    assert [text.partition(":")[2] for text in missed([worse], [])] == [
        " the judge does not agree",
        " 201 is worse than the start's 200",
        " took 130.0 s, allowed 100",
    ]


@pytest.mark.parametrize("model", [MODEL[:-5], MODEL + " 7"])
def test_a_broken_file_is_told(model: str) -> None:
    with pytest.raises(ValueError, match="Maybe"):
        read(model, "0 2 0")


def test_an_answer_is_one_machine_for_each_process() -> None:
    assert written(problem("0 2 0"), {}) == "0 2 0\n"

"""Vector packing as placement: read, packed at the optimum worked out on paper, sampled, and written."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from allocator.domain.policy import Effort
from allocator.solver.classes import units_of
from allocator.solver.search import solve
from bench.__main__ import cli
from bench.datasets.published import Published, sample
from bench.datasets.vectorpack import Packing, enough, problem, read, written

# Two dimensions of 10. First fit takes (6, 2) (3, 3), then (5, 5) alone beside (4, 8) and (4, 7): four bins.
TEXT = """2
10 10
5
6 2 1
3 3 1
5 5 1
4 8 1
4 7 1
"""
PAPER = Packing((10, 10), ((6, 2), (3, 3), (5, 5), (4, 8), (4, 7)))


def test_an_instance_is_read_with_its_copies() -> None:
    assert read(TEXT) == PAPER
    assert read("1 10 2 7 2 3 1").items == ((7,), (7,), (3,))


def test_a_number_that_is_missing_is_told() -> None:
    with pytest.raises(ValueError, match="are 15 numbers, found 14"):
        read(TEXT.rsplit(maxsplit=1)[0])


def test_three_pools_are_enough_where_first_fit_takes_four() -> None:
    """(6, 2) with (4, 8), (3, 3) with (4, 7), (5, 5) alone: 25 of the second dimension need three."""
    assert enough(PAPER) == 4
    items, inventory, rules, tiers = problem(PAPER)
    found = solve(units_of(items), inventory, rules, tiers, Effort(work=2))
    assert [(goal.cost, goal.bound) for goal in found.goals] == [(0, 0), (3, 3)]
    where = written(PAPER, found.placed).split()
    assert where[0] == where[3]
    assert where[1] == where[4]
    assert len(set(where)) == 3


def test_a_sample_is_drawn_and_judged_by_what_is_published(tmp_path: Path) -> None:
    _archive(tmp_path, 3)
    drawn = sample(tmp_path, 2, seed=1)
    assert [one.name for one in drawn] == [one.name for one in sample(tmp_path, 2, seed=1)]
    assert {one.published for one in drawn} == {Published(3, 3, 4)}
    run = CliRunner().invoke(
        cli, ["vectorpack", "--sample", "2", "--seconds", "5", "--data", str(tmp_path), "--out", str(tmp_path / "out")]
    )
    assert run.exit_code == 0, run.output
    assert "2 of 2 placed whole; 2 proven; mean gap 0.000 % over 2 known optima, 2 reached" in run.output
    assert sorted(path.suffix for path in (tmp_path / "out").iterdir()) == [".answer", ".answer", ".vbp", ".vbp"]
    with pytest.raises(ValueError, match="holds 3 instances"):
        sample(tmp_path, 4, seed=1)


def test_everything_fits_on_exactly_as_many_pools_as_the_optimum(tmp_path: Path) -> None:
    _archive(tmp_path, 1)
    arguments = ["vectorpack", "--sample", "1", "--exactly", "--data", str(tmp_path), "--out", str(tmp_path / "answer")]
    run = CliRunner().invoke(cli, arguments)
    assert run.exit_code == 0, run.output
    assert "value 3; optimum 3" in run.output
    assert len(set((tmp_path / "answer").read_text().split())) == 3


def _archive(folder: Path, number: int) -> None:
    """An archive of equal instances with a summary, laid out as the published one is."""
    with tarfile.open(folder / "Family_instances.tar.gz", "w:gz") as archive:
        for row in range(number):
            path = folder / f"tiny_{row}.vbp"
            path.write_text(TEXT)
            archive.add(path, f"Family/{path.name}")
    rows = "".join(f"tiny_{row}\t3\t3\t4\n" for row in range(number))
    (folder / "Family_summary_known.csv").write_text("instance_name\tLB\tOPT\tbest_overall\n" + rows)

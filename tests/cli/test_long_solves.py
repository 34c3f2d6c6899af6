"""A long solve: how hard and where, how far it has come, and what is said of an answer that was cut short."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from allocator.cli import main
from allocator.cli.headway import searching, words
from allocator.domain.outcome import GoalResult, Headway
from allocator.domain.plan import Plan
from allocator.domain.policy import Effort
from allocator.engine import Allocator as Engine
from allocator.explain import Explained, cost_words
from tests.cli.running import Allocator
from tests.cli.site import Site
from tests.cli.test_terminal import terminal

ZONES = """\
version: 1
drivers: {disk: {driver: local}}
hosts: [{name: h1, zone: z1}, {name: h2, zone: z2}]
pools:
  - {name: p1, driver: disk, zone: z1, capacity: 100MiB, details: {path: /nowhere}}
  - {name: p2, driver: disk, zone: z2, capacity: 100MiB, details: {path: /nowhere}}
requests:
  - {name: a, vm: a, size: 60MiB, zone: z1}
  - {name: b, vm: b, size: 50MiB, zone: z1}
  - {name: c, vm: c, size: 60MiB, zone: z2}
  - {name: d, vm: d, size: 40MiB, zone: z2}
"""


class Asked:
    """What the engine was asked by a command line that it answers at once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **answer: Any) -> None:
        self.effort: Effort | None = None
        self.executor: Executor | None = None
        self.answer = Explained("feasible", Plan.of([], []), **answer)
        monkeypatch.setattr(Engine, "place", lambda _, **given: self._place(**given))

    def _place(self, effort: Effort, executor: Executor | None, progress: object) -> Explained:
        self.effort, self.executor = effort, executor
        assert progress is None, "nobody watches a pipe"
        return self.answer


@pytest.fixture
def zones(tmp_path: Path) -> Path:
    path = tmp_path / "zones.yaml"
    path.write_text(ZONES)
    return path


@pytest.mark.parametrize(
    ("words", "effort"),
    [
        ("", Effort()),
        ("--deadline 60 --gap 0.1% --workers 2", Effort(seconds=60.0, gap_millionths=1000, workers=2)),
        ("--seconds 2.5 --seed 7 --work 3", Effort(work=3.0, seconds=2.5, seed=7)),
        ("--throughput", Effort(deterministic=False)),
        ("--executor threads:3", Effort(workers=3)),
        ("--executor threads:3 --workers 2", Effort(workers=2)),
    ],
)
def test_how_hard(
    words: str, effort: Effort, zones: Path, allocator: Allocator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R22: what the options say reaches the solver."""
    asked = Asked(monkeypatch)
    assert allocator("place", "-f", zones, *words.split()).code == 0
    assert asked.effort == effort
    assert isinstance(asked.executor, ThreadPoolExecutor) == ("--executor" in words)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--gap 1", "'1' is not a share between 0% and 100%. Maybe write it like 10%."),
        ("--deadline nan", "nan is no number above 0."),
        ("--workers 0", "0 is not in the range 1<=x<=1000."),
        ("--executor frog", "There is no executor 'frog'. Maybe threads:2"),
    ],
)
def test_what_cannot_be_asked(words: str, said: str, zones: Path, allocator: Allocator) -> None:
    run = allocator("place", "-f", zones, *words.split())
    assert (run.code, run.out) == (2, "")
    assert said in run.err


def test_an_answer_that_was_cut_short_says_so(
    zones: Path, allocator: Allocator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R22: with the bound of each goal, and how far from it the answer is at the most: 2 of 12 are 16.7 %."""
    goals = (GoalResult("placed", 12, 10), GoalResult("preference", 3, 3), GoalResult("balance", 7))
    Asked(monkeypatch, goals=goals, deterministic=False)
    run = allocator("place", "-f", zones, "--deadline", "1")
    first, second = run.out.splitlines()
    assert first.startswith(
        "feasible: 0 placed, 0 refused; cost: placed 12 (at least 10, gap 16.7%), preference 3, bal"
    )
    assert second == "not repeatable: the clock or several cores had a say, and another run may answer otherwise"
    assert not json.loads(allocator("place", "-f", zones, "--json").out)["deterministic"]


def test_a_gap_is_rounded_up() -> None:
    """One of a million is not nothing; below zero there is no share to tell."""
    assert cost_words("placed", 1_000_000, 999_999) == "placed 1,000,000 (at least 999,999, gap 0.1%)"
    assert cost_words("balance", -5, -9) == "balance -5 (at least -9)"
    assert cost_words("placed", 4, -4) == "placed 4 (at least -4, gap 100.0%)"


def test_zones_in_processes_make_the_same_plan(zones: Path, allocator: Allocator) -> None:
    """R22: three of four fit, wherever they are decided."""
    here, there = (
        json.loads(allocator("place", "-f", zones, "--json", *more).out) for more in ([], ["--workers", "2"])
    )
    assert here["plan"] == there["plan"]
    assert (here["goals"], len(here["placed"])) == (there["goals"], 3)


def test_headway_in_words() -> None:
    assert words(Headway("improving", "placed", 12, 10)) == "improving placed 12 (at least 10, gap 16.7%)"
    assert words(Headway("solved", "placed", 0, 0, 3, 10)) == "part 3 of 10: solved placed 0"


def test_headway_on_a_terminal_is_one_line_that_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawn while it lasts, and erased at the end; nothing before there is something to tell."""
    stream = terminal(monkeypatch)
    with searching() as tell:
        assert tell is not None
        assert stream.getvalue() == ""
        tell(Headway("solving", "placed", 12, 10))
    written = stream.getvalue()
    assert "solving placed 12 (at least 10, gap 16.7%)" in written
    assert written.endswith("\x1b[2K")


def test_headway_of_a_real_solve(zones: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = terminal(monkeypatch)
    assert main(["place", "-f", str(zones)]) == 1
    assert "part 2 of 2: solved placed 0" in stream.getvalue()


STUCK = """
import sys, time
from allocator.solver import search
def solve(*given, **more):
    print("solving", file=sys.stderr, flush=True)
    time.sleep(600)
search.solve = solve
from allocator.cli import main
sys.exit(main())
"""


def test_ctrl_c_reserves_nothing(site: Site) -> None:
    """R22: exit code 130, no plan written, and the ledger as it was."""
    words = ["place", "-f", str(site.fleet), "--ledger", site.url, "-o", str(site.plan), "--executor", "processes:2"]
    with subprocess.Popen(
        [sys.executable, "-c", STUCK, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        assert run.stderr is not None
        assert run.stderr.readline() == "solving\n"
        os.kill(run.pid, signal.SIGINT)
        out, err = run.communicate(timeout=60)
    assert (run.returncode, out, err.strip()) == (130, "", "Stopped.")
    assert not site.plan.exists()
    assert site.states() == {}

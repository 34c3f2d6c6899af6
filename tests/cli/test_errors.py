"""Exit codes and what is said: of a mistyped command, of a bug of ours, and where nobody reads on."""

from __future__ import annotations

import io
import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from ortools.sat.python.cp_model import CpModel, CpSolver, CpSolverSolutionCallback

from allocator.cli import main
from tests.cli.running import Allocator
from tests.cli.site import Site


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("nonsense", "No such command 'nonsense'"),
        ("place", "Missing option '-f'"),
        ("place -f FLEET --nonsense", "No such option"),
        ("place -f FLEET --work nan", "nan is no number above 0"),
        ("place -f FLEET --seconds 0", "0.0 is no number above 0"),
        ("place -f FLEET --seed -1", "-1"),
        ("place -f FLEET --policy nonsense", "There is no policy named 'nonsense'"),
        ("place -f missing.yaml", "missing.yaml: The file cannot be read"),
        ("place -f FLEET --ledger NEW -o /nowhere/plan.json", "/nowhere/plan.json cannot be written"),
        ("place -f FLEET --ledger nonsense", "The ledger's URL cannot be used"),
        ("apply plan.json -f FLEET", "Missing option '--ledger'"),
        ("attach v -f FLEET --ledger sqlite:///x.db", "Missing option '--host'"),
        ("list things -f FLEET", "'things' is not one of 'pools'"),
        ("list hosts --tree -f FLEET", "--tree is for pools"),
        ("list pools -f FLEET --ledger sqlite:////nowhere/x.db", "There is no ledger /nowhere/x.db"),
        ("status --ledger sqlite:////nowhere/x.db", "There is no ledger /nowhere/x.db"),
        ("explain nonsense -f FLEET", "There is no request named 'nonsense'"),
        ("explain \x1b[31m -f FLEET", r"\x1b[31m"),
        ("list \x1b[31m -f FLEET", "x1b[31m"),
    ],
)
def test_a_mistyped_command_is_told(words: str, says: str, site: Site, allocator: Allocator) -> None:
    before = sorted(site.directory.iterdir())
    known = {"FLEET": str(site.fleet), "NEW": site.url}
    run = allocator(*(known.get(word, word) for word in words.split()))
    assert (run.code, run.out, run.err.count("\n")) == (2, "", 1)
    assert says in run.err
    assert " Maybe " in run.err
    assert run.err[:-1].isprintable()
    assert sorted(site.directory.iterdir()) == before


@pytest.mark.parametrize(
    "defect", [KeyError("pool\x1b[31m"), ValueError("nonsense"), RecursionError("deep"), AssertionError("no")]
)
def test_a_bug_is_told_as_one(
    defect: Exception, site: Site, allocator: Allocator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 3, no traceback unless it is asked for, and no plan."""

    def broken(*given: object, **more: object) -> object:
        raise defect

    monkeypatch.setattr("allocator.engine.decide", broken)
    run = site.run("place", "-o", site.plan)
    assert (run.code, run.out, run.err.count("\n")) == (3, "", 1)
    assert run.err.startswith(f"{type(defect).__name__}: ")
    assert "This is a bug. Maybe " in run.err
    assert run.err[:-1].isprintable()
    assert list(site.directory.glob("*plan*")) == []
    debugged = allocator("--debug", "place", "-f", site.fleet)
    assert debugged.code == 3
    assert "Traceback (most recent call last):" in debugged.err
    assert "\x1b" not in debugged.err


def test_a_plan_is_written_whole_or_not_at_all(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.plan.write_text("what was there")

    def full(*given: object, **more: object) -> object:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("allocator.cli.deciding.json.dump", full)
    run = site.run("place", "-o", site.plan)
    assert (run.code, run.out, run.err.count("\n")) == (2, "", 1)
    assert "No space left on device" in run.err
    assert site.plan.read_text() == "what was there"
    assert len(list(site.directory.glob("*plan*"))) == 1


def test_a_device_is_written_and_not_replaced(site: Site) -> None:
    assert site.run("place", "-o", "/dev/null").code == 0
    assert Path("/dev/null").is_char_device()


def test_nobody_reads_on(tmp_path: Path) -> None:
    """`allocator list pools | head -1` ends without a word."""
    fleet = tmp_path / "fleet.yaml"
    pools = "".join(f"- {{name: p{number}, driver: disk, zone: z1, capacity: 1GiB}}\n" for number in range(1000))
    fleet.write_text(f"version: 1\ndrivers: {{disk: {{driver: local}}}}\npools:\n{pools}")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    command = [sys.executable, "-m", "allocator.cli", "list", "pools", "-f", str(fleet), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert running.stdout.read(1) == b"{"
        running.stdout.close()
        said = running.stderr.read()
    assert (running.returncode, said) == (141, b"")


def test_no_standard_output_at_all(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after `>&-` in a shell."""
    monkeypatch.setattr(sys, "stdout", None)
    assert main(["place", "-f", str(site.fleet)]) == 0


def test_a_narrow_encoding(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tag that the terminal's encoding cannot show is shown escaped."""
    site.fleet.write_text(site.fleet.read_text().replace("zone: z1, capacity", "tags: [süß], zone: z1, capacity"))
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding="ascii", write_through=True) as narrow:
        monkeypatch.setattr(sys, "stdout", narrow)
        assert main(["list", "pools", "-f", str(site.fleet)]) == 0
        assert rb"s\xfc\xdf" in raw.getvalue()


def test_ctrl_c_while_deciding(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is reserved or written, and nobody waits for the solver, which would go on for a minute."""
    rng = random.Random(1)
    pools = "".join(
        f"- {{name: q{number}, driver: disk, zone: z1, capacity: {rng.randint(90, 130)}GiB}}\n" for number in range(20)
    )
    wanted = "".join(
        f"- {{name: r{number}, vm: v{number // 2}, size: {rng.randint(7, 53)}GiB}}\n" for number in range(80)
    )
    more = site.directory / "more.yaml"
    more.write_text(f"version: 1\npools:\n{pools}requests:\n{wanted}")
    solve = CpSolver.solve
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))

    def interrupted(solver: CpSolver, model: CpModel, told: CpSolverSolutionCallback | None = None) -> object:
        if timer.ident is None:
            timer.start()
        return solve(solver, model, told)

    monkeypatch.setattr(CpSolver, "solve", interrupted)
    run = site.run("place", "-f", more, "--work", "200", "-o", site.plan)
    timer.join()
    assert (run.code, run.out, run.err) == (130, "", "\nStopped.\n")
    assert list(site.directory.glob("*plan*")) == []
    assert site.states() == {}

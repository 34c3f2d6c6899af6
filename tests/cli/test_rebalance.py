"""`rebalance` on the command line: its exit codes, its file, and one job at a time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from allocator.execution.owner import this_process
from allocator.ledger import Ledger
from tests.cli.running import Allocator
from tests.cli.site import Site

FLEET = """\
version: 1
drivers: {disk: {driver: local}}
pools:
  - {name: p1, driver: disk, zone: z1, capacity: 100MiB, state: STATE}
  - {name: p2, driver: disk, zone: z1, capacity: 100MiB}
volumes:
  - {name: a, pool: POOL, size: 10MiB}
  - {name: b, pool: POOL, size: 20MiB}
"""


def fleet(path: Path, *, state: str = "draining", pool: str = "p1") -> Path:
    path.write_text(FLEET.replace("STATE", state).replace("POOL", pool))
    return path


def test_nothing_to_do_is_done(allocator: Allocator, tmp_path: Path) -> None:
    run = allocator("rebalance", "-f", fleet(tmp_path / "f.yaml", state="up"))
    assert (run.code, run.out.splitlines()[0].split(";")[0]) == (0, "Nothing to move")


def test_what_is_mended_is_done_and_right_after_there_is_nothing_to_do(allocator: Allocator, tmp_path: Path) -> None:
    """R27: the pool that drains is empty once its moves are made."""
    proposal = tmp_path / "moves.json"
    run = allocator("rebalance", "-f", fleet(tmp_path / "f.yaml"), "-o", proposal)
    told = json.loads(proposal.read_text())
    assert (run.code, told["status"]) == (0, "mended")
    assert [(move["volume"], move["from"], move["to"]) for move in told["moves"]] == [
        ("a", "p1", "p2"),
        ("b", "p1", "p2"),
    ]
    run = allocator("rebalance", "-f", fleet(tmp_path / "f.yaml", pool="p2"), "--json")
    assert (run.code, json.loads(run.out)["status"]) == (0, "nothing")


def test_what_stays_broken_is_found(allocator: Allocator, tmp_path: Path) -> None:
    run = allocator("rebalance", "-f", fleet(tmp_path / "f.yaml"), "--max-moves", "1")
    assert run.code == 1
    assert "pool p1 has 1 volumes, at most 0" in run.out
    assert "the budget is spent" in run.out


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--drain", "p3"), "There is no pool or host p3 to drain. Maybe `allocator list pools` shows its name."),
        (("--pin", "c"), "There is no volume c to pin. Maybe `allocator list volumes` shows its name."),
        (("--window", "12"), "'12' is no number of seconds, minutes, hours or days. Maybe 12h."),
        (("--max-bytes", "ten"), "'ten' is not a size. Maybe write it like 500GiB or 2TB."),
    ],
)
def test_bad_input(allocator: Allocator, tmp_path: Path, words: tuple[str, ...], complaint: str) -> None:
    run = allocator("rebalance", "-f", fleet(tmp_path / "f.yaml"), *words)
    assert run.code == 2
    assert complaint in run.err


def test_one_job_at_a_time(site: Site) -> None:
    """With a ledger a second job is told who runs the first; after it, it is its turn."""
    site.place()
    ledger = Ledger.open(site.url)
    with ledger.job("rebalance", owner=this_process(), lease_seconds=60, alive=lambda who: True):
        run = site.run("rebalance")
        assert run.code == 2
        assert "A rebalance is being run by" in run.err
    ledger.close()
    assert site.run("rebalance").code == 0

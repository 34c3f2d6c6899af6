"""`rebalance` on the command line: its exit codes, its file, and one job at a time."""

from __future__ import annotations

import json
import subprocess
import sys
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


CROWDED = """\
version: 1
drivers: {sf: {driver: solidfire}}
hosts:
  - {name: h1, zone: z1, cluster: c1, protocols: [iscsi], iops: 100000}
  - {name: h2, zone: z1, cluster: c1, protocols: [iscsi], iops: 100000}
  - {name: h3, zone: z1, cluster: c2, protocols: [iscsi], iops: 100000}
pools:
  - {name: sf-1, driver: sf, zone: z1, tags: [ssd], capacity: 10TiB, iops: 20000}
  - {name: sf-2, driver: sf, zone: z1, tags: [ssd], capacity: 10TiB, iops: 20000}
  - {name: sf-3, driver: sf, cluster: c1, tags: [hdd], capacity: 4TiB, iops: 20000}
offerings:
  - {name: fast, tags: [ssd], qos: {provisioned: {min_iops: 1000, max_iops: 2000}}}
volumes:
  - {name: a1, pool: sf-1, host: h1, vm: va, size: 4TiB, offering: fast}
  - {name: a2, pool: sf-1, host: h2, vm: vb, size: 3TiB, offering: fast}
  - {name: a3, pool: sf-1, host: h3, vm: vc, size: 2TiB, offering: fast}
  - {name: a4, pool: sf-1, size: 2TiB, offering: fast}
"""
"""11 TiB on 10, which other pools cannot take all of."""


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


def test_nothing_but_json_is_on_standard_output(tmp_path: Path) -> None:
    """HiGHS prints a line while it looks for where these volumes go, past whatever Python calls standard output."""
    path = tmp_path / "crowded.yaml"
    path.write_text(CROWDED)
    words = [sys.executable, "-m", "allocator.cli", "rebalance", "-f", str(path), "--drain", "sf-1", "--json"]
    printed = subprocess.run(words, capture_output=True, text=True, check=False).stdout
    told = json.loads(printed)
    assert (told["status"], [move["to"] for move in told["moves"]]) == ("partly", ["sf-2"] * 3)


def test_each_move_says_what_it_is_for_and_what_is_known_of_its_cost(allocator: Allocator, tmp_path: Path) -> None:
    """R27: a drained pool that is oversold as well loses both; moves that only gain have no least cost."""
    path = tmp_path / "crowded.yaml"
    path.write_text(CROWDED)
    drained = allocator("rebalance", "-f", path, "--drain", "sf-1").out
    assert "mends: capacity at pool sf-1: 1 TiB too much, then none; state at pool sf-1: 4 too much, then 3" in drained
    assert "cost: movement 4,097, balance -650,005;" in allocator("rebalance", "-f", path, "--balance").out


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


RING = """\
version: 1
drivers: {disk: {driver: local}}
pools:
  - {name: a, driver: disk, zone: z1, capacity: 10GiB, tags: [ssd]}
  - {name: b, driver: disk, zone: z1, capacity: 10GiB, tags: [hdd]}
volumes:
  - {name: x, pool: a, size: 10GiB, tags: [hdd]}
  - {name: y, pool: b, size: 10GiB, tags: [ssd]}
"""
THIRD = "version: 1\npools: [{name: c, driver: disk, zone: z1, capacity: 10GiB, tags: [ssd, hdd]}]\n"


def test_volumes_that_block_each_other_say_so_and_what_room_would_help(allocator: Allocator, tmp_path: Path) -> None:
    """R27: each waits for the other's 10 GiB; a third pool takes one of them meanwhile."""
    ring, third = tmp_path / "ring.yaml", tmp_path / "third.yaml"
    ring.write_text(RING)
    third.write_text(THIRD)
    run = allocator("rebalance", "-f", ring)
    assert run.code == 1
    assert "it waits for y, which cannot go either. Maybe 10 GiB more of space at b, or a third pool" in run.out
    assert json.loads(allocator("rebalance", "-f", ring, "--json").out)["status"] == "partly"
    run = allocator("rebalance", "-f", ring, "-f", third)
    assert (run.code, "in 3 waves, by way of a third pool: x" in run.out) == (0, True)

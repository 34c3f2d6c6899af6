"""A pool is drained from the command line on real files: proposed, carried out, and then there is nothing to do."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.running import Allocator

FLEET = """\
version: 1
drivers: {{disk: {{driver: local}}}}
agents: {{q: {{agent: qemu, config: {{qmp: {path}/none}}}}}}
hosts: [{{name: h, zone: z, agent: q}}]
pools:
  - {{name: a, driver: disk, host: h, capacity: 16MiB, details: {{path: {path}/a}}}}
  - {{name: b, driver: disk, host: h, capacity: 8MiB, state: {others}, details: {{path: {path}/b}}}}
  - {{name: c, driver: disk, host: h, capacity: 8MiB, state: {others}, details: {{path: {path}/c}}}}
requests:
  - {{name: x, size: 3MiB}}
  - {{name: y, size: 3MiB}}
  - {{name: z, size: 6MiB}}
"""


Given = tuple[str | Path, ...]


@pytest.fixture
def given(tmp_path: Path, allocator: Allocator) -> Given:
    """The options that name a fleet on which x, y and z were made on pool a."""
    if shutil.which("qemu-img") is None:
        pytest.skip("qemu-img is not installed. Maybe `apt-get install qemu-utils`.")
    fleet, plan = tmp_path / "fleet.yaml", tmp_path / "plan.json"
    options = ("-f", fleet, "--ledger", f"sqlite:///{tmp_path}/ledger.db")
    fleet.write_text(FLEET.format(path=tmp_path, others="full"))
    assert allocator("place", "-o", plan, *options).code == 0
    assert allocator("apply", plan, *options).code == 0
    fleet.write_text(FLEET.format(path=tmp_path, others="up"))
    return options


def test_drained_by_the_command(tmp_path: Path, allocator: Allocator, given: Given) -> None:
    """R27: x, y and z leave pool a, two of them for the pool that the third leaves free."""
    moves = tmp_path / "moves.json"
    proposed = allocator("rebalance", "--drain", "a", "-o", moves, *given)
    assert proposed.code == 0, proposed.err
    assert {move["from"] for move in json.loads(moves.read_text())["moves"]} == {"a"}
    applied = allocator("apply", moves, *given)
    assert applied.code == 0, (applied.out, applied.err)
    found = json.loads(allocator("list", "volumes", "--json", *given).out)["volumes"]
    assert sorted(volume["pool"] for volume in found) in (["b", "b", "c"], ["b", "c", "c"])
    assert not [path for path in (tmp_path / "a").rglob("*") if path.is_file()]

    again = json.loads(allocator("rebalance", "--drain", "a", "--json", *given).out)
    assert (again["status"], again["moves"]) == ("nothing", [])


def test_a_night_has_one_budget_however_often_the_job_is_started(
    tmp_path: Path, allocator: Allocator, given: Given
) -> None:
    """R27: one move a night. Right after it nothing is proposed, and why is said; without a window the next one is."""
    moves = tmp_path / "moves.json"
    drain = ("rebalance", "--drain", "a", "--max-moves", "1", *given)
    assert allocator(*drain, "-o", moves).code == 1
    assert len(json.loads(moves.read_text())["moves"]) == 1
    assert allocator("apply", moves, *given).code == 0

    again = allocator(*drain)
    assert again.code == 1
    assert "Nothing to move" in again.out
    assert "1 volume moved within the window and counted against the budget; --window 0h begins anew." in again.out
    assert "the budget is spent" in again.out
    assert json.loads(allocator(*drain, "--json").out)["made"] == 1
    for anew in (("--window", "0h"), ("--max-moves", "2"), ("--max-bytes", "9MiB", "--max-moves", "9")):
        assert len(json.loads(allocator(*drain, "--json", *anew).out)["moves"]) == 1, anew
    # Of 6 MiB, 3 or 6 were moved: no volume is small enough for what is left.
    assert json.loads(allocator(*drain, "--max-moves", "9", "--max-bytes", "6MiB", "--json").out)["moves"] == []

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


def test_drained_by_the_command(tmp_path: Path, allocator: Allocator) -> None:
    """R27: x, y and z leave pool a, two of them for the pool that the third leaves free."""
    if shutil.which("qemu-img") is None:
        pytest.skip("qemu-img is not installed. Maybe `apt-get install qemu-utils`.")
    fleet, plan, moves = (tmp_path / name for name in ("fleet.yaml", "plan.json", "moves.json"))
    given = ("-f", fleet, "--ledger", f"sqlite:///{tmp_path}/ledger.db")
    fleet.write_text(FLEET.format(path=tmp_path, others="full"))
    assert allocator("place", "-o", plan, *given).code == 0
    assert allocator("apply", plan, *given).code == 0
    fleet.write_text(FLEET.format(path=tmp_path, others="up"))

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

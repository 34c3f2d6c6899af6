"""A fleet of directories, on which plans really run: driver `local`, hosts without agents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from allocator.ledger import Ledger
from tests.cli.running import Allocator, Run

FLEET = """\
version: 1
drivers: {{disk: {{driver: local}}}}
hosts:
  - {{name: h1, zone: z1}}
  - {{name: h2, zone: z1}}
pools:
  - {{name: p1, driver: disk, zone: z1, capacity: 100MiB, details: {{path: {path}}}}}
requests:
  - {{name: root, vm: web, size: 10MiB}}
  - {{name: log, vm: web, size: 20MiB}}
  - {{name: spare, size: 5MiB}}
"""


class Site:
    """Documents, an empty ledger and a directory for volumes below one directory."""

    def __init__(self, directory: Path, allocator: Allocator) -> None:
        self.directory = directory
        self.pool = directory / "p1"
        self.pool.mkdir()
        self.fleet = directory / "fleet.yaml"
        self.fleet.write_text(FLEET.format(path=self.pool))
        self.plan = directory / "plan.json"
        self.url = f"sqlite:///{directory}/ledger.db"
        Ledger.open(self.url).close()
        self._allocator = allocator

    def run(self, *words: str | Path) -> Run:
        """A command on the fleet and the ledger."""
        return self._allocator(*words, "-f", self.fleet, "--ledger", self.url)

    def ledger_only(self, *words: str | Path) -> Run:
        """A command that needs no documents."""
        return self._allocator(*words, "--ledger", self.url)

    def told(self, *words: str | Path) -> Any:
        """What it prints as JSON; it must come to an end without complaint."""
        run = self.run(*words, "--json")
        assert run.code in (0, 1), run.err
        return json.loads(run.out)

    def place(self) -> str:
        """Place what is asked for; the plan's id."""
        assert self.run("place", "-o", self.plan).code == 0
        return str(json.loads(self.plan.read_text())["plan"]["id"])

    def apply(self) -> Run:
        return self.run("apply", self.plan)

    def states(self) -> dict[str, str]:
        """The ledger's volumes."""
        return {volume["name"]: volume["state"] for volume in self.told("list", "volumes")["volumes"]}

    def files(self) -> list[str]:
        """What is really there: volumes and links by which hosts reach them, without their ids."""
        return sorted(str(path.parent.relative_to(self.pool)) for path in self.pool.rglob("vol-*"))

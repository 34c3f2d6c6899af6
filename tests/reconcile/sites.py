"""Fleets on real devices, and what reconciling them comes to."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from pathlib import Path

from allocator import Allocator
from allocator.reconcile.findings import Finding, Reconciliation
from tests.engine.fleets import written

MIB = 1024**2
DISKS = """
version: 1
drivers: {{disk: {{driver: local}}}}
hosts: [{{name: h1, zone: z1}}, {{name: h2, zone: z1}}]
pools:
  - {{name: d1, driver: disk, zone: z1, capacity: 100MiB, details: {{path: {at}/d1}}}}
  - {{name: d2, driver: disk, zone: z1, capacity: 100MiB, details: {{path: {at}/d2}}}}
"""


class Site:
    """An allocator on documents with a ledger, and hands on what it holds."""

    def __init__(self, at: Path, documents: str) -> None:
        self.at = at
        self.ledger_file = at / "ledger.db"
        self.files = written(at, documents)
        self.allocator = self.opened()

    def opened(self) -> Allocator:
        """Another process's, for what this one knows of it."""
        return Allocator.open(*self.files, ledger=f"sqlite:///{self.ledger_file}")

    def make(self, name: str, pool: str = "d1", host: str | None = "h1", **more: object) -> str:
        """Place a volume and carry that out; its id."""
        wanted = {"name": name, "size": "8MiB", "pool": pool, **({"host": host} if host else {}), **more}
        outcome = self.allocator.place([wanted])
        assert outcome.refused == ()
        report = asyncio.run(self.allocator.apply(outcome.plan))
        assert report.state == "done", report
        return self.id_of(name)

    def id_of(self, name: str) -> str:
        assert self.allocator.ledger is not None
        return self.allocator.ledger.volumes([name])[0].volume_id

    def sql(self, *statements: str) -> None:
        """What a ledger restored from an old copy, or a careless hand, may say."""
        with sqlite3.connect(self.ledger_file) as connection:
            for statement in statements:
                connection.execute(statement)
            connection.execute("UPDATE allocator_meta SET changes = changes + 1")
        connection.close()

    def forget(self, name: str) -> None:
        """Take a volume out of the ledger by hand."""
        self.sql(
            *(f"DELETE FROM allocator_{table} WHERE volume = '{name}'" for table in ("access", "attachment")),
            f"DELETE FROM allocator_volume WHERE name = '{name}'",
        )

    def reconcile(self, *, fix: bool = False) -> Reconciliation:
        return asyncio.run(self.allocator.reconcile(fix=fix))

    def recorded(self) -> str:
        """All that the ledger holds but for its history."""
        connection = sqlite3.connect(self.ledger_file)
        lines = [line for line in connection.iterdump() if "allocator_event" not in line]
        connection.close()
        return json.dumps(lines)

    def found(self, *expected: tuple[str, str, str]) -> tuple[Finding, ...]:
        """Exactly these differ, as (kind, place, subject); looking changes nothing in the ledger."""
        before = self.recorded()
        seen = self.reconcile()
        assert sorted((one.kind, one.place, one.subject) for one in seen.findings) == sorted(expected)
        assert seen.left == seen.findings
        assert all(one.maybe.startswith("Maybe ") for one in seen.findings)
        assert self.recorded() == before
        return seen.findings

    def mends(self, *expected: tuple[str, str, str]) -> tuple[Finding, ...]:
        """The same, and once it is mended there is nothing more to find."""
        findings = self.found(*expected)
        fixed = self.reconcile(fix=True)
        assert (fixed.findings, fixed.left, fixed.unmended) == (findings, (), ())
        assert self.found() == ()
        assert self.reconcile(fix=True).findings == ()
        return findings

    def close(self) -> None:
        self.allocator.close()

"""Ledgers for every test: in a SQLite file, and on a PostgreSQL server that one session starts once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.postgres import PACKAGE, Postgres, binaries


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A real server; what is committed outlives its crash, not one of the machine."""
    if binaries() is None:
        pytest.skip(f"PostgreSQL is not installed. Maybe `apt-get install {PACKAGE}`.")
    with Postgres(durable=False) as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a new ledger may be made: `ledger.db` in the test's folder, and again an empty schema of the server."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.db"
    server: Postgres = request.getfixturevalue("postgres")
    return server.empty()

"""What holds on PostgreSQL alone: its clock, its restarts, its errors in our words, and its driver on demand."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect, make_url

from allocator.ledger import Ledger, LedgerError, LedgerUnreachable, StaleDecision
from allocator.ledger.naming import USUAL
from allocator.ledger.tables import METADATA
from bench.postgres import Postgres
from tests.engine.fleets import ARRAY, gold, opened
from tests.ledger.plans import claimed, placing


@pytest.fixture
def url(postgres: Postgres) -> str:
    return postgres.empty()


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    with closing(Ledger.open(url)) as opened:
        yield opened


def test_the_migrations_make_the_tables_that_the_code_knows(ledger: Ledger, url: str) -> None:
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": USUAL.version_table})
        assert compare_metadata(context, METADATA) == []
    engine.dispose()


def test_it_lives_in_the_database_of_the_program_that_embeds_it(url: str) -> None:
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        connection.exec_driver_sql("create table customers (name text)")
    lent = Ledger.open("the app's ledger", engine=engine)
    lent.reserve(placing("v"), seen=0)
    assert ([stored.name for stored in lent.volumes()], lent.changes()) == (["v"], 1)
    names = inspect(engine).get_table_names()
    assert {name for name in names if not name.startswith("allocator_")} == {"customers"}
    engine.dispose()


def test_the_server_tells_the_time(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose clock is a day ahead takes no lease from its owner, since nobody asks that clock."""
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 86_400)
    ledger.event("note", "p", "")
    assert abs(ledger.events()[0].at - now) < 30


def test_a_restart_is_waited_for(postgres: Postgres, ledger: Ledger) -> None:
    """The server crashes and comes back: what was committed is there, and a call made meanwhile succeeds."""
    plan = placing("v")
    ledger.reserve(plan, seen=0)
    postgres.stop(crash=True)
    with ThreadPoolExecutor(1) as pool:
        claim = pool.submit(claimed, ledger, plan)
        time.sleep(0.2)
        assert not claim.done()
        postgres.start()
        ledger.finish(claim.result(20), "running")
    postgres.stop()
    postgres.start()
    assert ledger.changes() == 1
    postgres.stop()
    postgres.start()
    assert [stored.name for stored in ledger.volumes()] == ["v"]


def test_a_transaction_that_the_server_leaves_is_not_committed(postgres: Postgres, ledger: Ledger) -> None:
    def left() -> None:
        with ledger._store.writing() as connection:
            connection.exec_driver_sql("update allocator_meta set changes = 7")
            postgres.stop(crash=True)
            postgres.start()

    with pytest.raises(LedgerUnreachable, match=r"is out of reach: .* Maybe the database is not running"):
        left()
    assert ledger.changes() == 0


def test_a_server_that_was_never_there_is_told_at_once() -> None:
    began = time.monotonic()
    with pytest.raises(LedgerUnreachable, match="is out of reach"):
        Ledger.open("postgresql://postgres:hunter2@/postgres?host=/nonexistent")
    assert time.monotonic() - began < 10


def test_a_password_is_not_told(postgres: Postgres) -> None:
    secret = make_url(postgres.empty()).set(password="hunter2", database="missing")
    with pytest.raises(LedgerError, match='database "missing" does not exist') as caught:
        Ledger.open(secret.render_as_string(hide_password=False))
    assert "hunter2" not in str(caught.value)


def test_what_breaks_later_is_told_as_well(ledger: Ledger, url: str) -> None:
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        connection.exec_driver_sql("drop table allocator_meta")
    engine.dispose()
    for ask in (ledger.changes, ledger.facts):
        with pytest.raises(LedgerError, match=r'cannot be used: relation "allocator_meta" does not exist'):
            ask()


def test_a_server_that_may_only_be_read_is_told(ledger: Ledger, url: str) -> None:
    read_only = make_url(url)
    options = f"{read_only.query['options']} -cdefault_transaction_read_only=on"
    with closing(Ledger.open(read_only.update_query_dict({"options": options}).render_as_string())) as reading:
        assert reading.changes() == 0
        with pytest.raises(LedgerError, match="cannot be written: the server is read-only"):
            reading.reserve(placing("v"), seen=0)


def test_the_driver_is_loaded_where_a_server_is_asked_for() -> None:
    code = (
        "import sys; from allocator.ledger import Ledger, LedgerError; loaded = 'psycopg' in sys.modules\n"
        "sys.modules['psycopg'] = None\n"
        "try: Ledger.open('postgresql://host/db')\n"
        "except LedgerError as error: print(loaded, error)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.startswith("False The ledger's database needs a driver: ")
    assert told.stdout.endswith("Maybe `pip install volume-allocator[postgres]`.\n")


def test_a_stale_decision_leaves_nothing_behind(ledger: Ledger) -> None:
    with pytest.raises(StaleDecision):
        ledger.reserve(placing("a"), seen=5)
    assert (ledger.changes(), ledger.volumes(), ledger.events()) == (0, [], [])


def test_a_placement_that_the_server_leaves_is_placed_again(
    postgres: Postgres, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It crashes before the commit: the caller is told, the fleet counts nothing, and the next call goes through."""
    reserve = Ledger._reserve

    def left(ledger: Ledger, *reserving: Any) -> bool:
        monkeypatch.setattr(Ledger, "_reserve", reserve)
        reserved = reserve(ledger, *reserving)
        postgres.stop(crash=True)
        return reserved

    with opened(tmp_path, ARRAY, ledger=url) as allocator:
        assert len(allocator.place(gold(1)).placed) == 1
        monkeypatch.setattr(Ledger, "_reserve", left)
        with pytest.raises(LedgerUnreachable):
            allocator.place(gold(2))
        postgres.start()
        assert sorted(allocator.inventory.volumes) == ["gold-1"]
        assert [len(allocator.place(gold(number)).placed) for number in (2, 3, 4)] == [1, 1, 0]
        assert allocator.audit() == []

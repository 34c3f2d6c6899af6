"""Several ledgers in one database, and several engines in one process: none sees another."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, inspect, make_url, text

from allocator.ledger import Ledger, LedgerError, NewerSchema, NoLedger
from allocator.ledger.naming import Naming
from bench.postgres import Postgres
from tests.ledger.plans import claimed, created, deleting, placing

PREFIXES = ("zone1_", "b_allocator_", "allocator_b_", "allocator_")
"""The usual prefix, in which SQL is written, is part of some and the last of them."""


def engine_of(url: str) -> Engine:
    parsed = make_url(url)
    return create_engine(
        parsed if parsed.get_backend_name() == "sqlite" else parsed.set(drivername="postgresql+psycopg")
    )


@pytest.fixture
def database(ledger_url: str) -> Iterator[Engine]:
    """An engine of the program that embeds ledgers, with a table of its own."""
    engine = engine_of(ledger_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("create table customers (name text)")
    yield engine
    engine.dispose()


def live(ledger: Ledger, name: str) -> None:
    """A volume made, one given up, and what a device showed: five changes, and one plan unfinished."""
    ledger.reserve(placing(name), seen=ledger.changes())
    created(ledger, placing(name), name)
    ledger.reserve(placing(f"{name}-gone"), seen=ledger.changes())
    ledger.release(f"{name}-gone")
    ledger.reserve(deleting(name), seen=ledger.changes())
    claimed(ledger, deleting(name))
    ledger.foreign("p1", [{"name": f"{name}-foreign", "pool": "p1"}])


def told(ledger: Ledger) -> tuple[int, list[object], list[str], set[str]]:
    """The changes counted, the names of volumes, the unfinished plans, and of what the history tells."""
    names = [document["name"] for document in ledger.facts().documents]
    return ledger.changes(), names, [plan.id for plan in ledger.unfinished()], {e.subject for e in ledger.events()}


def of(name: str, changes: int = 5) -> tuple[int, list[str], list[str], set[str]]:
    """What a ledger tells in which `name` has lived."""
    subjects = {placing(name).id, placing(f"{name}-gone").id, deleting(name).id, name, f"{name}-gone"}
    return changes, [name, f"{name}-foreign"], [deleting(name).id], subjects


def names_in(database: Engine, prefix: str) -> set[str]:
    """Tables and indexes that begin with a prefix and with no longer one, without it."""
    found = inspect(database)
    tables = set(found.get_table_names())
    names = tables | {str(index["name"]) for table in tables for index in found.get_indexes(table)}
    longer = tuple(other for other in PREFIXES if other.startswith(prefix) and other != prefix)
    return {name.removeprefix(prefix) for name in names if name.startswith(prefix) and not name.startswith(longer)}


def test_ledgers_under_prefixes_do_not_see_each_other(database: Engine) -> None:
    """Four beside each other: each finds its own again and nothing else, and has all tables and indexes for itself."""
    for number, prefix in enumerate(PREFIXES):
        ledger = Ledger.open("the portal's", engine=database, prefix=prefix)
        assert (ledger.origin, told(ledger)) == ("made", (0, [], [], set()))
        live(ledger, f"v{number}")
    for number, prefix in enumerate(PREFIXES):
        ledger = Ledger.open("the portal's", engine=database, prefix=prefix, make=False)
        assert (ledger.origin, told(ledger)) == ("found", of(f"v{number}"))
        assert names_in(database, prefix) == names_in(database, "allocator_") != set()
        ledger.close()
    with database.connect() as connection:
        assert connection.execute(text("select count(*) from customers")).scalar() == 0


def test_a_url_can_state_a_prefix(ledger_url: str) -> None:
    """So that the command finds what lies beside other tables; whoever states none sees none."""
    joined = "&" if "?" in ledger_url else "?"
    for prefix in ("zone1_", "zone2_"):
        ledger = Ledger.open(f"{ledger_url}{joined}prefix={prefix}")
        live(ledger, prefix.rstrip("_"))
        ledger.close()
    for prefix in ("zone1_", "zone2_"):
        ledger = Ledger.open(f"{ledger_url}{joined}prefix={prefix}", make=False)
        assert f"(tables {prefix}*)" in ledger.name
        assert told(ledger) == of(prefix.rstrip("_"))
        ledger.close()
    with pytest.raises(LedgerError, match=r"no ledger"):
        Ledger.open(ledger_url, make=False)


def test_ledgers_in_schemas_do_not_see_each_other(postgres: Postgres) -> None:
    """The first is made, the second is there already; a prefix can be chosen as well."""
    engine = engine_of(postgres.empty())
    with engine.begin() as connection:
        connection.exec_driver_sql("create schema if not exists storage_b")
    places = [("storage_a", "allocator_"), ("storage_b", "allocator_"), ("storage_b", "zone1_")]
    for number, (schema, prefix) in enumerate(places):
        live(Ledger.open("the portal's", engine=engine, schema=schema, prefix=prefix), f"v{number}")
    for number, (schema, prefix) in enumerate(places):
        ledger = Ledger.open("the portal's", engine=engine, schema=schema, prefix=prefix, make=False)
        assert told(ledger) == of(f"v{number}")
    assert inspect(engine).get_table_names() == []
    with pytest.raises(NoLedger, match=r"in the portal's \(schema storage_c\)\. Maybe the name is mistyped"):
        Ledger.open("the portal's", engine=engine, schema="storage_c", make=False)
    assert "storage_c" not in inspect(engine).get_schema_names()
    engine.dispose()


def test_two_engines_with_two_ledgers_share_nothing(tmp_path: Path) -> None:
    engines = [engine_of(f"sqlite:///{tmp_path}/{name}.db") for name in ("one", "two")]
    ledgers = [Ledger.open("the portal's", engine=engine) for engine in engines]
    for number, ledger in enumerate(ledgers):
        live(ledger, f"v{number}")
    assert [told(ledger) for ledger in ledgers] == [of("v0"), of("v1")]
    for ledger, engine in zip(ledgers, engines, strict=True):
        ledger.close()
        engine.dispose()


def test_closing_a_ledger_leaves_a_lent_engine_alone(database: Engine) -> None:
    """Its pool is the same, and its own statements are never renamed."""
    pool = database.pool
    ledger = Ledger.open("the portal's", engine=database, prefix="zone1_")
    ledger.close()
    assert database.pool is pool
    with database.connect() as connection:
        assert connection.execute(text("select 'allocator_volume'")).scalar() == "allocator_volume"


def test_each_ledger_has_a_version_of_its_own(database: Engine) -> None:
    for prefix in PREFIXES:
        Ledger.open("the portal's", engine=database, prefix=prefix)
    with database.begin() as connection:
        connection.execute(text("update zone1_version set version_num = '9999'"))
    with pytest.raises(NewerSchema, match=re.escape("Ledger the portal's (tables zone1_*) has schema 9999")):
        Ledger.open("the portal's", engine=database, prefix="zone1_")
    assert Ledger.open("the portal's", engine=database).origin == "found"


@pytest.mark.parametrize(
    "names", [{"prefix": "Zone_"}, {"prefix": ""}, {"prefix": "1_"}, {"prefix": "a" * 25}, {"schema": 'a"; drop'}]
)
def test_names_that_need_quotes_are_refused(names: dict[str, str]) -> None:
    with pytest.raises(LedgerError, match=r"letters, digits and underscores, and no digit first\. Maybe zone1_\."):
        Naming(**names)


def test_sqlite_has_no_schemas(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match=r"SQLite has no schemas\. Maybe use a prefix\."):
        Ledger.open(f"sqlite:///{tmp_path}/ledger.db?schema=storage")
    assert list(tmp_path.glob("*.db")) == []

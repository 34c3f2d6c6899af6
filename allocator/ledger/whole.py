"""A ledger as plain data, whole: every row of every table, to be kept elsewhere or moved to another database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from sqlalchemy import Connection, Table, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from allocator.ledger.errors import LedgerError
from allocator.ledger.form import HEADING, TABLES, Row, Whole, check_heading, checked, wrong
from allocator.ledger.naming import Naming
from allocator.ledger.tables import event, meta, plan

_AT_ONCE: Final = 500
"""Rows in one statement, and in memory."""
_PLANS_AT_ONCE: Final = 8
"""That of a plan may be as large as all others: 100,000 volumes are 80 MB of it."""


def told(connection: Connection) -> Whole:
    """Rows by primary key, read as they are gone through. No secret is in them, since none is in a ledger."""
    return Whole(HEADING, ((name, _rows(connection, table)) for name, table in TABLES.items()))


def load(connection: Connection, naming: Naming, whole: Whole) -> None:
    """Fill an empty ledger.

    Raises LedgerError for a ledger that is not empty, and for data that no ledger of this version gave.
    """
    _check_empty(connection)
    check_heading(whole.heading)
    for (name, rows), expected in zip(whole.tables, TABLES, strict=True):
        assert name == expected, "as Whole says"
        found = (checked(name, number, row) for number, row in enumerate(rows))
        try:
            _fill(connection, TABLES[name], found)
        except IntegrityError as error:
            raise wrong(name, f"rows contradict each other ({str(error.orig).splitlines()[0]})") from None
    if connection.dialect.name == "postgresql":
        _count_on(connection, naming)


def _rows(connection: Connection, table: Table) -> Iterator[Row]:
    ordered = select(table).order_by(*table.primary_key.columns).execution_options(yield_per=_at_once(table))
    return (dict(row) for row in connection.execute(ordered).mappings())


def _at_once(table: Table) -> int:
    return _PLANS_AT_ONCE if table is plan else _AT_ONCE


def _check_empty(connection: Connection) -> None:
    for name, table in TABLES.items():
        count = connection.execute(select(func.count()).select_from(table)).scalar()
        if table is not meta and count:
            raise LedgerError(f"The ledger is not empty, it has {count} of {name}. Maybe import into a new one.")


def _fill(connection: Connection, table: Table, rows: Iterable[Row]) -> None:
    rows = iter(rows)
    if table is meta:
        _become(connection, list(rows))
    while some := list(islice(rows, _at_once(table))):
        connection.execute(insert(table), some)


def _become(connection: Connection, rows: list[Row]) -> None:
    """Take over the identity and the counters; the row stays, since by it writers wait in line."""
    if len(rows) != 1:
        raise wrong("meta", f"has {len(rows)} rows, not one")
    connection.execute(update(meta).values(rows[0]))


def _count_on(connection: Connection, naming: Naming) -> None:
    """PostgreSQL counts lines of the history by itself, from 1 unless it is told."""
    last = connection.execute(select(func.max(event.c.seq))).scalar()
    table = ".".join(part for part in (naming.schema, f"{naming.prefix}event") if part)
    if last is not None:
        sequence = func.pg_get_serial_sequence(table, "seq")
        connection.execute(select(func.setval(sequence, last)))

"""A ledger as plain data, whole: every row of every table, to be kept elsewhere or moved to another database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import BigInteger, Column, Connection, Integer, String, Table, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from allocator.ledger.errors import LedgerError
from allocator.ledger.naming import Naming
from allocator.ledger.tables import METADATA, PREFIX, SCHEMA, event, meta
from allocator.ledger.texts import JsonText

Rows = Sequence[Mapping[str, object]]
FORM: Final = 1
_AT_ONCE: Final = 1_000
"""Rows in one statement."""


def dumped(connection: Connection) -> dict[str, Any]:
    """`{version, schema, TABLE: [{COLUMN: value}]}`: tables without their prefix, rows by primary key.

    No secret is in it, since none is in a ledger.
    """
    tables = {_short(table): _rows(connection, table) for table in METADATA.sorted_tables}
    return {"version": FORM, "schema": SCHEMA, **tables}


def load(connection: Connection, naming: Naming, whole: Mapping[str, Any]) -> None:
    """Fill an empty ledger with what `dumped` gave.

    Raises LedgerError for a ledger that is not empty, and for data that no ledger of this version gave.
    """
    _check_empty(connection)
    tables = {_short(table): table for table in METADATA.sorted_tables}
    _check_form(whole, tables)
    for name, table in tables.items():
        rows = [_checked(table, row, f"{name}[{number}]") for number, row in enumerate(whole[name])]
        try:
            if table is meta:
                _become(connection, rows)
            else:
                for first in range(0, len(rows), _AT_ONCE):
                    connection.execute(insert(table), rows[first : first + _AT_ONCE])
        except IntegrityError as error:
            raise _wrong(name, f"rows contradict each other ({str(error.orig).splitlines()[0]})") from None
    if connection.dialect.name == "postgresql":
        _count_on(connection, naming)


def _short(table: Table) -> str:
    return table.name.removeprefix(PREFIX)


def _rows(connection: Connection, table: Table) -> list[dict[str, object]]:
    ordered = select(table).order_by(*table.primary_key.columns)
    return [dict(row) for row in connection.execute(ordered).mappings()]


def _check_empty(connection: Connection) -> None:
    for table in METADATA.sorted_tables:
        count = connection.execute(select(func.count()).select_from(table)).scalar()
        if table is not meta and count:
            raise LedgerError(
                f"The ledger is not empty, it has {count} of {_short(table)}. Maybe import into a new one."
            )


def _become(connection: Connection, rows: Rows) -> None:
    """Take over the identity and the counters; the row stays, since by it writers wait in line."""
    if len(rows) != 1:
        raise _wrong("meta", f"has {len(rows)} rows, not one")
    connection.execute(update(meta).values(rows[0]))


def _check_form(whole: Mapping[str, Any], tables: Mapping[str, Table]) -> None:
    # To some writers of YAML `0009` needs no quotes, and then it is a number.
    schema = str(whole.get("schema")).zfill(len(SCHEMA))
    if (whole.get("version"), schema) != (FORM, SCHEMA):
        raise LedgerError(
            f"The data are of form {whole.get('version')} and schema {schema}, and this code reads form "
            f"{FORM} and schema {SCHEMA}. Maybe import them with the version that exported them, then upgrade."
        )
    differing = sorted(set(whole) ^ {"version", "schema", *tables})
    if differing:
        raise _wrong(differing[0], "is missing" if differing[0] in tables else "is no part of a ledger")
    for name in tables:
        if not isinstance(whole[name], list):
            raise _wrong(name, "is no list of rows")


def _checked(table: Table, row: object, where: str) -> dict[str, object]:
    if not isinstance(row, dict) or set(row) != set(table.columns.keys()):
        raise _wrong(where, f"must have {', '.join(table.columns.keys())}, and nothing else")
    for column in table.columns:
        if not _fits(column, row[column.name]):
            raise _wrong(f"{where}.{column.name}", f"{str(row[column.name])[:80]!r} cannot be")
    return row


def _fits(column: Column[Any], value: object) -> bool:
    if value is None:
        return bool(column.nullable)
    if isinstance(column.type, JsonText):
        return isinstance(value, dict | list)
    if isinstance(column.type, Integer | BigInteger):
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63
    longest = column.type.length if isinstance(column.type, String) else None
    return isinstance(value, str) and (longest is None or len(value) <= longest)


def _wrong(where: str, what: str) -> LedgerError:
    return LedgerError(f"What is to be imported is wrong at {where}: {what}. Maybe it was changed by hand.")


def _count_on(connection: Connection, naming: Naming) -> None:
    """PostgreSQL counts lines of the history by itself, from 1 unless it is told."""
    last = connection.execute(select(func.max(event.c.seq))).scalar()
    table = ".".join(part for part in (naming.schema, f"{naming.prefix}event") if part)
    if last is not None:
        sequence = func.pg_get_serial_sequence(table, "seq")
        connection.execute(select(func.setval(sequence, last)))

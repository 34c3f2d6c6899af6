"""What a ledger as plain data must look like, since people may have changed it: tables, columns, their values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import BigInteger, Column, Integer, String, Table

from allocator.ledger.errors import LedgerError
from allocator.ledger.tables import METADATA, PREFIX, SCHEMA
from allocator.ledger.texts import JsonText

Row = Mapping[str, object]
FORM: Final = 1
HEADING: Final[Row] = {"version": FORM, "schema": SCHEMA}
TABLES: Final[Mapping[str, Table]] = {table.name.removeprefix(PREFIX): table for table in METADATA.sorted_tables}
"""By their names without prefix; a table that others point to comes before these."""


@dataclass(frozen=True, slots=True)
class Whole:
    """All of a ledger: its tables in the order of TABLES, to be gone through once, each before the next."""

    heading: Row
    tables: Iterator[tuple[str, Iterable[Row]]]


def whole_of(data: Mapping[str, Any]) -> Whole:
    """From `{version, schema, TABLE: [{COLUMN: value}]}` in any order. Raises LedgerError."""
    heading = {name: data.get(name) for name in HEADING}
    check_heading(heading)
    for name in sorted(set(data) ^ {*HEADING, *TABLES}):
        raise wrong(name, "is missing" if name in TABLES else "is no part of a ledger")
    for name in TABLES:
        if not isinstance(data[name], list):
            raise wrong(name, "is no list of rows")
    return Whole(heading, ((name, data[name]) for name in TABLES))


def check_heading(heading: Row) -> None:
    """Raises LedgerError for another version's."""
    # To some writers of YAML `0009` needs no quotes, and then it is a number.
    schema = str(heading.get("schema")).zfill(len(SCHEMA))
    if (heading.get("version"), schema) != (FORM, SCHEMA):
        raise LedgerError(
            f"The data are of form {heading.get('version')} and schema {schema}, and this code reads form "
            f"{FORM} and schema {SCHEMA}. Maybe import them with the version that exported them, then upgrade."
        )


def checked(name: str, number: int, row: object) -> Row:
    """A row of a table, counted from 0. Raises LedgerError."""
    columns = TABLES[name].columns
    if not isinstance(row, dict) or set(row) != set(columns.keys()):
        raise wrong(f"{name}[{number}]", f"must have {', '.join(columns.keys())}, and nothing else")
    for column in columns:
        if not _fits(column, row[column.name]):
            raise wrong(f"{name}[{number}].{column.name}", f"{str(row[column.name])[:80]!r} cannot be")
    return row


def wrong(where: str, what: str) -> LedgerError:
    """What to raise for data that no ledger gave."""
    return LedgerError(f"What is to be imported is wrong at {where}: {what}. Maybe it was changed by hand.")


def _fits(column: Column[Any], value: object) -> bool:
    if value is None:
        return bool(column.nullable)
    if isinstance(column.type, JsonText):
        return isinstance(value, dict | list)
    if isinstance(column.type, Integer | BigInteger):
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63
    longest = column.type.length if isinstance(column.type, String) else None
    return isinstance(value, str) and (longest is None or len(value) <= longest)

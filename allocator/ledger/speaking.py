"""What a database complains of, in our words."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import DBAPIError

from allocator.ledger.errors import (
    LedgerDamaged,
    LedgerError,
    LedgerLocked,
    LedgerReadOnly,
    LedgerUnreachable,
    NotALedger,
)

Words = tuple[type[LedgerError], str]

_SQLITE: Final[Mapping[int, Words]] = {
    sqlite3.SQLITE_BUSY: (LedgerLocked, "is locked by another process. Maybe wait, or see who holds it."),
    sqlite3.SQLITE_LOCKED: (LedgerLocked, "is locked by another connection. Maybe wait."),
    sqlite3.SQLITE_READONLY: (LedgerReadOnly, "cannot be written. Maybe another user owns it."),
    sqlite3.SQLITE_CANTOPEN: (
        LedgerReadOnly,
        "cannot be opened for writing. Maybe another user owns its directory.",
    ),
    sqlite3.SQLITE_NOTADB: (NotALedger, "is not an SQLite file. Maybe the path is mistyped."),
    sqlite3.SQLITE_CORRUPT: (LedgerDamaged, "is damaged or cut short. Maybe restore it from a copy."),
    sqlite3.SQLITE_IOERR: (LedgerError, "cannot be read or written. Maybe its disk fails, or no file may grow so far."),
    sqlite3.SQLITE_FULL: (LedgerError, "cannot grow: the disk is full. Maybe free some space."),
}
_POSTGRES: Final[Mapping[str, Words]] = {
    "25006": (LedgerReadOnly, "cannot be written: the server is read-only. Maybe it is a standby."),
    "42501": (LedgerReadOnly, "cannot be written. Maybe another user owns its tables."),
    "53100": (LedgerError, "cannot grow: the server's disk is full. Maybe free some space."),
    "55P03": (LedgerLocked, "is locked by another process. Maybe wait, or look at pg_stat_activity."),
}
"""By SQLSTATE (PostgreSQL 15, appendix A)."""
_GOING: Final = ("08", "25P03", "57P")
"""SQLSTATE of connections that break, of processes that slept in a transaction, of servers that stop or start."""


@contextmanager
def speaking(name: str, errors: type[Exception]) -> Iterator[None]:
    """Raise what a database complains of within as a LedgerError that names the ledger.

    `errors` are those of its driver, which come as they are or wrapped by SQLAlchemy.
    """
    try:
        yield
    except (DBAPIError, errors) as error:
        raise said(name, error) from error


def said(name: str, complaint: Exception) -> LedgerError:
    """What to raise for it."""
    error: BaseException | None = complaint.orig if isinstance(complaint, DBAPIError) else complaint
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None:
        kind, text = _SQLITE.get(code & 0xFF, (LedgerError, f"cannot be used: {error}. Maybe look there."))
        return kind(f"Ledger {name} {text}")
    state, first = getattr(error, "sqlstate", None), str(error).partition("\n")[0]
    # A server that does not answer has no state to tell.
    if (state is None and type(error).__name__ == "OperationalError") or str(state).startswith(_GOING):
        return LedgerUnreachable(f"Ledger {name} is out of reach: {first}. Maybe the database is not running.")
    kind, text = _POSTGRES.get(str(state), (LedgerError, f"cannot be used: {first}. Maybe look there."))
    return kind(f"Ledger {name} {text}")

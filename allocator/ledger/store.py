"""One database: its transactions, and its errors in our words."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path
from threading import get_ident
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, Select, create_engine, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from allocator.ledger.errors import LedgerDamaged, LedgerError, LedgerLocked, LedgerReadOnly, NotALedger
from allocator.ledger.place import WAIT_SECONDS, turn

_SQLITE_ERRORS: Final[dict[int, tuple[type[LedgerError], str]]] = {
    sqlite3.SQLITE_BUSY: (LedgerLocked, "is locked by another process. Maybe wait, or see who holds it."),
    sqlite3.SQLITE_LOCKED: (LedgerLocked, "is locked by another connection. Maybe wait."),
    sqlite3.SQLITE_READONLY: (LedgerReadOnly, "cannot be written. Maybe another user owns it."),
    sqlite3.SQLITE_CANTOPEN: (
        LedgerReadOnly,
        "cannot be opened for writing. Maybe another user owns its directory.",
    ),
    sqlite3.SQLITE_NOTADB: (NotALedger, "is not an SQLite file. Maybe the path is mistyped."),
    sqlite3.SQLITE_CORRUPT: (LedgerDamaged, "is damaged or cut short. Maybe restore it from a copy."),
    sqlite3.SQLITE_FULL: (LedgerError, "cannot grow: the disk is full. Maybe free some space."),
}


class Store:
    """An engine and how to begin a transaction on it: one that writes, or one that reads a single moment.

    `lock` is the file beside a SQLite ledger by which writers wait in line; None: whoever opens has it.
    """

    def __init__(self, engine: Engine, name: str, lock: Path | None = None, *, prepared: bool = False) -> None:
        """`prepared`: every connection of the engine comes as `_prepare` leaves it."""
        self.engine = engine
        self.name = name
        self._lock = lock
        self._sqlite = engine.dialect.name == "sqlite"
        self._prepared = prepared
        self._keeper: int | None = None
        self._texts: dict[Select[Any], str] = {}

    @classmethod
    def of_file(cls, path: Path, lock: Path | None) -> Store:
        """A store on a SQLite file."""
        engine = create_engine(
            URL.create("sqlite", database=str(path)),
            isolation_level="AUTOCOMMIT",
            connect_args={"timeout": WAIT_SECONDS},
        )
        event.listen(engine, "connect", lambda connection, _: _prepare(connection.execute))
        return cls(engine, str(path), lock, prepared=True)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that no other write is between: committed at the end, taken back on any error.

        SQLite takes its write lock at once, since one taken later can fail half-way, and is on disk when the
        commit returns: WAL with synchronous=NORMAL can lose the last commits with the power.
        """
        with self._speaking(), self._turn(), self._transaction("BEGIN IMMEDIATE", "READ COMMITTED") as connection:
            yield connection

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Keep others from writing while this thread decides what to write; a database without a line does not."""
        with ExitStack() as held:
            with self._speaking():
                held.enter_context(self._turn())
            self._keeper = get_ident()
            try:
                yield
            finally:
                self._keeper = None

    def _turn(self) -> AbstractContextManager[None]:
        return nullcontext() if self._lock is None or self._keeper == get_ident() else turn(self._lock)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees a single moment and writes nothing."""
        with self._speaking(), self._transaction("BEGIN", "REPEATABLE READ") as connection:
            yield connection

    def glance(self, statement: Select[Any]) -> Any:
        """The one value that a statement finds, as of a single moment."""
        with self._speaking():
            if not self._prepared:
                with self._autocommit() as connection:
                    return connection.execute(statement).scalar_one()
            # Asked before every decision: without SQLAlchemy's own part it takes a third of the time.
            if statement not in self._texts:
                self._texts[statement] = str(statement.compile(self.engine))
            borrowed = self.engine.raw_connection()
            try:
                return borrowed.cursor().execute(self._texts[statement]).fetchone()[0]
            finally:
                borrowed.close()

    def log_ahead(self) -> None:
        """Set SQLite's write-ahead log, which stays set: readers then never wait for a writer."""
        with self._speaking(), self.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def _transaction(self, begin: str, isolation: str) -> Iterator[Connection]:
        if not self._sqlite:
            with (
                self.engine.connect().execution_options(isolation_level=isolation) as connection,
                connection.begin(),
            ):
                yield connection
            return
        with self._autocommit() as connection:
            if not self._prepared:
                _prepare(connection.exec_driver_sql)
            connection.exec_driver_sql(begin)
            try:
                yield connection
                connection.exec_driver_sql("COMMIT")
            except BaseException:
                with suppress(SQLAlchemyError):
                    connection.exec_driver_sql("ROLLBACK")
                raise

    def _autocommit(self) -> Connection:
        """A connection that begins no transaction by itself."""
        connection = self.engine.connect()
        return connection if self._prepared else connection.execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def _speaking(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise self._said(error.orig) from error
        except sqlite3.Error as error:
            raise self._said(error) from error
        except OSError as error:
            raise LedgerReadOnly(f"Ledger {self.name}: {error}. Maybe another user owns it.") from error

    def _said(self, error: BaseException | None) -> LedgerError:
        code = getattr(error, "sqlite_errorcode", None)
        if code is None:
            return LedgerError(f"Ledger {self.name} cannot be used: {error}. Maybe the database is not running.")
        kind, text = _SQLITE_ERRORS.get(code & 0xFF, (LedgerError, f"cannot be used: {error}. Maybe look there."))
        return kind(f"Ledger {self.name} {text}")


def _prepare(execute: Callable[[str], object]) -> None:
    """Make a connection of SQLite keep what the ledger promises."""
    execute("PRAGMA foreign_keys=ON")
    execute("PRAGMA synchronous=FULL")

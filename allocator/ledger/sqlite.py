"""A ledger in a SQLite file: on disk when it is committed, with a lock beside it by which writers wait in line."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final, Self

from sqlalchemy import URL, Connection, Engine, create_engine, event, text

from allocator.ledger.facts import moment
from allocator.ledger.naming import USUAL, Naming
from allocator.ledger.place import WAIT_SECONDS, file_beside, turn
from allocator.ledger.prepared import Parameters, Prepared
from allocator.ledger.records import Moment
from allocator.ledger.store import Store

_BEGIN: Final = Prepared(text("BEGIN"))
_BEGIN_WRITING: Final = Prepared(text("BEGIN IMMEDIATE"))
_COMMIT: Final = Prepared(text("COMMIT"))
_ROLLBACK: Final = Prepared(text("ROLLBACK"))


class SqliteStore(Store):
    """`lock` is the file beside the ledger by which writers wait in line; None: whoever opens has it."""

    def __init__(
        self,
        engine: Engine,
        name: str,
        lock: Path | None = None,
        naming: Naming = USUAL,
        *,
        prepared: bool = False,
        lent: bool = False,
    ) -> None:
        """`prepared`: every connection of the engine comes as `_prepare` leaves it."""
        super().__init__(engine, name, naming, lent=lent)
        self._lock = lock
        self._opened = None if lock is None else file_beside(lock)
        self._prepared = prepared

    @classmethod
    def of_file(cls, path: Path, lock: Path | None, naming: Naming = USUAL) -> Self:
        """A store on a file."""
        engine = create_engine(
            URL.create("sqlite", database=str(path)),
            isolation_level="AUTOCOMMIT",
            connect_args={"timeout": WAIT_SECONDS},
        )
        event.listen(engine, "connect", lambda connection, _: _prepare(connection.execute))
        return cls(engine, str(path), lock, naming, prepared=True)

    def glance(self, statement: Prepared, parameters: Parameters | None = None) -> Any:
        with self._speaking(), self.engine.connect() as connection:
            return statement.rows(connection, parameters)[0][0]

    def now(self) -> float:
        """By this machine's clock: all processes on a file are here."""
        return time.time()

    def log_ahead(self) -> None:
        """Set the write-ahead log, which stays set: readers then never wait for a writer."""
        with self._speaking(), self.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")

    @contextmanager
    def _turn(self) -> Iterator[tuple[Connection, Callable[[], Moment]]]:
        """The write lock is taken at once, since one taken later can fail half-way.

        What is committed is on disk: WAL with synchronous=NORMAL can lose the last commits with the power.
        """
        with self._line(), self._transaction(_BEGIN_WRITING.run) as connection:
            yield connection, partial(moment, connection)

    @contextmanager
    def _upgrade(self) -> Iterator[Connection]:
        # By SQLAlchemy, so that it knows: alembic would else begin, and end, a transaction by itself.
        with self._line(), self._transaction(lambda new: new.exec_driver_sql("BEGIN IMMEDIATE")) as connection:
            yield connection

    def _line(self) -> AbstractContextManager[None]:
        return nullcontext() if self._lock is None else turn(self._lock, self._opened)

    def _look(self) -> AbstractContextManager[Connection]:
        return self._transaction(_BEGIN.run)

    @contextmanager
    def _transaction(self, begin: Callable[[Connection], object]) -> Iterator[Connection]:
        with self._autocommit() as connection:
            if not self._prepared:
                _prepare(connection.exec_driver_sql)
            begin(connection)
            try:
                yield connection
                _COMMIT.run(connection)
            except BaseException:
                with suppress(sqlite3.Error):
                    _ROLLBACK.run(connection)
                raise

    def _autocommit(self) -> Connection:
        """A connection that begins no transaction by itself."""
        connection = self.engine.connect()
        return connection if self._prepared else connection.execution_options(isolation_level="AUTOCOMMIT")


def _prepare(execute: Callable[[str], object]) -> None:
    """Make a connection keep what the ledger promises."""
    execute("PRAGMA foreign_keys=ON")
    execute("PRAGMA synchronous=FULL")

"""A ledger in a PostgreSQL database: writers wait in line for one row, and the server's clock is everybody's."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, Final, Self, TypeVar

from sqlalchemy import URL, Connection, Engine, Float, cast, create_engine, event, extract, func, select, text
from sqlalchemy.exc import DBAPIError

from allocator.ledger.errors import LedgerUnreachable
from allocator.ledger.naming import USUAL, Naming
from allocator.ledger.place import WAIT_SECONDS
from allocator.ledger.prepared import Parameters, Prepared
from allocator.ledger.records import Moment
from allocator.ledger.speaking import said
from allocator.ledger.store import Store
from allocator.ledger.tables import meta

T = TypeVar("T")
FIRST_PAUSE_SECONDS: Final = 0.05
LONGEST_PAUSE_SECONDS: Final = 1.0
IDLE_SECONDS: Final = 10
"""How long a process may keep others waiting in the middle of a transaction, because it was stopped, say."""

_NOW: Final = cast(extract("epoch", func.clock_timestamp()), Float)
_CLOCK: Final = Prepared(select(_NOW))
_LINE: Final = Prepared(
    select(meta.c.changes, meta.c.changes - meta.c.logged, _NOW).where(meta.c.id == 1).with_for_update()
)
_UPGRADING: Final = Prepared(
    text("SELECT pg_advisory_xact_lock(hashtext('allocator'), hashtext(coalesce(current_schema(), '')))")
)


class PostgresStore(Store):
    """Transactions are READ COMMITTED: nobody else writes between the line and the commit, so no more is needed.

    The line is the row of `allocator_meta`, which PostgreSQL gives to those who wait in the order of their arrival.
    A server that was reached once and goes away is waited for, for WAIT_SECONDS, wherever a transaction begins.
    """

    def __init__(self, engine: Engine, name: str, naming: Naming = USUAL, *, lent: bool = False) -> None:
        super().__init__(engine, name, naming, lent=lent)
        self._ahead: float | None = None
        """The server's clock less this machine's monotonic one; None: never reached."""

    @classmethod
    def of_url(cls, url: URL, naming: Naming = USUAL) -> Self:
        """A store with connections of its own, on which nothing waits for a lock longer than WAIT_SECONDS."""
        if url.drivername == "postgresql":
            url = url.set(drivername="postgresql+psycopg")
        engine = create_engine(url)
        event.listen(engine, "connect", lambda connection, _: _prepare(connection))
        return cls(engine, url.render_as_string(hide_password=True), naming)

    def glance(self, statement: Prepared, parameters: Parameters | None = None) -> Any:
        def look() -> Any:
            with self.engine.connect() as connection:
                driver: Any = connection.connection.driver_connection
                # Else the driver would begin and end a transaction for it: three round trips instead of one.
                driver.autocommit = True
                try:
                    return statement.rows(connection, parameters)[0][0]
                finally:
                    driver.autocommit = False

        with self._speaking():
            return self._patiently(look)

    def now(self) -> float:
        """By the server's clock, carried on by this machine's monotonic one since the last write."""
        if self._ahead is None:
            self._ahead = float(self.glance(_CLOCK)) - time.monotonic()
        return self._ahead + time.monotonic()

    @contextmanager
    def _turn(self) -> Iterator[tuple[Connection, Callable[[], Moment]]]:
        with self._begun("READ COMMITTED", _LINE) as (connection, (changes, unlogged, now)):
            self._ahead = now - time.monotonic()
            yield connection, lambda: Moment(changes, unlogged)

    @contextmanager
    def _upgrade(self) -> Iterator[Connection]:
        with self._begun("READ COMMITTED", _UPGRADING) as (connection, _):
            yield connection

    @contextmanager
    def _look(self) -> Iterator[Connection]:
        with self._begun("REPEATABLE READ", _CLOCK) as (connection, _):
            yield connection

    @contextmanager
    def _begun(self, isolation: str, first: Prepared) -> Iterator[tuple[Connection, Any]]:
        """A transaction with what its first statement found; a connection that broke since its last use is replaced."""

        def begin() -> tuple[ExitStack, Connection, Any]:
            with ExitStack() as begun:
                connection = begun.enter_context(self._isolated(isolation))
                begun.enter_context(connection.begin())
                (row,) = first.rows(connection)
                return begun.pop_all(), connection, row

        stack, connection, row = self._patiently(begin)
        with stack:
            yield connection, row

    def _isolated(self, level: str) -> AbstractContextManager[Connection]:
        return self.engine.connect().execution_options(isolation_level=level)

    def _patiently(self, act: Callable[[], T]) -> T:
        """What `act` gives, which writes nothing: again and again while a server that was there is away."""
        late, pause = time.monotonic() + WAIT_SECONDS, FIRST_PAUSE_SECONDS
        while True:
            try:
                return act()
            except (DBAPIError, self.engine.dialect.loaded_dbapi.Error) as error:
                away = isinstance(said(self.name, error), LedgerUnreachable)
                if self._ahead is None or not away or time.monotonic() > late:
                    raise
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


def _prepare(connection: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = '{WAIT_SECONDS}s'")
        cursor.execute(f"SET idle_in_transaction_session_timeout = '{IDLE_SECONDS}s'")
    connection.commit()

"""One database and its transactions: what `sqlite` and `postgres` have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from sqlalchemy import Connection, Engine

from allocator.ledger.naming import USUAL, Naming
from allocator.ledger.prepared import Parameters, Prepared
from allocator.ledger.records import Moment
from allocator.ledger.speaking import speaking


class Store(ABC):
    """An engine, and how to begin a transaction on it: one that writes, or one that reads a single moment.

    Whoever writes waits in line: there is one writer at a time, and each gets its turn in the order of arrival.
    """

    def __init__(self, engine: Engine, name: str, naming: Naming = USUAL, *, lent: bool = False) -> None:
        """`lent`: the engine is somebody else's, who goes on with it."""
        self.engine = naming.apply(engine)
        self.name = naming.label(name)
        self.naming = naming
        self._lent = lent

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that no other write is between: on disk when this is left, taken back on any error."""
        with self._speaking(), self._turn() as (connection, _):
            yield connection

    @contextmanager
    def deciding(self) -> Iterator[tuple[Connection, Moment]]:
        """As `writing`, with what state the facts are in until this writes."""
        with self._speaking(), self._turn() as (connection, moment):
            yield connection, moment()

    @contextmanager
    def upgrading(self) -> Iterator[Connection]:
        """A transaction that changes the schema, or makes it: one at a time."""
        with self._speaking(), self._upgrade() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees a single moment and writes nothing."""
        with self._speaking(), self._look() as connection:
            yield connection

    @abstractmethod
    def glance(self, statement: Prepared, parameters: Parameters | None = None) -> Any:
        """The one value that a statement finds, as of a single moment."""

    @abstractmethod
    def now(self) -> float:
        """Seconds since 1970, by the clock that all processes on this ledger share."""

    def close(self) -> None:
        """Close the connections, unless they are somebody else's."""
        if not self._lent:
            self.engine.dispose()

    def _speaking(self) -> AbstractContextManager[None]:
        return speaking(self.name, self.engine.dialect.loaded_dbapi.Error)

    @abstractmethod
    def _turn(self) -> AbstractContextManager[tuple[Connection, Callable[[], Moment]]]: ...

    @abstractmethod
    def _upgrade(self) -> AbstractContextManager[Connection]: ...

    @abstractmethod
    def _look(self) -> AbstractContextManager[Connection]: ...

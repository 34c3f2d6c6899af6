"""What all that a ledger does rests on: one database, whose clock, and who is at work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

from sqlalchemy import Connection, Engine

from allocator.ledger import actor as actors
from allocator.ledger import expiring, history
from allocator.ledger.history import Line
from allocator.ledger.naming import Naming
from allocator.ledger.opening import Opened, open_store
from allocator.ledger.tables import PREFIX


class Base:
    """An open ledger, of which the modules beside this one say what can be done with it."""

    def __init__(
        self,
        opened: Opened,
        clock: Callable[[], float] | None = None,
        actor: str | None = None,
        hold_seconds: int | None = expiring.HOLD_SECONDS,
    ) -> None:
        self._store, self.origin = opened
        self._clock = clock or self._store.now
        self._named = actor
        self._hold_seconds = hold_seconds
        self._swept = 0.0
        self._id = ""

    @classmethod
    def open(
        cls,
        url: str,
        *,
        engine: Engine | None = None,
        prefix: str = PREFIX,
        schema: str | None = None,
        make: bool = True,
        actor: str | None = None,
        hold_seconds: int | None = expiring.HOLD_SECONDS,
        clock: Callable[[], float] | None = None,
    ) -> Self:
        """Open a ledger: `sqlite:///path` or `postgresql://user@host/database`; `origin` says how it came to be.

        With `engine` it lives in the database of the program that embeds it, beside other tables, and `url` only
        names it in messages. `prefix` begins the names of its tables, which lie in `schema` (of PostgreSQL, made where
        it is missing); a URL can say both: `?prefix=zone1_&schema=storage`. With `make` it is made where there is
        none, a SQLite file with mode 0600, complete or not at all, and an older one is upgraded.
        The history tells that `actor` did what is done through this object; None: `user@host/process`.
        What is reserved through it and not begun to be carried out within `hold_seconds` is let go (None: never).
        `clock` gives seconds since 1970 (None: that of this machine for a file, that of the server for a server).
        Raises LedgerError (NoLedger, OlderSchema without `make`), and has then changed nothing.
        """
        named = None if actor is None else actors.checked(actor)
        return cls(open_store(url, engine, Naming(prefix, schema), make=make), clock, named, hold_seconds)

    @property
    def name(self) -> str:
        """Its path, or its URL without the password."""
        return self._store.name

    @property
    def actor(self) -> str:
        """Who the history says it was."""
        return self._named or actors.this_process()

    def close(self) -> None:
        """Let go of the database; nothing is lost without it."""
        self._store.close()

    def _now(self) -> int:
        return int(self._clock())

    def _tell(self, connection: Connection, *lines: Line) -> None:
        history.tell(connection, self._now(), self.actor, lines)

"""The counter of the facts that decisions rest on: what is held where, and what devices showed."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, select, update

from allocator.ledger.records import Moment
from allocator.ledger.tables import meta

# Statements are built once: building one costs more than running it.
_LEDGER: Final = select(meta.c.ledger)
CHANGES: Final = select(meta.c.changes)
_MOMENT: Final = select(meta.c.changes, meta.c.changes - meta.c.logged)
_COUNT: Final = update(meta).values(changes=meta.c.changes + 1, logged=meta.c.logged + 1)
_COUNT_UNLOGGED: Final = update(meta).values(changes=meta.c.changes + 1)


def ledger_id(connection: Connection) -> str:
    """The random identity of this ledger: volume ids are derived from it."""
    return str(connection.execute(_LEDGER).scalar_one())


def changes(connection: Connection) -> int:
    return int(connection.execute(CHANGES).scalar_one())


def moment(connection: Connection) -> Moment:
    return Moment(*connection.execute(_MOMENT).one())


def count_change(connection: Connection) -> int:
    """Count a change, and return its number: volumes that it writes and takes away are marked with that."""
    connection.execute(_COUNT)
    return changes(connection)


def count_unlogged_change(connection: Connection) -> None:
    """Count a change of something else than volumes: all facts must be read again after it."""
    connection.execute(_COUNT_UNLOGGED)

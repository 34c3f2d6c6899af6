"""The counter of the facts that decisions rest on: what is held where, and what devices showed."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, bindparam, select, update

from allocator.ledger.errors import StaleDecision
from allocator.ledger.records import Moment
from allocator.ledger.tables import meta

# Statements are built once: building one costs more than running it.
_LEDGER: Final = select(meta.c.ledger)
CHANGES: Final = select(meta.c.changes)
_MOMENT: Final = select(meta.c.changes, meta.c.changes - meta.c.logged)
_COUNT: Final = update(meta).values(changes=meta.c.changes + 1, logged=meta.c.logged + 1)
_COUNT_UNLOGGED: Final = update(meta).values(changes=meta.c.changes + 1)
_COUNT_IF: Final = _COUNT.where(meta.c.changes == bindparam("seen"))


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


def take_decision(connection: Connection, seen: int) -> int:
    """Count a change, if none has been counted since `seen`, and return its number.

    The counter stays locked until the commit. Raises StaleDecision where the facts have changed.
    """
    if connection.execute(_COUNT_IF, {"seen": seen}).rowcount != 1:
        raise StaleDecision(
            f"The decision rests on state {seen} of the ledger, which is at {changes(connection)} now. "
            "Maybe decide again on fresh facts."
        )
    return seen + 1

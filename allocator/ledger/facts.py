"""The counter of the facts that decisions rest on: what is held where, and what devices showed."""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from allocator.ledger.errors import StaleDecision
from allocator.ledger.tables import meta


def ledger_id(connection: Connection) -> str:
    """The random identity of this ledger: volume ids are derived from it."""
    return str(connection.execute(select(meta.c.ledger)).scalar_one())


def changes(connection: Connection) -> int:
    return int(connection.execute(select(meta.c.changes)).scalar_one())


def count_change(connection: Connection) -> None:
    connection.execute(update(meta).values(changes=meta.c.changes + 1))


def take_decision(connection: Connection, seen: int) -> None:
    """Count a change, if none has been counted since `seen`; the row stays locked until the commit.

    Raises StaleDecision otherwise.
    """
    changed = connection.execute(update(meta).where(meta.c.changes == seen).values(changes=meta.c.changes + 1))
    if changed.rowcount != 1:
        raise StaleDecision(
            f"The decision rests on state {seen} of the ledger, which is at {changes(connection)} now. "
            "Maybe decide again on fresh facts."
        )

"""The counter of the facts that decisions rest on: what is held where, and what devices showed."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, select, update

from allocator.ledger.prepared import Prepared
from allocator.ledger.records import Moment
from allocator.ledger.tables import meta

# Statements are built once: building one costs more than running it.
_LEDGER: Final = select(meta.c.ledger)
CHANGES: Final = Prepared(select(meta.c.changes))
_MOMENT: Final = Prepared(select(meta.c.changes, meta.c.changes - meta.c.logged))
_COUNT: Final = Prepared(update(meta).values(changes=meta.c.changes + 1, logged=meta.c.logged + 1))
_COUNT_UNLOGGED: Final = update(meta).values(changes=meta.c.changes + 1)


def ledger_id(connection: Connection) -> str:
    """The random identity of this ledger: volume ids are derived from it."""
    return str(connection.execute(_LEDGER).scalar_one())


def changes(connection: Connection) -> int:
    return int(CHANGES.rows(connection)[0][0])


def moment(connection: Connection) -> Moment:
    return Moment(*_MOMENT.rows(connection)[0])


def count_change(connection: Connection) -> int:
    """Count a change, and return its number: volumes that it writes and takes away are marked with that."""
    count_change_after(connection)
    return changes(connection)


def count_change_after(connection: Connection) -> None:
    """Count a change, where the number of the last one is known."""
    _COUNT.run(connection)


def count_unlogged_change(connection: Connection) -> None:
    """Count a change of something else than volumes: all facts must be read again after it."""
    connection.execute(_COUNT_UNLOGGED)

"""What changed since a moment, so that whoever has read the facts once need not read them all again."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, bindparam, delete, insert, select

from allocator.ledger.facts import count_change, moment
from allocator.ledger.observations import foreign_documents, observations
from allocator.ledger.records import Delta, Facts, Moment
from allocator.ledger.tables import access, attachment, removed, volume

KEPT: Final = 100_000
"""Of how many changes it is kept what they took away: about 10 MB, a day of more than one removal a second."""

_ALL: Final = select(volume.c.document).order_by(volume.c.name)
_WRITTEN: Final = (
    select(volume.c.document)
    .where(volume.c.changed > bindparam("seen"))
    .order_by(volume.c.changed, volume.c.name)
    .limit(bindparam("most"))
)
_REMOVED: Final = select(removed.c.name).where(removed.c.changed > bindparam("seen")).limit(bindparam("most"))
_FORGET: Final = (
    delete(access).where(access.c.volume == bindparam("gone")),
    delete(attachment).where(attachment.c.volume == bindparam("gone")),
    delete(volume).where(volume.c.name == bindparam("gone")),
)
_NOTE: Final = insert(removed)
_OLD: Final = delete(removed).where(removed.c.changed <= bindparam("last"))


def facts(connection: Connection) -> Facts:
    """All facts of one moment."""
    documents = [*connection.execute(_ALL).scalars(), *foreign_documents(connection)]
    return Facts(moment(connection), tuple(documents), observations(connection))


def since(connection: Connection, now: Moment, seen: Moment, most: int) -> Delta | None:
    """What changed from a moment to that of this transaction; None where all must be read again.

    That is so where devices showed something new, where more than `most` volumes came or went, and where what went
    is no longer known.
    """
    if now.unlogged != seen.unlogged or not 0 <= now.changes - seen.changes <= KEPT:
        return None
    bounds = {"seen": seen.changes, "most": most + 1}
    documents = tuple(connection.execute(_WRITTEN, bounds).scalars())
    names = tuple(connection.execute(_REMOVED, bounds).scalars())
    return Delta(now, documents, names) if len(documents) + len(names) <= most else None


def remove(connection: Connection, name: str) -> None:
    """Forget a volume, with whatever access and attachments are still recorded, and count the change."""
    number = count_change(connection)
    for statement in _FORGET:
        connection.execute(statement, {"gone": name})
    connection.execute(_NOTE, {"changed": number, "name": name})
    connection.execute(_OLD, {"last": number - KEPT})

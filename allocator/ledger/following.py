"""What changed since a moment, so that whoever has read the facts once need not read them all again."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, Integer, bindparam, delete, insert, select

from allocator.ledger.facts import count_change, moment
from allocator.ledger.observations import foreign_documents, observations
from allocator.ledger.prepared import Prepared, together
from allocator.ledger.records import Delta, Facts, Moment
from allocator.ledger.tables import access, attachment, copy, removed, volume
from allocator.ledger.texts import document_of

KEPT: Final = 100_000
"""Of how many changes it is kept what they took away: about 10 MB, a day of more than one removal a second."""

_ALL: Final = select(volume.c.document).order_by(volume.c.name)
_WRITTEN: Final = Prepared(
    select(volume.c.document)
    .where(volume.c.changed > bindparam("seen"))
    .order_by(volume.c.changed, volume.c.name)
    .limit(bindparam("most", type_=Integer))
)
_REMOVED: Final = Prepared(
    select(removed.c.name).where(removed.c.changed > bindparam("seen")).limit(bindparam("most", type_=Integer))
)
_FORGET: Final = (
    Prepared(delete(access).where(access.c.volume == bindparam("name"))),
    Prepared(delete(attachment).where(attachment.c.volume == bindparam("name"))),
    Prepared(delete(copy).where(copy.c.volume == bindparam("name"))),
    Prepared(delete(volume).where(volume.c.name == bindparam("name"))),
    Prepared(insert(removed).values(changed=bindparam("changed"), name=bindparam("name"))),
)
_OLD: Final = Prepared(delete(removed).where(removed.c.changed <= bindparam("last")))


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
    documents = tuple(document_of(row[0]) for row in _WRITTEN.rows(connection, bounds))
    names = tuple(row[0] for row in _REMOVED.rows(connection, bounds))
    return Delta(now, documents, names) if len(documents) + len(names) <= most else None


def remove(connection: Connection, *names: str) -> None:
    """Forget volumes, with whatever access and attachments are still recorded, and count that as one change."""
    number = count_change(connection)
    with together(connection):
        for statement in _FORGET:
            statement.each(connection, [{"changed": number, "name": name} for name in names])
        _OLD.run(connection, {"last": number - KEPT})

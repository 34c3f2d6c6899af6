"""The append-only history: who did what to which thing, when, by which plan and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, bindparam, insert, select

from allocator.ledger.prepared import Prepared
from allocator.ledger.records import Document, Event
from allocator.ledger.tables import event

_TELL: Final = Prepared(
    insert(event).values({name: bindparam(name) for name in set(event.columns.keys()) - {"seq"}}).inline()
)


@dataclass(frozen=True, slots=True)
class Line:
    """What there is to tell of one thing: `subject` is the name of a volume or a pool, or the id of a plan.

    `text` is for people, `details` for programs. Never put a secret in either.
    """

    kind: str
    subject: str
    text: str
    plan: str | None = None
    """The plan by which it was done."""
    details: Document | None = None


def tell(connection: Connection, at: int, actor: str, lines: Iterable[Line]) -> None:
    """Append lines in the transaction that is open: they are on record exactly if what they tell of is."""
    rows = [
        {
            "at": at,
            "actor": actor,
            "kind": line.kind,
            "subject": line.subject,
            "text": line.text,
            "plan": line.plan,
            "details": line.details,
        }
        for line in lines
    ]
    if rows:
        _TELL.each(connection, rows)


def told(connection: Connection, subject: str | None, last: int) -> list[Event]:
    """The newest `last` lines, oldest first; of one subject, or of all."""
    statement = select(event).order_by(event.c.seq.desc()).limit(last)
    if subject is not None:
        statement = statement.where(event.c.subject == subject)
    return [Event(*row) for row in reversed(connection.execute(statement).all())]

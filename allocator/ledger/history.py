"""The append-only history: who did what to which thing, and when."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection, insert, select

from allocator.ledger.records import Event
from allocator.ledger.tables import event

_TELL: Final = insert(event)


def tell(connection: Connection, at: int, actor: str, lines: Iterable[tuple[str, str, str]]) -> None:
    """Append lines of (kind, subject, text)."""
    rows = [{"at": at, "actor": actor, "kind": kind, "subject": subject, "text": text} for kind, subject, text in lines]
    if rows:
        connection.execute(_TELL, rows)


def told(connection: Connection, subject: str | None, last: int) -> list[Event]:
    """The newest `last` lines, oldest first; of one subject, or of all."""
    statement = select(event).order_by(event.c.seq.desc()).limit(last)
    if subject is not None:
        statement = statement.where(event.c.subject == subject)
    return [Event(*row) for row in reversed(connection.execute(statement).all())]

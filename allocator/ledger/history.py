"""The append-only history: who did what to which thing, when, by which plan and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, bindparam, insert, select

from allocator.domain.grounds import Grounds
from allocator.domain.plan import Plan, Step
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
    details: Document | str | None = None
    """A JSON object, or its text."""


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


def lines_of(plan: Plan, grounds: Grounds | None, state: int) -> Iterator[Line]:
    """What there is to tell of a plan that is reserved on a state of the facts: what it means for each volume as well.

    A volume that it makes is `placed`; for others it says what is to be done with it.
    """
    noted: Mapping[str, str] = {} if grounds is None else grounds.volumes
    whole = None if grounds is None else grounds.decision
    count = f"{len(plan.volumes):,} volume{'' if len(plan.volumes) == 1 else 's'}"
    yield Line("reserved", plan.id, f"{count} on state {state}", plan.id, whole)
    of_volumes: dict[str, list[Step]] = {}
    for step in plan.steps:
        of_volumes.setdefault(step.volume, []).append(step)
    for name, steps in of_volumes.items():
        if steps[0].kind == "reserve":
            hosts = dict.fromkeys(step.host for step in steps if step.host is not None)
            text = " ".join([f"on {steps[0].pool}", *(f"for {host}" for host in hosts)])
            yield Line("placed", name, text, plan.id, noted.get(name))
        else:
            moved = next((step for step in steps if step.kind == "switch"), None)
            text = ", ".join(f"{step.kind} {step.host or step.pool}" for step in steps)
            if moved is not None:
                text = f"move from {steps[-1].pool} to {moved.pool}, copied by {moved.host}"
            yield Line("planned", name, text, plan.id, noted.get(name))


def switched(connection: Connection, since: int) -> list[str]:
    """The names of volumes that went to another pool after that (in seconds since 1970)."""
    statement = select(event.c.subject).where((event.c.at > since) & (event.c.kind == "switch done"))
    return list(connection.execute(statement.distinct().order_by(event.c.subject)).scalars())


def told(connection: Connection, subject: str | None, last: int | None) -> list[Event]:
    """The newest `last` lines (None: all of them), oldest first; of one subject, or of all."""
    statement = select(event).order_by(event.c.seq.desc()).limit(last)
    if subject is not None:
        statement = statement.where(event.c.subject == subject)
    return [Event(*row) for row in reversed(connection.execute(statement).all())]

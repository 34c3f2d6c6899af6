"""What the journal makes of volumes: made, granted, attached, taken away, and let go of by their plan."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select, update

from allocator.domain.plan import INVERSE, StepKind
from allocator.ledger.copies import applied_to_copy, forget_copy, moved
from allocator.ledger.errors import NotHeld
from allocator.ledger.facts import count_change
from allocator.ledger.following import remove
from allocator.ledger.plans import target_of
from allocator.ledger.records import Mark, Result, Settled
from allocator.ledger.tables import access, attachment, volume


def apply(connection: Connection, mark: Mark, *, moving: bool) -> None:
    """What a mark makes of its volume, or of the other one of a volume on the move."""
    name, result = mark.step.volume, mark.result or {}
    kind = INVERSE[mark.step.kind] if mark.state in ("undone", "pending") else mark.step.kind
    if moving and applied_to_copy(connection, mark, kind, result):
        return
    if mark.state == "intent" and kind in ("create", "delete"):
        _change(connection, name, state="creating" if kind == "create" else "deleting")
    if mark.state not in ("done", "undone", "pending"):
        return
    if kind == "create":
        _change(connection, name, state="available", native_id=result["native_id"])
    elif kind == "delete":
        _change(connection, name, state="reserved" if mark.state == "pending" else "deleting", native_id=None)
    elif kind == "release":
        remove(connection, name)
    elif kind != "withdraw":
        _connect(connection, kind, {"volume": name, "host": mark.step.host}, result)


def _connect(connection: Connection, kind: StepKind, here: dict[str, str | None], result: Result) -> None:
    """Access and attachments: one row per volume and host; none where nobody attached."""
    table = access if kind in ("grant", "regrant", "revoke") else attachment
    connection.execute(delete(table).filter_by(**here))
    if kind not in ("revoke", "detach") and result:
        connection.execute(insert(table).values(**here, **result))


def settle(connection: Connection, plan_id: str, settled: Settled) -> None:
    """Let a plan go of a volume, whose document is from now on what was planned, or again what it was before."""
    here = (volume.c.name == settled.volume) & (volume.c.plan == plan_id)
    row = connection.execute(select(volume.c.document, volume.c.earlier).where(here)).one_or_none()
    if row is None:
        return
    document = row.document
    if settled.outcome == "done":
        document = dict(moved(settled.document))
    elif settled.outcome == "rolled_back" and row.earlier is not None:
        document = row.earlier
    if target_of(row.document) is not None and settled.outcome != "failed":
        forget_copy(connection, settled.volume)
    values = {"plan": None, "earlier": None, "document": document}
    if document != row.document:
        values["changed"] = count_change(connection)
    connection.execute(update(volume).where(here).values(values))


def _change(connection: Connection, name: str, **values: object) -> None:
    if connection.execute(update(volume).where(volume.c.name == name).values(**values)).rowcount != 1:
        raise NotHeld(f"Volume {name} is not in the ledger any more. Maybe it was released.")

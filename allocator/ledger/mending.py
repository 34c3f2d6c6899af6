"""What the ledger is told when it is held against devices: what went, what nobody remembers, whose plan is over."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select, update

from allocator.ledger.errors import AlreadyHeld
from allocator.ledger.facts import count_change
from allocator.ledger.records import Document, Origin
from allocator.ledger.reservation import volume_id
from allocator.ledger.tables import plan, step, volume

OVER: Final = frozenset({"done", "failed", "rolled_back"})
"""States that no plan leaves: a further run makes volumes with other ids."""


def origins(connection: Connection, ledger: str, ids: Collection[str]) -> dict[str, Origin]:
    """Which of these ids this ledger gave, and for what; an id that is not in the answer is somebody else's.

    Reads every plan, so it is for the few that no volume explains.
    """
    found: dict[str, Origin] = {}
    if not ids:
        return found
    for row in connection.execute(select(plan.c.id, plan.c.run, plan.c.state, plan.c.document)):
        documents: Any = row.document["volumes"]
        for document in documents:
            name, pool = str(document["name"]), str(document["pool"])
            for run in range(1, row.run + 1):
                given = volume_id(ledger, row.id, run, name)
                if given in ids:
                    over = run < row.run or row.state in OVER
                    found[given] = Origin(name, pool, row.id, over, _was_begun(connection, row.id, run, name))
    return found


def _was_begun(connection: Connection, plan_id: str, run: int, name: str) -> bool:
    """Whether a volume's making is on record: its intent always is before it is tried."""
    here = (step.c.plan == plan_id) & (step.c.run == run) & (step.c.volume == name) & (step.c.kind == "create")
    return connection.execute(select(step.c.state).where(here & (step.c.state != "pending"))).first() is not None


def plans_over(connection: Connection, ids: Iterable[str]) -> set[str]:
    """Those of the plans that nobody can go on with: over, or not on record."""
    wanted = set(ids)
    states = {row.id: row.state for row in connection.execute(select(plan.c.id, plan.c.state))} if wanted else {}
    return {one for one in wanted if states.get(one, "done") in OVER}


def condemn(connection: Connection, name: str, identity: str, pool: str, document: Document) -> None:
    """Hold what is to be deleted: an orphan under a name of its own, or what a plan that is over left half-made.

    Raises AlreadyHeld where it is a volume in use, or a plan could still go on with it.
    """
    row = _row(connection, name)
    if row is None:
        held = connection.execute(select(volume.c.name).where(volume.c.volume_id == identity)).scalar()
        if held is not None:
            raise AlreadyHeld(f"{identity} is volume {held} by now. Maybe reconcile again.")
        values = {"name": name, "volume_id": identity, "pool": pool, "state": "deleting", "document": document}
        connection.execute(insert(volume).values(**values, changed=count_change(connection)))
        return
    if row.volume_id != identity or row.state == "available" or not _let_go(connection, row):
        raise AlreadyHeld(f"Volume {name} is in use by now. Maybe reconcile again.")
    connection.execute(update(volume).where(volume.c.name == name).values(state="deleting", plan=None, earlier=None))


def let_go(connection: Connection, name: str) -> bool:
    """Free a volume from a plan that is over; False where that plan may still go on."""
    row = _row(connection, name)
    if row is None or not _let_go(connection, row):
        return False
    connection.execute(update(volume).where(volume.c.name == name).values(plan=None, earlier=None))
    return True


def mark_gone(connection: Connection, ids: Mapping[str, str], at: int | None) -> list[str]:
    """Mark volumes by name and id as gone since `at`, or with None as back; the names for which that was news."""
    marked = []
    for name, identity in ids.items():
        here = (volume.c.name == name) & (volume.c.volume_id == identity) & (volume.c.state == "available")
        new = volume.c.gone_at.is_(None) if at is not None else volume.c.gone_at.is_not(None)
        if connection.execute(update(volume).where(here & new).values(gone_at=at)).rowcount:
            marked.append(name)
    return marked


def _row(connection: Connection, name: str) -> Row[Any] | None:
    return connection.execute(select(volume).where(volume.c.name == name)).one_or_none()


def _let_go(connection: Connection, row: Row[Any]) -> bool:
    return row.plan is None or row.plan in plans_over(connection, [row.plan])

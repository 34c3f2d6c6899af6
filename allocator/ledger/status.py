"""How plans stand: who runs them, how far each step is, and what they wait for."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Connection, Row, Select, bindparam, func, select

from allocator.ledger.journal import UNFINISHED, records_of
from allocator.ledger.plans import written_plan
from allocator.ledger.records import PlanState, PlanStatus
from allocator.ledger.tables import event, plan

_UNFINISHED: Final[Select[Any]] = select(plan).where(plan.c.state.in_(UNFINISHED)).order_by(plan.c.id)
_ONE: Final[Select[Any]] = select(plan).where(plan.c.id == bindparam("one"))
_RESERVED: Final = select(func.max(event.c.at)).where(
    (event.c.subject == bindparam("one")) & (event.c.kind == "reserved")
)


def unfinished(connection: Connection, now: float) -> list[PlanStatus]:
    """The plans that are not over, by id."""
    return [_status(connection, row, now) for row in connection.execute(_UNFINISHED).all()]


def status_of(connection: Connection, plan_id: str, now: float) -> PlanStatus | None:
    """One plan, over or not; None where there is none."""
    row = connection.execute(_ONE, {"one": plan_id}).one_or_none()
    return None if row is None else _status(connection, row, now)


def _status(connection: Connection, row: Row[Any], now: float) -> PlanStatus:
    reserved = connection.execute(_RESERVED, {"one": row.id}).scalar_one()
    decided = written_plan(row.id, row.document)
    state: PlanState = "stuck" if row.state == "running" and row.reason is not None else row.state
    return PlanStatus(
        plan=decided,
        content=decided if row.revised is None else written_plan(row.id, row.revised),
        state=state,
        age_seconds=None if reserved is None else max(0, int(now) - reserved),
        owner=row.owner,
        lease_seconds=max(0, row.lease_until - int(now)),
        reason=row.reason,
        steps=records_of(connection, decided, row.run, now),
    )

"""The journal of a running plan: who may write it, and how far each step is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, bindparam, delete, insert, select, update

from allocator.domain.plan import Plan, Step
from allocator.ledger.effects import apply, settle
from allocator.ledger.elsewhere import AT_ONCE, add_full, still_full
from allocator.ledger.errors import LostLease, PlanBusy, UnknownPlan
from allocator.ledger.history import Line, tell
from allocator.ledger.observations import observations
from allocator.ledger.plans import check_plan, target_of, written_plan
from allocator.ledger.records import (
    Claim,
    Delayed,
    Entry,
    Mark,
    PlanState,
    StepRecord,
    StepState,
    Waiting,
)
from allocator.ledger.tables import plan, step, volume
from allocator.ledger.volumes import volumes_of

UNFINISHED = ("planned", "running")

_STANDING: Final[Select[Any]] = select(
    plan.c.id, plan.c.run, plan.c.state, plan.c.owner, plan.c.fence, plan.c.lease_until, plan.c.revised
).where(plan.c.id == bindparam("one"))
_WRITTEN: Final[Select[Any]] = select(plan.c.written).where(
    (plan.c.id == bindparam("one")) & (plan.c.fence == bindparam("by"))
)


def claim(
    connection: Connection,
    wanted: Plan,
    owner: str,
    now: float,
    lease_seconds: int,
    alive: Callable[[str], bool],
    *,
    afresh: bool = False,
) -> Claim:
    """Take the right to run a plan: from nobody, from one whose lease is over or who is known to be gone.

    An owner may claim twice, where the answer was lost. With `afresh` what failed counts as not tried yet, and what was
    undone as not done; what was released stays so.

    Raises UnknownPlan, PlanBusy.
    """
    check_plan(wanted)
    row = connection.execute(_STANDING, {"one": wanted.id}).one_or_none()
    if row is None:
        raise UnknownPlan(
            f"Plan {wanted.id} is not in the ledger. Maybe it was made without one: decide again with it."
        )
    fence = row.fence
    if row.state in UNFINISHED:
        if row.owner != owner:
            _check_idle(row, int(now), alive)
        fence += 1
        taken = connection.execute(
            update(plan)
            .where((plan.c.id == wanted.id) & (plan.c.fence == row.fence))
            .values(
                state="running", reason=None, owner=owner, fence=fence, lease_until=int(now) + lease_seconds, written=0
            )
        )
        if taken.rowcount != 1:
            raise PlanBusy(f"Plan {wanted.id} was taken by another process at this moment. Maybe wait for it.")
    if row.state == "planned":
        _begin(connection, wanted, row.run)
    if afresh and row.state in UNFINISHED:
        _forget_failures(connection, wanted.id, row.run)
    state: PlanState = "running" if row.state in UNFINISHED else row.state
    records = records_of(connection, wanted, row.run, now)
    content = wanted if row.revised is None else written_plan(wanted.id, row.revised)
    return Claim(wanted.id, row.run, fence, owner, lease_seconds, state, records, content)


def record(
    connection: Connection, held: Claim, entries: Iterable[Entry], now: float, actor: str, number: int | None
) -> None:
    """Write entries and renew the lease, all or nothing; `actor` is who did it.

    What is the `number`-th of the claim, counted from 1, is written once, however often it comes. Raises LostLease,
    NotHeld.
    """
    if number is not None and connection.execute(_WRITTEN, {"one": held.plan, "by": held.fence}).scalar() == number:
        return
    values: dict[str, object] = {} if number is None else {"written": number}
    guard(connection, held, lease_until=int(now) + held.lease_seconds, **values)
    lines = []
    moving = target_of(held.content.volumes[0]) is not None
    for entry in entries:
        for mark in entry.marks:
            _mark(connection, held, mark)
            apply(connection, mark, moving=moving)
            if mark.state != "intent":
                word = mark.state if mark.error is None else "failed"
                text = mark.error or mark.step.host or mark.step.pool
                lines.append(Line(f"{mark.step.kind} {word}", mark.step.volume, text, held.plan))
        if entry.delayed is not None:
            delayed, why = entry.delayed.step, entry.delayed.waiting
            _delay(connection, held, entry.delayed, now)
            lines.append(Line(f"{delayed.kind} retried", delayed.volume, f"{why.text} ({why.code})", held.plan))
        if entry.full is not None:
            add_full(connection, held, entry.full.number, entry.full.pool, int(now))
            text = f"{entry.full.pool} has no space for it"
            lines.append(Line("no space", entry.full.volume, text, held.plan))
        if entry.settled is not None:
            settle(connection, held.plan, entry.settled)
    tell(connection, int(now), actor, lines)


def finish(connection: Connection, held: Claim, state: PlanState, reason: str | None) -> None:
    """Give the right back: of a plan that is `running` or `stuck` somebody can take it, any other is over."""
    written = "running" if state == "stuck" else state
    row = connection.execute(_STANDING, {"one": held.plan}).one()
    if (row.fence, row.state, row.owner) != (held.fence, written, None):
        guard(connection, held, state=written, reason=reason, owner=None, lease_until=0)


def _begin(connection: Connection, wanted: Plan, run: int) -> None:
    """Write the steps of a run that nobody has begun: they are not, since a reservation has no need of them."""
    connection.execute(delete(step).where((step.c.plan == wanted.id) & (step.c.run == run)))
    rows = [
        {
            "plan": wanted.id,
            "run": run,
            "number": one.number,
            "kind": one.kind,
            "volume": one.volume,
            "host": one.host,
            "state": state,
            "attempts": 0,
        }
        for one, state in _first_states(connection, wanted)
    ]
    connection.execute(insert(step), rows)


def _forget_failures(connection: Connection, plan_id: str, run: int) -> None:
    """A step that failed may have had its effect: it counts as begun. What the plan has let go of is over."""
    held = select(volume.c.name).where(volume.c.plan == plan_id)
    here = (step.c.plan == plan_id) & (step.c.run == run) & (step.c.kind != "reserve") & step.c.volume.in_(held)
    nothing = {"code": None, "error": None, "full": None, **AT_ONCE}
    for before, after in (("failed", "intent"), ("undone", "pending")):
        connection.execute(update(step).where(here & (step.c.state == before)).values(state=after))
    connection.execute(update(step).where(here).values(nothing))


def _first_states(connection: Connection, wanted: Plan) -> Iterator[tuple[Step, StepState]]:
    """Steps as the reservation left them, or a release after it."""
    names = sorted({one.volume for one in wanted.steps if one.kind == "reserve"})
    held = volumes_of(connection, wanted.id, names)
    for one in wanted.steps:
        if one.kind == "reserve":
            yield one, "done" if one.volume in held else "undone"
        else:
            yield one, "pending"


def records_of(connection: Connection, wanted: Plan, run: int, now: float) -> dict[int, StepRecord]:
    """How far the steps are; of a run that ended before anybody began it, none has been done."""
    here = (step.c.plan == wanted.id) & (step.c.run == run)
    seen = {pool: shown.at for pool, shown in observations(connection).items()}
    records = {
        found.number: StepRecord(
            found.state, found.result, found.code, found.error, _waiting(found, now), still_full(found.full, seen)
        )
        for found in connection.execute(select(step).where(here))
    }
    return records or {one.number: StepRecord(state) for one, state in _first_states(connection, wanted)}


def _waiting(row: Row[Any], now: float) -> Waiting | None:
    if row.next_attempt_ms is None:
        return None
    return Waiting(row.attempts, max(0, row.next_attempt_ms - int(now * 1000)), row.waiting_code, row.waiting_text)


def _check_idle(row: Row[Any], now: int, alive: Callable[[str], bool]) -> None:
    if row.owner is not None and row.lease_until > now and alive(row.owner):
        raise PlanBusy(
            f"Plan {row.id} is being run by {row.owner}, whose lease lasts {row.lease_until - now} s more. "
            "Maybe wait for it."
        )


def guard(connection: Connection, held: Claim, **values: object) -> None:
    """Change the plan's row, if it is still the holder of the claim who asks. Raises LostLease."""
    mine = (plan.c.id == held.plan) & (plan.c.fence == held.fence) & (plan.c.state == "running")
    if connection.execute(update(plan).where(mine).values(**values)).rowcount != 1:
        raise LostLease(f"Plan {held.plan} was taken over by another process. Maybe look at its progress there.")


def _mark(connection: Connection, held: Claim, mark: Mark) -> None:
    here = (step.c.plan == held.plan) & (step.c.run == held.run) & (step.c.number == mark.step.number)
    values: dict[str, object] = {"state": mark.state}
    if mark.state != "intent":
        values |= AT_ONCE
    if mark.result is not None:
        values["result"] = dict(mark.result)
    if mark.error is not None:
        values |= {"code": mark.code, "error": mark.error}
    connection.execute(update(step).where(here).values(values))


def _delay(connection: Connection, held: Claim, delayed: Delayed, now: float) -> None:
    here = (step.c.plan == held.plan) & (step.c.run == held.run) & (step.c.number == delayed.step.number)
    why = delayed.waiting
    values = {
        "attempts": why.attempts,
        "next_attempt_ms": int(now * 1000) + why.wait_ms,
        "waiting_code": why.code,
        "waiting_text": why.text,
    }
    connection.execute(update(step).where(here).values(values))

"""A running plan's volumes are to lie elsewhere: what they held is given up and what they get is taken at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from sqlalchemy import Connection, bindparam, select, update

from allocator.domain.plan import Plan
from allocator.ledger.errors import NotHeld, StaleDecision
from allocator.ledger.facts import changes, count_change
from allocator.ledger.plans import check_plan
from allocator.ledger.records import Claim, Document
from allocator.ledger.tables import plan as plans
from allocator.ledger.tables import step, volume

AT_ONCE: Final[Mapping[str, object]] = {
    "attempts": 0,
    "next_attempt_ms": None,
    "waiting_code": None,
    "waiting_text": None,
}
"""A step that waits for nothing."""
_FULL: Final = select(step.c.full).where(
    (step.c.plan == bindparam("one")) & (step.c.run == bindparam("time")) & (step.c.number == bindparam("which"))
)
_CONTENT: Final = select(plans.c.revised).where(plans.c.id == bindparam("one"))


def add_full(connection: Connection, held: Claim, number: int, pool: str, now: int) -> None:
    """Note that a pool had no space for a volume, and that nothing is there; `number` is that of its `create`."""
    known: Any = connection.execute(_FULL, {"one": held.plan, "time": held.run, "which": number}).scalar_one()
    values = {"state": "pending", "full": {**(known or {}), pool: now}, **AT_ONCE}
    connection.execute(update(step).where(_of(held) & (step.c.number == number)).values(values))


def still_full(full: Mapping[str, int] | None, seen: Mapping[str, int]) -> frozenset[str]:
    """Of the pools that had no space, those whose device has not been looked at since; `seen` is when each was."""
    return frozenset(pool for pool, since in (full or {}).items() if seen.get(pool, 0) <= since)


def revision(connection: Connection, plan: str) -> Document | None:
    """The plan as it was decided again; None where it is carried out as it was reserved."""
    found: Document | None = connection.execute(_CONTENT, {"one": plan}).scalar_one_or_none()
    return found


def replace_targets(connection: Connection, held: Claim, content: Plan, names: Collection[str], seen: int) -> None:
    """Let these volumes of a plan lie where `content` says, which is all of the plan as it is carried out from now on.

    Nothing of them is made. Raises NotHeld, and StaleDecision where the facts are no longer `seen`.
    """
    now = changes(connection)
    if now != seen:
        raise StaleDecision(f"The ledger is at {now} and not at {seen} any more. Maybe decide again on fresh facts.")
    checked, number = check_plan(content), count_change(connection)
    for name in sorted(names):
        here = (volume.c.name == name) & (volume.c.plan == held.plan) & (volume.c.native_id.is_(None))
        values = {
            "pool": checked.pools[name],
            "document": checked.documents[name],
            "state": "reserved",
            "changed": number,
        }
        if connection.execute(update(volume).where(here).values(values)).rowcount != 1:
            raise NotHeld(f"Volume {name} is not held by plan {held.plan}, or has been made. Maybe cancel the plan.")
    for one in content.steps:
        if one.volume in names and one.kind != "reserve":
            anew = {"state": "pending", "host": one.host, "result": None, "code": None, "error": None, **AT_ONCE}
            connection.execute(update(step).where(_of(held) & (step.c.number == one.number)).values(anew))
    connection.execute(update(plans).where(plans.c.id == held.plan).values(revised=checked.text))


def _of(held: Claim) -> Any:
    return (step.c.plan == held.plan) & (step.c.run == held.run)

"""Plans as they are kept: checked on the way in, and given back whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, bindparam, insert, select, update

from allocator.domain.plan import Plan, Step
from allocator.ledger.errors import UnknownPlan
from allocator.ledger.prepared import Prepared
from allocator.ledger.records import Document
from allocator.ledger.tables import plan as plans

_WRITTEN: Final = ("run", "state", "owner", "lease_until", "document", "revised")
_ROW: Final[dict[str, Any]] = {name: bindparam(name) for name in _WRITTEN}
_INSERT: Final = Prepared(insert(plans).values(id=bindparam("one"), fence=0, **_ROW))
_AGAIN: Final = Prepared(update(plans).where(plans.c.id == bindparam("one")).values(**_ROW))
_UNFINISHED: Final = (
    select(plans.c.id, plans.c.document).where(plans.c.state.in_(("planned", "running"))).order_by(plans.c.id)
)


@dataclass(frozen=True, slots=True)
class CheckedPlan:
    """A plan that says what its id stands for."""

    plan: Plan
    text: str
    """All of it, as JSON."""
    documents: Mapping[str, str]
    """The JSON of each volume that it has steps for, by name and in order of names."""
    pools: Mapping[str, str]
    """Where each of them lies."""


def check_plan(plan: Plan) -> CheckedPlan:
    """Check a plan, and write it as it is kept.

    Raises UnknownPlan if the content is not what the id says, or a step is about no document of the plan,
    or waits for a later step.
    """
    text = plan.text
    if text.id != plan.id:
        raise UnknownPlan(f"Plan {plan.id} does not match its id. Maybe it was edited: decide again instead.")
    documents = {str(document["name"]): number for number, document in enumerate(plan.volumes)}
    pools: dict[str, Any] = {name: plan.volumes[number].get("pool") for name, number in documents.items()}
    targets = {name: target_of(plan.volumes[number]) for name, number in documents.items()}
    used: dict[str, str] = {}
    for step in plan.steps:
        if step.volume not in pools or step.pool not in (pools[step.volume], targets[step.volume]):
            raise UnknownPlan(
                f"Plan {plan.id}: step {step.number} is about {step.volume} on {step.pool}, which has no "
                "document in the plan. Maybe decide again."
            )
        if any(number >= step.number for number in step.after):
            raise UnknownPlan(f"Plan {plan.id}: step {step.number} waits for a later one. Maybe decide again.")
        used[step.volume] = pools[step.volume]
    return CheckedPlan(plan, text.whole, {name: text.volumes[documents[name]] for name in sorted(used)}, used)


def target_of(document: Document) -> str | None:
    """The pool that a volume moves to; None for one that stays."""
    moving = document.get("moving_to")
    return str(moving["pool"]) if isinstance(moving, Mapping) else None


def put_on_record(connection: Connection, wanted: CheckedPlan, run: int, until: int) -> None:
    """Write the plan: a first run, or a further run of a plan that is over.

    It holds what it reserved until `until`, in seconds since 1970 (0: for ever), unless somebody begins to carry it
    out: only then its steps are written.
    """
    statement = _AGAIN if run > 1 else _INSERT
    row = {
        "run": run,
        "state": "planned",
        "owner": None,
        "lease_until": until,
        "document": wanted.text,
        "revised": None,
    }
    statement.run(connection, {"one": wanted.plan.id, **row})


def unfinished(connection: Connection) -> list[Plan]:
    """The plans that are reserved or half run, by id."""
    return [written_plan(row.id, row.document) for row in connection.execute(_UNFINISHED)]


def written_plan(identity: str, document: Document) -> Plan:
    """The plan of a document: the inverse of `PlanText`."""
    listed: Any = document
    steps = tuple(
        Step(number, kind, name, pool, host, tuple(after)) for number, kind, name, pool, host, after in listed["steps"]
    )
    return Plan(identity, steps, tuple(listed["volumes"]))

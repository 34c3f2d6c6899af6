"""Plans as they are kept: checked on the way in, and given back whole."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, insert, select, update

from allocator.domain.plan import Plan, Step, plan_id
from allocator.ledger.errors import UnknownPlan
from allocator.ledger.records import Document
from allocator.ledger.tables import plan as plans
from allocator.ledger.tables import step as steps


def check_plan(plan: Plan) -> dict[str, Document]:
    """The documents of the volumes it has steps for.

    Raises UnknownPlan if the content is not what the id says, or a step is about no document of the plan,
    or waits for a later step.
    """
    if plan_id(plan.steps, plan.volumes) != plan.id:
        raise UnknownPlan(f"Plan {plan.id} does not match its id. Maybe it was edited: decide again instead.")
    documents = {str(document["name"]): document for document in plan.volumes}
    for step in plan.steps:
        if documents.get(step.volume, {}).get("pool") != step.pool:
            raise UnknownPlan(
                f"Plan {plan.id}: step {step.number} is about {step.volume} on {step.pool}, which has no "
                "document in the plan. Maybe decide again."
            )
        if any(number >= step.number for number in step.after):
            raise UnknownPlan(f"Plan {plan.id}: step {step.number} waits for a later one. Maybe decide again.")
    return {name: documents[name] for name in sorted({step.volume for step in plan.steps})}


def put_on_record(connection: Connection, plan: Plan, run: int) -> None:
    """Write the plan and its steps: a first run, or a further run of a plan that is over."""
    row = {"run": run, "state": "planned", "owner": None, "lease_until": 0, "document": _document(plan)}
    if run > 1:
        connection.execute(update(plans).where(plans.c.id == plan.id).values(row))
    else:
        connection.execute(insert(plans).values(id=plan.id, fence=0, **row))
    if plan.steps:
        connection.execute(insert(steps), [_step_row(plan.id, run, step) for step in plan.steps])


def unfinished(connection: Connection) -> list[Plan]:
    """The plans that are reserved or half run, by id."""
    rows = connection.execute(
        select(plans.c.id, plans.c.document).where(plans.c.state.in_(("planned", "running"))).order_by(plans.c.id)
    )
    return [_plan(row.id, row.document) for row in rows]


def _plan(identity: str, document: Document) -> Plan:
    """The inverse of `_document`."""
    listed: Any = document
    steps = tuple(
        Step(number, kind, name, pool, host, tuple(after)) for number, kind, name, pool, host, after in listed["steps"]
    )
    return Plan(identity, steps, tuple(listed["volumes"]))


def _document(plan: Plan) -> Document:
    return {
        "steps": [[step.number, step.kind, step.volume, step.pool, step.host, list(step.after)] for step in plan.steps],
        "volumes": [dict(document) for document in plan.volumes],
    }


def _step_row(plan: str, run: int, step: Step) -> dict[str, object]:
    return {
        "plan": plan,
        "run": run,
        "number": step.number,
        "kind": step.kind,
        "volume": step.volume,
        "host": step.host,
        "state": "done" if step.kind == "reserve" else "pending",
        "attempts": 0,
    }

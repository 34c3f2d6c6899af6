"""Taking what a decision decided: names and room are held from here on, and the plan is on record."""

from __future__ import annotations

import hashlib
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from allocator.domain.plan import Plan
from allocator.ledger.errors import AlreadyHeld, NotHeld, StaleDecision
from allocator.ledger.facts import count_change, ledger_id, take_decision
from allocator.ledger.plans import check_plan, put_on_record
from allocator.ledger.records import Document, StoredVolume
from allocator.ledger.tables import plan as plans
from allocator.ledger.tables import step as steps
from allocator.ledger.tables import volume
from allocator.ledger.volumes import remove, stored_volumes

ADDING = frozenset({"grant", "attach"})
"""Steps for which the volume's new document counts from the reservation on, since more is charged."""


def volume_id(ledger: str, plan: str, run: int, name: str) -> str:
    """`vol-<16 hex digits>`: the same for the same decision, and never again for another."""
    return "vol-" + hashlib.sha256(f"{ledger}/{plan}/{run}/{name}".encode()).hexdigest()[:16]


def reserve(connection: Connection, plan: Plan, seen: int) -> bool:
    """Hold the plan's new volumes, bind those it changes, and record it; False where all that is so already.

    Raises StaleDecision, AlreadyHeld, NotHeld, UnknownPlan.
    """
    documents = check_plan(plan)
    known = connection.execute(select(plans).where(plans.c.id == plan.id)).one_or_none()
    made = {step.volume for step in plan.steps if step.kind == "reserve"}
    found = {stored.name: stored for stored in stored_volumes(connection, documents.keys())}
    ledger = ledger_id(connection)
    if known is not None and _stands(known, ledger, made, found):
        return False
    take_decision(connection, seen)
    run = 1 if known is None else known.run + 1
    for name in documents:
        _check_free(plan, name, found.get(name), made)
    put_on_record(connection, plan, run)
    _hold(connection, plan, {name: volume_id(ledger, plan.id, run, name) for name in made}, documents)
    return True


def release(connection: Connection, name: str) -> None:
    """Give up a volume that is reserved and not being made. Raises NotHeld otherwise."""
    stored = connection.execute(select(volume).where(volume.c.name == name)).one_or_none()
    if stored is None:
        raise NotHeld(f"Volume {name} is not in the ledger. Maybe it was released before.")
    state = connection.execute(select(plans.c.state).where(plans.c.id == stored.plan)).scalar()
    if stored.state != "reserved" or state != "planned":
        raise NotHeld(
            f"Volume {name} is {stored.state}, its plan {state or 'finished'}: it cannot just be released. "
            "Maybe delete it instead."
        )
    remove(connection, name)
    here = (steps.c.plan == stored.plan) & (steps.c.volume == name) & (steps.c.kind == "reserve")
    connection.execute(update(steps).where(here).values(state="undone"))
    if connection.execute(select(volume.c.name).where(volume.c.plan == stored.plan)).first() is None:
        connection.execute(update(plans).where(plans.c.id == stored.plan).values(state="rolled_back"))
    count_change(connection)


def _stands(known: Row[Any], ledger: str, made: set[str], found: dict[str, StoredVolume]) -> bool:
    """True for a plan that still runs, or that is done and whose volumes are the ones it made."""
    if known.state in ("planned", "running"):
        return True
    ids = {name: volume_id(ledger, known.id, known.run, name) for name in made}
    return bool(ids) and all(name in found and found[name].volume_id == ids[name] for name in ids)


def _check_free(plan: Plan, name: str, stored: StoredVolume | None, made: set[str]) -> None:
    if name in made:
        if stored is not None:
            held = f"plan {stored.plan}" if stored.plan else "a volume that exists"
            raise AlreadyHeld(f"The name {name} is held by {held}. Maybe choose another name.")
        return
    if stored is None:
        raise NotHeld(f"Volume {name} is not in the ledger. Maybe it was deleted.")
    if stored.plan is not None:
        raise AlreadyHeld(f"Volume {name} is being changed by plan {stored.plan}. Maybe apply that plan first.")
    kinds = {step.kind: step.pool for step in plan.steps if step.volume == name}
    if ADDING & kinds.keys() and stored.state != "available":
        raise NotHeld(f"Volume {name} is {stored.state}: nothing can be attached. Maybe delete it.")
    if stored.pool not in kinds.values():
        raise StaleDecision(f"Volume {name} lies on {stored.pool} now. Maybe decide again on fresh facts.")


def _hold(connection: Connection, plan: Plan, ids: dict[str, str], documents: dict[str, Document]) -> None:
    new = [
        {
            "name": name,
            "volume_id": ids[name],
            "pool": documents[name]["pool"],
            "document": dict(documents[name]),
        }
        for name in sorted(ids)
    ]
    if new:
        connection.execute(insert(volume).values(state="reserved", plan=plan.id), new)
    adding = {step.volume for step in plan.steps if step.kind in ADDING} - ids.keys()
    bound = [{"one": name} for name in sorted(documents.keys() - ids.keys() - adding)]
    if bound:
        connection.execute(update(volume).where(volume.c.name == bindparam("one")).values(plan=plan.id), bound)
    swapped = [{"one": name, "new": dict(documents[name])} for name in sorted(adding)]
    if swapped:
        change = {"plan": plan.id, "earlier": volume.c.document, "document": bindparam("new")}
        connection.execute(update(volume).where(volume.c.name == bindparam("one")).values(change), swapped)

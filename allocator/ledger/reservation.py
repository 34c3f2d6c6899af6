"""Taking what a decision decided: names and room are held from here on, and the plan is on record.

Nothing is summed up here. Whoever reserves has the turn in the line of writers, follows what others have committed, and
asks the rules themselves whether the decision still holds: also those that are no sums, such as `exclusivity`, `apart`
or `dedicated`. Statements that subtract from a column as long as enough is left would keep the sums alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, bindparam, insert, select, update

from allocator.domain.plan import Plan
from allocator.ledger.errors import AlreadyHeld, NotHeld, StaleDecision
from allocator.ledger.facts import count_change
from allocator.ledger.following import remove
from allocator.ledger.plans import CheckedPlan, put_on_record
from allocator.ledger.tables import plan as plans
from allocator.ledger.tables import volume
from allocator.ledger.volumes import portions, volumes_of

ADDING = frozenset({"grant", "attach"})
"""Steps for which the volume's new document counts from the reservation on, since more is charged."""

_KNOWN: Final[Select[Any]] = select(plans.c.id, plans.c.run, plans.c.state).where(plans.c.id == bindparam("one"))
_FOUND: Final[Select[Any]] = select(
    volume.c.name, volume.c.volume_id, volume.c.pool, volume.c.state, volume.c.plan
).where(volume.c.name.in_(bindparam("names", expanding=True)))
_HOLD: Final = insert(volume)
_BIND: Final = update(volume).where(volume.c.name == bindparam("one")).values(plan=bindparam("by"))
_SWAP: Final = _BIND.values(earlier=volume.c.document, document=bindparam("new"), changed=bindparam("number"))
_CONTENT: Final = select(plans.c.document).where(plans.c.id == bindparam("one"))
_END: Final = update(plans).where(plans.c.id == bindparam("one")).values(state="rolled_back")


def volume_id(ledger: str, plan: str, run: int, name: str) -> str:
    """`vol-<16 hex digits>`: the same for the same decision, and never again for another."""
    return "vol-" + hashlib.sha256(f"{ledger}/{plan}/{run}/{name}".encode()).hexdigest()[:16]


def reserve(connection: Connection, wanted: CheckedPlan, seen: int, now: int, ledger: str) -> bool:
    """Hold the plan's new volumes, bind those it changes, and record it; False where all that is so already.

    `seen` is the change that the decision rests on, `now` the last there was. Raises StaleDecision, AlreadyHeld,
    NotHeld.
    """
    plan = wanted.plan
    known = connection.execute(_KNOWN, {"one": plan.id}).one_or_none()
    made = {step.volume for step in plan.steps if step.kind == "reserve"}
    found = _found(connection, wanted.documents)
    if known is not None and _stands(known, ledger, made, found):
        return False
    if seen != now:
        raise StaleDecision(
            f"The decision rests on state {seen} of the ledger, which is at {now} now. "
            "Maybe decide again on fresh facts."
        )
    number = count_change(connection)
    run = 1 if known is None else known.run + 1
    for name in wanted.documents:
        _check_free(plan, name, found.get(name), made)
    put_on_record(connection, wanted, run)
    _hold(connection, wanted, {name: volume_id(ledger, plan.id, run, name) for name in sorted(made)}, number)
    return True


def release(connection: Connection, name: str) -> None:
    """Give up a volume that is reserved and not being made. Raises NotHeld otherwise."""
    stored = _found(connection, [name]).get(name)
    if stored is None:
        raise NotHeld(f"Volume {name} is not in the ledger. Maybe it was released before.")
    known = connection.execute(_KNOWN, {"one": stored.plan}).one_or_none()
    state = known.state if known is not None else "finished"
    if stored.state != "reserved" or state != "planned":
        raise NotHeld(
            f"Volume {name} is {stored.state}, its plan {state}: it cannot just be released. Maybe delete it instead."
        )
    remove(connection, name)
    content: Any = connection.execute(_CONTENT, {"one": stored.plan}).scalar_one()
    if not volumes_of(connection, stored.plan, [document["name"] for document in content["volumes"]]):
        connection.execute(_END, {"one": stored.plan})


def _found(connection: Connection, names: Collection[str]) -> dict[str, Row[Any]]:
    """The volumes of these names that there are."""
    parts = portions(tuple(names))
    return {row.name: row for part in parts for row in connection.execute(_FOUND, {"names": part})}


def _stands(known: Row[Any], ledger: str, made: set[str], found: Mapping[str, Row[Any]]) -> bool:
    """True for a plan that still runs, or that is done and whose volumes are the ones it made."""
    if known.state in ("planned", "running"):
        return True
    ids = {name: volume_id(ledger, known.id, known.run, name) for name in made}
    return bool(ids) and all(name in found and found[name].volume_id == ids[name] for name in ids)


def _check_free(plan: Plan, name: str, stored: Row[Any] | None, made: set[str]) -> None:
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


def _hold(connection: Connection, wanted: CheckedPlan, ids: Mapping[str, str], number: int) -> None:
    documents, by = wanted.documents, wanted.plan.id
    if ids:
        new = [
            {
                "name": name,
                "volume_id": identity,
                "pool": wanted.pools[name],
                "state": "reserved",
                "plan": by,
                "document": documents[name],
                "changed": number,
            }
            for name, identity in ids.items()
        ]
        connection.execute(_HOLD, new)
    adding = {step.volume for step in wanted.plan.steps if step.kind in ADDING} - ids.keys()
    bound = sorted(documents.keys() - ids.keys() - adding)
    if bound:
        connection.execute(_BIND, [{"one": name, "by": by} for name in bound])
    if adding:
        swapped = [{"one": name, "by": by, "new": documents[name], "number": number} for name in sorted(adding)]
        connection.execute(_SWAP, swapped)

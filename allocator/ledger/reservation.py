"""Taking what a decision decided: names and room are held from here on, and the plan is on record.

Nothing is summed up here. Whoever reserves has the turn in the line of writers, follows what others have committed, and
asks the rules themselves whether the decision still holds: also those that are no sums, such as `exclusivity`, `apart`
or `dedicated`. Statements that subtract from a column as long as enough is left would keep the sums alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from functools import cache
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, bindparam, insert, select, update

from allocator.ledger.copies import hold_copies
from allocator.ledger.errors import AlreadyHeld, NotHeld, StaleDecision
from allocator.ledger.facts import count_change_after
from allocator.ledger.following import remove
from allocator.ledger.plans import CheckedPlan, put_on_record, target_of
from allocator.ledger.prepared import Prepared
from allocator.ledger.tables import plan as plans
from allocator.ledger.tables import volume
from allocator.ledger.volumes import portions, volumes_of

ADDING = frozenset({"grant", "attach", "switch"})
"""Steps for which the volume's new document counts from the reservation on, since more is charged."""

_KNOWN: Final = Prepared(select(plans.c.id, plans.c.run, plans.c.state).where(plans.c.id == bindparam("one")))
_NEW: Final = ("name", "volume_id", "pool", "state", "plan", "document", "changed")
_HOLD: Final = Prepared(insert(volume).values({name: bindparam(name) for name in _NEW}))
_ONE: Final = update(volume).where(volume.c.name == bindparam("one"))
_BIND: Final = Prepared(_ONE.values(plan=bindparam("by")))
_SWAP: Final = Prepared(
    _ONE.values(plan=bindparam("by"), earlier=volume.c.document, document=bindparam("new"), changed=bindparam("number"))
)
_CONTENT: Final = select(plans.c.document).where(plans.c.id == bindparam("one"))
_END: Final = update(plans).where(plans.c.id == bindparam("one")).values(state="rolled_back")


def volume_id(ledger: str, plan: str, run: int, name: str) -> str:
    """`vol-<16 hex digits>`: the same for the same decision, and never again for another."""
    return "vol-" + hashlib.sha256(f"{ledger}/{plan}/{run}/{name}".encode()).hexdigest()[:16]


def reserve(connection: Connection, wanted: CheckedPlan, seen: int, now: int, ledger: str, until: int) -> bool:
    """Hold the plan's new volumes, bind those it changes, and record it; False where all that is so already.

    `seen` is the change that the decision rests on, `now` the last there was; the reservation holds until `until`, in
    seconds since 1970 (0: for ever), unless somebody has begun to carry it out. Raises StaleDecision, AlreadyHeld,
    NotHeld.
    """
    plan = wanted.plan
    known = _known(connection, plan.id)
    made = {step.volume for step in plan.steps if step.kind == "reserve"}
    found = _found(connection, wanted.documents)
    moved = {step.volume for step in plan.steps if step.kind == "switch"}
    if known is not None and _stands(known, ledger, made | moved, found):
        return False
    if seen != now:
        raise StaleDecision(
            f"The decision rests on state {seen} of the ledger, which is at {now} now. "
            "Maybe decide again on fresh facts."
        )
    run = 1 if known is None else known.run + 1
    for name in wanted.documents:
        _check_free(wanted, name, found.get(name), made)
    count_change_after(connection)
    put_on_record(connection, wanted, run, until)
    _hold(connection, wanted, made, now + 1, ledger, run)
    return True


def release(connection: Connection, names: Collection[str]) -> None:
    """Give up volumes that are reserved and not being made. Raises NotHeld otherwise."""
    found = _found(connection, names)
    for name in names:
        stored = found.get(name)
        if stored is None:
            raise NotHeld(f"Volume {name} is not in the ledger. Maybe it was released before.")
        known = None if stored.plan is None else _known(connection, stored.plan)
        state = known.state if known is not None else "finished"
        if stored.state != "reserved" or state != "planned":
            raise NotHeld(
                f"Volume {name} is {stored.state}, its plan {state}: it cannot just be released. "
                "Maybe delete it instead."
            )
    remove(connection, *names)
    for plan in sorted({stored.plan for stored in found.values() if stored.plan is not None}):
        content: Any = connection.execute(_CONTENT, {"one": plan}).scalar_one()
        if not volumes_of(connection, plan, [document["name"] for document in content["volumes"]]):
            connection.execute(_END, {"one": plan})


class _Known(NamedTuple):
    """A plan that is on record."""

    id: str
    run: int
    state: str


class _Stored(NamedTuple):
    """A volume that is in the ledger."""

    name: str
    volume_id: str
    pool: str
    state: str
    plan: str | None


@cache
def _finding(count: int) -> Prepared:
    wanted: list[Any] = [bindparam(f"name_{number}") for number in range(count)]
    columns = (volume.c.name, volume.c.volume_id, volume.c.pool, volume.c.state, volume.c.plan)
    return Prepared(select(*columns).where(volume.c.name.in_(wanted)))


def _known(connection: Connection, plan: str) -> _Known | None:
    rows = _KNOWN.rows(connection, {"one": plan})
    return _Known(*rows[0]) if rows else None


def _found(connection: Connection, names: Collection[str]) -> dict[str, _Stored]:
    """The volumes of these names that there are."""
    found: dict[str, _Stored] = {}
    for part in portions(tuple(names)):
        # Few lengths, so that few statements are ever made: the last name is asked for several times.
        count = 1 << (len(part) - 1).bit_length()
        parameters = {f"name_{number}": part[min(number, len(part) - 1)] for number in range(count)}
        found |= {row[0]: _Stored(*row) for row in _finding(count).rows(connection, parameters)}
    return found


def _stands(known: _Known, ledger: str, made: set[str], found: Mapping[str, _Stored]) -> bool:
    """True for a plan that still runs, or that is over and made the volumes that are there: if it failed, some.

    Raises AlreadyHeld where it made all of them and only some are there still.
    """
    if known.state in ("planned", "running"):
        return True
    ids = {name: volume_id(ledger, known.id, known.run, name) for name in made}
    gone = [name for name in sorted(ids) if name not in found or found[name].volume_id != ids[name]]
    if known.state == "done" and gone and len(gone) < len(ids):
        raise AlreadyHeld(
            f"Plan {known.id} was carried out, and of its volumes {', '.join(gone[:3])} "
            f"{'was' if len(gone) == 1 else 'were'} deleted since. Maybe place again: what is there stays."
        )
    return len(gone) < len(ids) and (known.state == "failed" or not gone)


def _check_free(wanted: CheckedPlan, name: str, stored: _Stored | None, made: set[str]) -> None:
    plan = wanted.plan
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
    if "switch" in kinds and stored.pool != wanted.pools[name]:
        raise NotHeld(f"Volume {name} lies on {stored.pool} now: it cannot move from elsewhere. Maybe decide again.")
    if stored.pool not in kinds.values():
        raise StaleDecision(f"Volume {name} lies on {stored.pool} now. Maybe decide again on fresh facts.")


def _hold(
    connection: Connection, wanted: CheckedPlan, made: Collection[str], number: int, ledger: str, run: int
) -> None:
    documents, by = wanted.documents, wanted.plan.id
    ids = {name: volume_id(ledger, by, run, name) for name in sorted(made)}
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
        _HOLD.each(connection, new)
    adding = {step.volume for step in wanted.plan.steps if step.kind in ADDING} - ids.keys()
    bound = sorted(documents.keys() - ids.keys() - adding)
    if bound:
        _BIND.each(connection, [{"one": name, "by": by} for name in bound])
    targets = {str(document["name"]): target_of(document) for document in wanted.plan.volumes}
    moving = {name: there for name, there in targets.items() if there is not None and name in adding}
    if moving:
        hold_copies(
            connection, [(name, there, volume_id(ledger, by, run, name)) for name, there in sorted(moving.items())]
        )
    if adding:
        swapped = [{"one": name, "by": by, "new": documents[name], "number": number} for name in sorted(adding)]
        _SWAP.each(connection, swapped)

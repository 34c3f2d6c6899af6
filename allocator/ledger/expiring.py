"""Reservations that nobody carries out: after a while what they hold is free again, and what they changed is undone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection, Integer, bindparam, func, select, update

from allocator.ledger.effects import settle
from allocator.ledger.following import remove
from allocator.ledger.history import Line
from allocator.ledger.prepared import Prepared
from allocator.ledger.records import Settled
from allocator.ledger.tables import plan as plans
from allocator.ledger.volumes import stored_volumes

HOLD_SECONDS: Final = 3600
"""How long a reservation waits for somebody to carry it out: a person may look at the plan first."""
PAUSE_SECONDS: Final = 1
"""How often a process looks for those whose time is over."""
AT_ONCE: Final = 100
"""Plans that are ended in one transaction, since others wait for it."""

_OVER: Final = (
    (plans.c.state == "planned") & (plans.c.lease_until > 0) & (plans.c.lease_until <= bindparam("now", type_=Integer))
)
COUNT: Final = Prepared(select(func.count()).select_from(plans).where(_OVER))
_WHICH: Final = select(plans.c.id, plans.c.document).where(_OVER).order_by(plans.c.id).limit(AT_ONCE)
_END: Final = update(plans).where(plans.c.id == bindparam("one")).values(state="rolled_back", lease_until=0)


def expire(connection: Connection, now: int) -> Iterator[Line]:
    """End plans whose time is over before anybody began them, and say what became of their volumes.

    What such a plan was to make is forgotten; what it was to change is again what it was.
    """
    for identity, document in connection.execute(_WHICH, {"now": now}).all():
        names = [str(one["name"]) for one in document["volumes"]]
        held = [stored for stored in stored_volumes(connection, names) if stored.plan == identity]
        made = [stored.name for stored in held if stored.state == "reserved"]
        if made:
            remove(connection, *made)
        for stored in held:
            if stored.state != "reserved":
                settle(connection, identity, Settled(stored.name, "rolled_back", stored.document))
            yield Line("expired", stored.name, "nobody carried its plan out", identity)
        connection.execute(_END, {"one": identity})
        yield Line("expired", identity, f"nobody carried it out; {len(held)} volumes", identity)

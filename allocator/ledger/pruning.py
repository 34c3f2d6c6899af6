"""Which of the journal and the history nobody needs any more, and taking it away in portions.

Kept, however old: all that is told of a volume that is there, of the plans that made or changed it and of unfinished
plans; the steps of both; and every plan itself, by which the ledger knows the ids that it gave.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, Connection, and_, delete, func, or_, select, union

from allocator.ledger.mending import OVER
from allocator.ledger.tables import event, plan, step, volume

_LINES: Final = 5_000
"""That one transaction takes away, so that nobody waits long for the turn."""
_PLANS: Final = 100
"""Whose steps one transaction takes away."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many lines of the history and steps of plans are older than asked for and not needed."""

    events: int
    steps: int


def prunable(connection: Connection, before: int) -> Pruned:
    """What there is to take away from before that second."""
    events = connection.execute(select(func.count()).select_from(event).where(_told_long_ago(before))).scalar_one()
    steps = connection.execute(select(func.count()).select_from(step).where(_done_long_ago(before))).scalar_one()
    return Pruned(int(events), int(steps))


def prune_portion(connection: Connection, before: int) -> Pruned:
    """Take a portion of it away; both numbers are 0 once there is no more."""
    # Steps first: how old a plan is, its lines tell.
    plans = select(step.c.plan).where(_done_long_ago(before)).distinct().limit(_PLANS)
    done = connection.execute(delete(step).where(step.c.plan.in_(list(connection.execute(plans).scalars()))))
    if done.rowcount:
        return Pruned(0, done.rowcount)
    lines = select(event.c.seq).where(_told_long_ago(before)).order_by(event.c.seq).limit(_LINES)
    return Pruned(connection.execute(delete(event).where(event.c.seq.in_(lines))).rowcount, 0)


def _told_long_ago(before: int) -> ColumnElement[bool]:
    """Lines of volumes that are gone and of plans that are over; those of anything else are kept only while young."""
    living, unfinished = select(volume.c.name), select(plan.c.id).where(plan.c.state.not_in(OVER))
    theirs = select(event.c.plan).join(volume, volume.c.name == event.c.subject).where(event.c.plan.is_not(None))
    return and_(
        event.c.at < before,
        event.c.subject.not_in(living),
        event.c.subject.not_in(unfinished),
        event.c.subject.not_in(theirs),
        or_(event.c.plan.is_(None), event.c.plan.not_in(unfinished)),
    )


def _done_long_ago(before: int) -> ColumnElement[bool]:
    """Steps of plans that are over, of which nothing was told since and that no volume stands for that is there."""
    over = select(plan.c.id).where(plan.c.state.in_(OVER))
    since = event.c.at >= before
    young = union(select(event.c.subject).where(since), select(event.c.plan).where(since & event.c.plan.is_not(None)))
    standing = select(step.c.plan).join(volume, volume.c.name == step.c.volume)
    return and_(step.c.plan.in_(over), step.c.plan.not_in(young), step.c.plan.not_in(standing))

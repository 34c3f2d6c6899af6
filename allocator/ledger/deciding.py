"""What decisions rest on, and what is reserved by them: only on the facts that they saw."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from sqlalchemy import Connection

from allocator.domain.grounds import Grounds
from allocator.domain.plan import Plan
from allocator.ledger import expiring, facts, following, history, plans, reservation, volumes
from allocator.ledger.base import Base
from allocator.ledger.history import Line
from allocator.ledger.plans import CheckedPlan
from allocator.ledger.prepared import together
from allocator.ledger.records import Delta, Facts, Moment, StoredVolume


class Reserve(Protocol):
    """As `Ledger.reserve`; raises no StaleDecision, since whoever has the turn can look first."""

    def __call__(self, wanted: CheckedPlan, grounds: Grounds | None = None) -> bool: ...


class SinceThen(Protocol):
    """As `Ledger.since`, within a turn."""

    def __call__(self, seen: Moment, *, most: int) -> Delta | None: ...


@dataclass(frozen=True, slots=True)
class Turn:
    """One writer's turn: the state of the facts, and what to ask and to reserve in it."""

    moment: Moment
    """Until something is reserved, which is the one change after it."""
    since: SinceThen
    reserve: Reserve


class Deciding(Base):
    """The facts, and who has the turn to change them."""

    def changes(self) -> int:
        """Counts each commit that changes what a decision rests on: volumes, their documents, observations.

        Read it before the facts: a decision on facts newer than the counter is refused, never wrong.
        """
        return int(self._store.glance(facts.CHANGES))

    def facts(self) -> Facts:
        """All that decisions rest on, as of one moment."""
        with self._store.reading() as connection:
            return following.facts(connection)

    def since(self, seen: Moment, *, most: int) -> Delta | None:
        """What changed since a moment; None where all facts must be read again.

        That is so where devices showed something new, or more than `most` volumes came, changed or went.
        """
        with self._store.reading() as connection:
            return following.since(connection, facts.moment(connection), seen, most)

    @contextmanager
    def deciding(self) -> Iterator[Turn]:
        """A turn in the line of writers: what is seen within holds until this is left, when it is committed.

        Others wait, so be quick. Raises LedgerLocked.
        """
        with self._store.deciding() as (connection, moment):
            yield Turn(moment, partial(following.since, connection, moment), partial(self._reserve, connection, moment))

    def volumes(self, only: Collection[str] | None = None) -> list[StoredVolume]:
        """Every volume, or those of the names given that there are, in order of name."""
        with self._store.reading() as connection:
            return volumes.stored_volumes(connection, only)

    def reserve(self, plan: Plan, *, seen: int, grounds: Grounds | None = None) -> bool:
        """Hold the plan's new volumes, bind those it changes and record the plan, if `changes` is `seen`.

        True where that was done, and `changes` is then `seen` + 1. False for a plan that is reserved,
        running, or done with its volumes still there: it is left alone. One that is over and whose volumes
        are gone starts a new run. The history keeps the `grounds`. Raises StaleDecision where the facts
        changed (decide again), AlreadyHeld where another plan holds a name or changes a volume, NotHeld for a
        volume that is not there, UnknownPlan for a plan that does not match its id.
        """
        wanted = plans.check_plan(plan)
        with self._store.deciding() as (connection, moment):
            return self._reserve(connection, moment, wanted, grounds, seen)

    def release(self, *names: str) -> None:
        """Give up volumes that are reserved and not being made yet, all or none. Raises NotHeld otherwise."""
        with self._store.writing() as connection:
            reservation.release(connection, names)
            self._tell(connection, *(Line("released", name, "before it was made") for name in names))

    def sweep(self) -> None:
        """Let go of reservations that nobody began to carry out in time; looks for them once a second at most."""
        now = self._clock()
        if now < self._swept + expiring.PAUSE_SECONDS:
            return
        self._swept = now
        if self._store.glance(expiring.COUNT, {"now": int(now)}):
            with self._store.writing() as connection:
                self._tell(connection, *expiring.expire(connection, self._now()))

    def give_up(self, plan: Plan) -> None:
        """Release all that a plan has reserved and nobody has begun to make. Raises NotHeld where somebody has."""
        with self._store.writing() as connection:
            names = sorted(volumes.volumes_of(connection, plan.id, [step.volume for step in plan.steps]))
            reservation.release(connection, names)
            self._tell(connection, *(Line("released", name, "nobody waited for it", plan.id) for name in names))

    def _reserve(
        self,
        connection: Connection,
        moment: Moment,
        wanted: CheckedPlan,
        grounds: Grounds | None = None,
        seen: int | None = None,
    ) -> bool:
        self._id = self._id or facts.ledger_id(connection)
        last = moment.changes
        until = 0 if self._hold_seconds is None else self._now() + self._hold_seconds
        with together(connection):
            reserved = reservation.reserve(connection, wanted, last if seen is None else seen, last, self._id, until)
            if reserved:
                self._tell(connection, *history.lines_of(wanted.plan, grounds, last))
        return reserved

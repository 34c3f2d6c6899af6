"""The durable record of what is reserved, made and granted: each method is one transaction."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from sqlalchemy import Connection, Engine

from allocator.domain.grounds import Grounds
from allocator.domain.plan import Plan
from allocator.domain.qos import Qos
from allocator.ledger import actor as actors
from allocator.ledger import (
    elsewhere,
    expiring,
    facts,
    following,
    history,
    jobs,
    journal,
    mending,
    observations,
    plans,
    pruning,
    reservation,
    status,
    volumes,
    whole,
)
from allocator.ledger.form import Whole
from allocator.ledger.history import Line
from allocator.ledger.naming import Naming
from allocator.ledger.opening import Opened, open_store
from allocator.ledger.plans import CheckedPlan
from allocator.ledger.prepared import together
from allocator.ledger.pruning import Pruned
from allocator.ledger.records import (
    Claim,
    Delta,
    Document,
    Entry,
    Event,
    Facts,
    Moment,
    Observation,
    Origin,
    PlanState,
    PlanStatus,
    StoredVolume,
)
from allocator.ledger.story import Story, story
from allocator.ledger.tables import PREFIX


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


class Ledger:
    """Correct under several processes and after a `kill -9` at any instant: what a method wrote is on disk.

    Every method raises a LedgerError where the ledger is locked, read-only, damaged or out of reach.
    """

    def __init__(
        self,
        opened: Opened,
        clock: Callable[[], float] | None = None,
        actor: str | None = None,
        hold_seconds: int | None = expiring.HOLD_SECONDS,
    ) -> None:
        self._store, self.origin = opened
        self._clock = clock or self._store.now
        self._named = actor
        self._hold_seconds = hold_seconds
        self._swept = 0.0
        self._id = ""

    @classmethod
    def open(
        cls,
        url: str,
        *,
        engine: Engine | None = None,
        prefix: str = PREFIX,
        schema: str | None = None,
        make: bool = True,
        actor: str | None = None,
        hold_seconds: int | None = expiring.HOLD_SECONDS,
        clock: Callable[[], float] | None = None,
    ) -> Ledger:
        """Open a ledger: `sqlite:///path` or `postgresql://user@host/database`; `origin` says how it came to be.

        With `engine` it lives in the database of the program that embeds it, beside other tables, and `url` only
        names it in messages. `prefix` begins the names of its tables, which lie in `schema` (of PostgreSQL, made where
        it is missing); a URL can say both: `?prefix=zone1_&schema=storage`. With `make` it is made where there is
        none, a SQLite file with mode 0600, complete or not at all, and an older one is upgraded.
        The history tells that `actor` did what is done through this object; None: `user@host/process`.
        What is reserved through it and not begun to be carried out within `hold_seconds` is let go (None: never).
        `clock` gives seconds since 1970 (None: that of this machine for a file, that of the server for a server).
        Raises LedgerError (NoLedger, OlderSchema without `make`), and has then changed nothing.
        """
        named = None if actor is None else actors.checked(actor)
        return cls(open_store(url, engine, Naming(prefix, schema), make=make), clock, named, hold_seconds)

    @property
    def name(self) -> str:
        """Its path, or its URL without the password."""
        return self._store.name

    @property
    def actor(self) -> str:
        """Who the history says it was."""
        return self._named or actors.this_process()

    def close(self) -> None:
        """Let go of the database; nothing is lost without it."""
        self._store.close()

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

    def unfinished(self) -> list[Plan]:
        """The plans that are reserved or half run: whoever applies one goes on where it stopped."""
        with self._store.reading() as connection:
            return plans.unfinished(connection)

    def status(self, plan_id: str | None = None) -> list[PlanStatus]:
        """How a plan stands, if there is one of that id; None: how all stand that are not over."""
        with self._store.reading() as connection:
            if plan_id is None:
                return status.unfinished(connection, self._clock())
            found = status.status_of(connection, plan_id, self._clock())
            return [] if found is None else [found]

    def claim(
        self, plan: Plan, *, owner: str, lease_seconds: int, alive: Callable[[str], bool], afresh: bool = False
    ) -> Claim:
        """Take the right to run a plan, with how far each step has come; `alive` tells whether an owner is.

        With `afresh` what failed counts as not tried yet. Raises UnknownPlan, or PlanBusy while another owner is
        alive and its lease lasts.
        """
        with self._store.writing() as connection:
            return journal.claim(connection, plan, owner, self._clock(), lease_seconds, alive, afresh=afresh)

    @contextmanager
    def job(self, name: str, *, owner: str, lease_seconds: int, alive: Callable[[str], bool]) -> Iterator[None]:
        """Run a job of which there may be one at a time. Raises JobBusy while another owner is alive and its lease
        lasts.
        """
        with self._store.writing() as connection:
            fence = jobs.begin(connection, name, owner, self._now(), lease_seconds, alive)
        try:
            yield
        finally:
            with self._store.writing() as connection:
                jobs.end(connection, name, fence)

    def record(self, claim: Claim, entries: Iterable[Entry], number: int | None = None) -> None:
        """Write journal entries and renew the lease, in one commit.

        With a `number`, counted from 1 for each claim, it can be said twice where the answer was lost: it is written
        once. Raises LostLease, NotHeld.
        """
        with self._store.writing() as connection:
            journal.record(connection, claim, entries, self._clock(), self.actor, number)

    def finish(self, claim: Claim, state: PlanState, reason: str | None = None) -> None:
        """End a claim: a plan that is `running`, or `stuck` for a reason, can be gone on with; any other is over.

        It may be said twice. Raises LostLease.
        """
        with self._store.writing() as connection:
            journal.finish(connection, claim, state, reason)
            if reason is not None:
                self._tell(connection, Line(state, claim.plan, reason, claim.plan))

    def replace_targets(self, claim: Claim, content: Plan, names: Collection[str], *, seen: int) -> None:
        """Let volumes of a running plan, which are not made yet, lie where `content` says, if `changes` is `seen`.

        In one transaction their room is given up and taken there; `content` is all of the plan as it is carried out
        from now on, with the same steps. Raises StaleDecision where the facts changed, LostLease, NotHeld.
        """
        with self._store.writing() as connection:
            journal.guard(connection, claim, fence=claim.fence)
            elsewhere.replace_targets(connection, claim, content, names, seen)
            lines = [
                Line("elsewhere", str(document["name"]), f"to {document['pool']}", claim.plan)
                for document in content.volumes
                if document["name"] in names
            ]
            self._tell(connection, *lines)

    def content(self, plan: Plan) -> Plan:
        """A plan as it is carried out, with the id of what it says now; the plan itself if nothing was changed."""
        with self._store.reading() as connection:
            revised = elsewhere.revision(connection, plan.id)
        if revised is None:
            return plan
        found = plans.written_plan(plan.id, revised)
        return Plan.of(found.steps, found.volumes)

    def foreign(self, pool: str, documents: Iterable[Document]) -> None:
        """Replace the volumes found on a pool that the engine did not make (R07)."""
        with self._store.writing() as connection:
            observations.replace_foreign(connection, pool, documents)

    def foreign_documents(self) -> list[Document]:
        """The documents of all foreign volumes."""
        with self._store.reading() as connection:
            return observations.foreign_documents(connection)

    def observed(self, pool: str, used_bytes: int | None, default_qos: Qos) -> None:
        """Record what a pool's device showed; None where it cannot tell how many bytes are used."""
        with self._store.writing() as connection:
            seen = Observation(used_bytes, default_qos, self._now())
            observations.replace_observation(connection, pool, seen)

    def observations(self) -> dict[str, Observation]:
        """What each pool's device showed last."""
        with self._store.reading() as connection:
            return observations.observations(connection)

    def origins(self, ids: Collection[str]) -> dict[str, Origin]:
        """Which of these volume ids this ledger gave, and for what; what is not in the answer is somebody else's."""
        with self._store.reading() as connection:
            return mending.origins(connection, facts.ledger_id(connection), ids)

    def volumes_bound(self) -> tuple[list[StoredVolume], set[str]]:
        """Every volume, and those of the plans they are bound to that nobody can go on with, as of one moment."""
        with self._store.reading() as connection:
            found = volumes.stored_volumes(connection)
            return found, mending.plans_over(connection, {one.plan for one in found if one.plan is not None})

    def condemn(self, name: str, volume_id: str, pool: str, document: Document) -> None:
        """Hold what is to be deleted: an orphan, or what a plan that is over left half-made. Raises AlreadyHeld."""
        with self._store.writing() as connection:
            mending.condemn(connection, name, volume_id, pool, document)
            self._tell(connection, Line("condemned", name, f"{volume_id} on {pool} belongs to nobody"))

    def let_go(self, name: str) -> None:
        """Free a volume from a plan that is over; one that may still go on keeps it."""
        with self._store.writing() as connection:
            if mending.let_go(connection, name):
                self._tell(connection, Line("let go", name, "its plan is over"))

    def mark_gone(self, ids: Mapping[str, str], *, back: bool = False) -> None:
        """Mark volumes, by name and id, as no longer on their pools, or as back there."""
        with self._store.writing() as connection:
            marked = mending.mark_gone(connection, ids, None if back else self._now())
            word, text = ("back", "found on its pool") if back else ("gone", "not found on its pool")
            self._tell(connection, *(Line(word, name, text) for name in marked))

    def event(
        self, kind: str, subject: str, text: str, *, plan: str | None = None, details: Document | None = None
    ) -> None:
        """Append a line to the history. Never put a secret in it."""
        with self._store.writing() as connection:
            self._tell(connection, Line(kind, subject, text, plan, details))

    def prune(self, days: int, *, dry_run: bool = True) -> Pruned:
        """What of the history and of plans' steps is older than this and not needed; unless `dry_run` it is taken away.

        Never what an unfinished plan needs, nor what is told of a volume that is there and of how it came to be.
        """
        before = self._now() - days * 24 * 60 * 60
        with self._store.reading() as connection:
            found = pruning.prunable(connection, before)
        if not dry_run and (found.events or found.steps):
            more = True
            while more:
                with self._store.writing() as connection:
                    taken = pruning.prune_portion(connection, before)
                more = bool(taken.events or taken.steps)
            text = f"{found.events:,} lines and {found.steps:,} steps from more than {days:,} days ago"
            with self._store.writing() as connection:
                self._tell(connection, Line("pruned", "history", text))
        return found

    def events(self, subject: str | None = None, *, last: int = 1000) -> list[Event]:
        """The newest `last` lines of the history, oldest first: of one volume or plan, or of all."""
        with self._store.reading() as connection:
            return history.told(connection, subject, last)

    @contextmanager
    def whole(self) -> Iterator[Whole]:
        """All of it as plain data, as of one moment, read as it is gone through: `become` makes the same of it."""
        with self._store.reading() as connection:
            yield whole.told(connection)

    def become(self, data: Whole) -> None:
        """Turn from an empty ledger into the one that `whole` told. Raises LedgerError for another, and wrong data."""
        with self._store.writing() as connection:
            whole.load(connection, self._store.naming, data)
        self._id = ""

    def story(self, volume: str) -> Story:
        """Why a volume is where it is, or was: every life of that name. Raises LookupError where none is known."""
        with self._store.reading() as connection:
            return story(connection, volume)

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

    def _now(self) -> int:
        return int(self._clock())

    def _tell(self, connection: Connection, *lines: Line) -> None:
        history.tell(connection, self._now(), self.actor, lines)

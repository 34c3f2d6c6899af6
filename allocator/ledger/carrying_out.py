"""Plans that are carried out: who may, how far each step is, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager

from allocator.domain.plan import Plan
from allocator.ledger import elsewhere, jobs, journal, plans, status
from allocator.ledger.base import Base
from allocator.ledger.history import Line
from allocator.ledger.records import Claim, Entry, PlanState, PlanStatus


class CarryingOut(Base):
    """One process at a time has a plan, by a lease and a fence; what it did is journalled."""

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

"""The product on one page: open a fleet, place requests, carry the plan out, check what is there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import cached_property, partial
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Unpack

from allocator import checkup
from allocator.decide import decide
from allocator.documents import World, load
from allocator.domain.inventory import Inventory
from allocator.domain.move import Move
from allocator.domain.outcome import Headway, Reason
from allocator.domain.plan import Plan
from allocator.domain.policy import Effort, Policy
from allocator.domain.rebalance import Aim, Budget
from allocator.explain import Explained
from allocator.fleet import Fleet
from allocator.goals import tiers_of
from allocator.metrics import NO_METRICS, Metrics
from allocator.minutes import Minutes
from allocator.planning.changes import attaching, deleting, detaching
from allocator.policy import read_policy
from allocator.rules import rules_of
from allocator.service.placing import Asked as Asked
from allocator.service.placing import Placing
from allocator.service.placing import Unsatisfiable as Unsatisfiable
from allocator.service.running import Running
from allocator.service.standing import Standing

if TYPE_CHECKING:
    from allocator.execution.attempts import Patience
    from allocator.execution.report import Progress, Report
    from allocator.execution.waves import Moved
    from allocator.ledger import Ledger
    from allocator.ledger.opening import Opening
    from allocator.ledger.story import Story
    from allocator.planning.waves import AtOnce
    from allocator.rebalance.outcome import Rebalance
    from allocator.reconcile.findings import Reconciliation
    from allocator.service.awaiting import Beside

    Watch = Callable[[Progress], None]

EFFORT: Final = Effort()


class Allocator:
    """A fleet that requests are placed on. Without a ledger every call is a pure decision on the documents.

    Threads may share it: they decide and reserve one after the other. An `inventory` that was read is left alone only
    while no other thread places.
    """

    def __init__(
        self, world: World, policy: Policy, ledger: Ledger | None = None, metrics: Metrics = NO_METRICS
    ) -> None:
        self.world, self.policy, self.ledger, self.metrics = world, policy, ledger, metrics
        self.rules = rules_of(policy)
        self.tiers = tiers_of(policy, self.rules)
        self._standing = Standing(world, self.rules, ledger, metrics)
        minutes = Minutes(policy, world.files)
        self._placing = Placing(world, self._standing, self.tiers, minutes, metrics)
        self._running = Running(world, self._standing, self.rules, self.tiers, minutes, metrics)

    @classmethod
    def open(
        cls,
        *files: str | PathLike[str],
        policy: str | Policy = "default",
        ledger: str | None = None,
        metrics: Metrics = NO_METRICS,
        **opening: Unpack[Opening],
    ) -> Allocator:
        """Read documents (later files override earlier ones by name), a policy by name or path, and a ledger by URL.

        As in `Ledger.open`: with `engine` the ledger lives in the database of the program that embeds this, under a
        `prefix` and in a `schema` of its choice; `actor` is who the history says it was; what is
        reserved and not begun within `hold_seconds` is let go; `make=False` neither makes nor upgrades one. `metrics`
        gets counts and latencies. Raises DocumentError for what the files say wrongly and LedgerError for a ledger that
        cannot be used.
        """
        chosen = policy if isinstance(policy, Policy) else read_policy(policy)
        world = load([Path(file) for file in files], chosen)
        if ledger is None:
            return cls(world, chosen, metrics=metrics)
        from allocator.ledger import Ledger

        return cls(world, chosen, Ledger.open(ledger, **opening), metrics)

    @property
    def fleet(self) -> Fleet:
        """What decisions look at. What a program without a ledger settles here counts at its next call."""
        with self._standing.lock:
            return self._standing.screen().fleet

    @property
    def inventory(self) -> Inventory:
        """All facts as of now."""
        return self.fleet.inventory

    def place(
        self,
        requests: Asked = None,
        *,
        effort: Effort = EFFORT,
        explain: bool = True,
        progress: Callable[[Headway], None] | None = None,
        executor: Executor | None = None,
    ) -> Explained:
        """Decide where requests go (None: those of the documents), and reserve it in the ledger if there is one.

        A request is a Request or an entry of the documents' `requests`. No driver is touched. What cannot be placed
        is refused in the outcome, with reasons if `explain`. Of a batch, `progress` is told how far the solver has
        come, and parts of the fleet that share nothing are solved on `executor`.
        """
        decided = partial(decide, tiers=self.tiers, effort=effort, progress=progress, executor=executor)
        return self._placing.placed(requests, decided, explain=explain, whole=False)

    async def place_async(
        self,
        requests: Asked = None,
        *,
        effort: Effort = EFFORT,
        explain: bool = True,
        progress: Callable[[Headway], None] | None = None,
        executor: Executor | None = None,
    ) -> Explained:
        """As `place`, beside the event loop, which goes on meanwhile; `progress` is told in another thread.

        Calls are answered in the order in which they are made. One that is cancelled leaves nothing reserved.
        """
        decided = partial(decide, tiers=self.tiers, effort=effort, progress=progress, executor=executor)
        act = partial(self._placing.placed, requests, decided, explain=explain, whole=False)
        return await self._beside.run(lambda begin: act(begin=begin), self._standing.give_up)

    def place_or_raise(self, requests: Asked = None, *, effort: Effort = EFFORT) -> Explained:
        """As `place`, but all or nothing: raises Unsatisfiable where anything is refused, and then reserves nothing."""
        return self._placing.placed(
            requests, partial(decide, tiers=self.tiers, effort=effort), explain=True, whole=True
        )

    def explain(self, requests: Asked = None, *, effort: Effort = EFFORT) -> Explained:
        """As `place`, but reserves nothing and looks further: for what is sold out, whether moves would make room."""
        return self._placing.explained(requests, effort)

    async def apply(self, plan: Plan, *, patience: Patience | None = None, progress: Watch | None = None) -> Report:
        """Carry out a plan: createAsync, grantAccess, attach (R18, R19, R21), or go on with one that was interrupted.

        The plan is checked again against rules and ledger before anything is touched. A volume whose pool has no space
        after all goes to the next best target. `patience` says how often and how long a call is tried. Raises PlanError
        for a plan that was changed by hand or no longer holds, and LedgerError.
        """
        return await self._running.run(plan, "apply", patience, progress)

    async def resume(
        self, plan: Plan, *, retry: bool = False, patience: Patience | None = None, progress: Watch | None = None
    ) -> Report:
        """As `apply`, but only what was reserved before and is not over; with `retry` what failed is tried again."""
        return await self._running.run(plan, "retry" if retry else "resume", patience, progress)

    async def cancel(self, plan: Plan, *, patience: Patience | None = None, progress: Watch | None = None) -> Report:
        """Undo what a plan that is not over has made, and free the room that it holds; what is done stays.

        What takes something away is not undone: it stops where it is. Raises LedgerError.
        """
        return await self._running.run(plan, "cancel", patience, progress)

    async def move(
        self, waves: Sequence[Sequence[Move]], *, patience: Patience | None = None, progress: Watch | None = None
    ) -> Moved:
        """Carry out moves wave by wave, each on fresh facts; what has changed meanwhile stops the rest. Called again
        it goes on. Raises LedgerError.
        """
        from allocator.execution.waves import run_waves

        ledger = self._standing.held()
        return await run_waves(
            waves,
            self.rules,
            now=lambda: self.inventory,
            unfinished=ledger.unfinished,
            apply=partial(self.apply, patience=patience, progress=progress),
        )

    def attach(self, volume: str, host: str) -> Plan:
        """The plan that attaches a placed volume to a host (more than one, where its driver can).

        Raises LookupError for a name that is not there, ValueError where it cannot be attached.
        """
        return self._placing.changed(lambda inventory: attaching(volume, host, inventory, self.rules))

    def detach(self, volume: str, host: str | None = None) -> Plan:
        """The plan that detaches a volume from a host (None: from the only one it is on) and revokes its access.

        Raises LookupError for a volume that is not there, ValueError for a host that it is not attached to.
        """
        return self._placing.changed(lambda inventory: detaching(volume, host, inventory))

    def delete(self, volume: str) -> Plan:
        """The plan that detaches, revokes and deletes a volume."""
        return self._placing.changed(lambda inventory: deleting(volume, inventory))

    def rebalance(
        self,
        aim: Aim | None = None,
        *,
        max_moves: int | None = None,
        effort: Effort = EFFORT,
        at_once: AtOnce | None = None,
    ) -> Rebalance:
        """Few moves that mend what is broken, or gain what was aimed at (None: both), each with why, in waves:
        a dry run.

        Nothing that holds is broken by them, and nothing that is broken gets worse. Raises LookupError for a pool, host
        or volume in the aim that is not there.
        """
        from allocator.rebalance.job import rebalance

        wanted = aim or Aim(budget=Budget(moves=max_moves))
        with self._standing.lock:
            made: Sequence[str] = ()
            if self.ledger is not None and wanted.budget.has_end:
                made = self.ledger.moved(wanted.window_seconds)
            return rebalance(self.inventory, self.rules, self.tiers, self.policy, wanted, effort, at_once, made)

    def check(self) -> list[Reason]:
        """What an administrator should know before first use: offerings that nothing honours (R03), and more."""
        with self._standing.lock:
            return list(checkup.check(self.inventory, self.rules))

    def audit(self) -> list[Reason]:
        """Everything that is broken now: tag drift (R05), oversold places, volumes on pools that drain."""
        with self._standing.lock:
            return list(checkup.audit(self.inventory, self.rules))

    def why(self, volume: str) -> Story:
        """Who decided when, by what and why, that a volume lies where it does, or lay; and what became of it.

        Raises LookupError for a name that the ledger's history does not know, and where there is no ledger.
        """
        return self._standing.held().story(volume)

    async def reconcile(self, *, fix: bool = False) -> Reconciliation:
        """What differs between the ledger and what drivers and agents really hold; with `fix` what is safe is mended.

        Without `fix` nothing is changed. What an unfinished plan works on is skipped. Raises LedgerError.
        """
        from allocator.reconcile.reconcile import reconcile

        ledger, inventory = self._standing.held(), self.inventory
        async with self._running.connections(inventory) as connections:
            return await reconcile(
                ledger, lambda: self.inventory, self._placing.changed, connections, fix=fix, metrics=self.metrics
            )

    def close(self) -> None:
        """Let go of the ledger, once what is under way has ended."""
        if "_beside" in vars(self):
            self._beside.close()
        if self.ledger is not None:
            self.ledger.close()

    def __enter__(self) -> Allocator:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @cached_property
    def _beside(self) -> Beside:
        from allocator.service.awaiting import Beside

        return Beside()

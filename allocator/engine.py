"""The product on one page: open a fleet, place requests, carry the plan out, check what is there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final

from allocator import checkup
from allocator.decide import Decision, decide, look_further
from allocator.documents import DocumentError, World, load, volume_document
from allocator.domain.inventory import Inventory
from allocator.domain.outcome import Outcome, Placed, Reason
from allocator.domain.placement import Volume
from allocator.domain.plan import Plan, Step
from allocator.domain.policy import Effort, Policy
from allocator.domain.request import Request
from allocator.explain import outcome_text
from allocator.fleet import Fleet
from allocator.goals import tiers_of
from allocator.planning.steps import attach_steps, delete_steps, detach_steps, placement_steps
from allocator.planning.trust import checked_plan
from allocator.policy import read_policy
from allocator.rules import rules_of
from allocator.screen import Screen
from allocator.verify import worsened

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from allocator.execution.report import Progress, Report
    from allocator.ledger import Ledger

EFFORT: Final = Effort()
TRIES: Final = 8
"""How often a decision is taken again because another process changed the ledger in between."""
CONTENDED: Final = f"The ledger changed under {TRIES} decisions in a row. Maybe let fewer processes place at once."


class Unsatisfiable(Exception):
    """Requests that cannot be placed (R02); `outcome` says what was asked, what was considered and why each failed."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome_text(outcome))
        self.outcome = outcome


class Contended(Exception):
    """Other processes changed the ledger faster than this one could decide."""


class Allocator:
    """A fleet that requests are placed on. Without a ledger every call is a pure decision on the documents."""

    def __init__(self, world: World, policy: Policy, ledger: Ledger | None = None) -> None:
        self.world, self.policy, self.ledger = world, policy, ledger
        self.rules = rules_of(policy)
        self.tiers = tiers_of(policy, self.rules)
        self._seen = -1
        self._screen = Screen(Fleet(world.inventory), self.rules)

    @classmethod
    def open(
        cls,
        *files: str | PathLike[str],
        policy: str | Policy = "default",
        ledger: str | None = None,
        engine: Engine | None = None,
    ) -> Allocator:
        """Read documents (later files override earlier ones by name), a policy by name or path, and a ledger by URL.

        `engine` lets the ledger live in the SQLAlchemy engine of the program that embeds it. Raises DocumentError
        for what the files say wrongly and LedgerError for a ledger that cannot be used.
        """
        chosen = policy if isinstance(policy, Policy) else read_policy(policy)
        world = load([Path(file) for file in files], chosen)
        if ledger is None:
            return cls(world, chosen)
        from allocator.ledger import Ledger

        return cls(world, chosen, Ledger.open(ledger, engine=engine))

    @property
    def inventory(self) -> Inventory:
        """All facts as of now."""
        return self._current().fleet.inventory

    def place(
        self,
        requests: Sequence[Request | Mapping[str, object]] | None = None,
        *,
        effort: Effort = EFFORT,
        explain: bool = True,
    ) -> Outcome:
        """Decide where requests go (None: those of the documents), and reserve it in the ledger if there is one.

        A request is a Request or an entry of the documents' `requests`. No driver is touched. What cannot be placed
        is refused in the outcome, with reasons if `explain`.
        """
        return self._placed(requests, effort, explain=explain, whole=False)

    def place_or_raise(
        self, requests: Sequence[Request | Mapping[str, object]] | None = None, *, effort: Effort = EFFORT
    ) -> Outcome:
        """As `place`, but all or nothing: raises Unsatisfiable where anything is refused, and then reserves nothing."""
        return self._placed(requests, effort, explain=True, whole=True)

    def explain(
        self, requests: Sequence[Request | Mapping[str, object]] | None = None, *, effort: Effort = EFFORT
    ) -> Outcome:
        """As `place`, but reserves nothing and looks further: for what is sold out, whether moves would make room."""
        screen = self._current()
        asked = self._asked(requests)
        return _outcome(look_further(decide(asked, screen, self.tiers, effort), asked, screen, effort), ())

    async def apply(self, plan: Plan, *, progress: Callable[[Progress], None] | None = None) -> Report:
        """Carry out a plan: createAsync, grantAccess, attach (R18, R19, R21), or go on with one that was interrupted.

        The plan is checked again against rules and ledger before anything is touched. Raises PlanError for a plan that
        was changed by hand or no longer holds, and LedgerError.
        """
        from allocator.execution.connect import Connections
        from allocator.execution.runner import run

        ledger = self._ledger()
        for _ in range(TRIES):
            inventory = self.inventory
            volumes = checked_plan(plan, self.world, inventory, self.rules)
            if self._reserved(plan):
                break
        else:
            raise Contended(CONTENDED)
        async with Connections(inventory.plus(volumes)) as connections:
            return await run(plan, ledger, inventory.plus(volumes), connections, progress=progress)

    def attach(self, volume: str, host: str) -> Plan:
        """The plan that attaches a placed volume to a host (more than one, where its driver can).

        Raises LookupError for a name that is not there, ValueError where it cannot be attached.
        """
        found = self._volume(volume)
        if host not in self.inventory.hosts:
            raise LookupError(f"There is no host {host} in the documents. Maybe `allocator list hosts` shows its name.")
        if host in found.hosts:
            raise ValueError(f"Volume {volume} is attached to {host} already. Maybe detach it first.")
        there = replace(found, hosts=(*found.hosts, host))
        self._must_hold(there)
        return self._reserve_plan(attach_steps([found], host), there)

    def detach(self, volume: str, host: str | None = None) -> Plan:
        """The plan that detaches a volume from a host (None: from the only one it is on) and revokes its access.

        Raises LookupError for a volume that is not there, ValueError for a host that it is not attached to.
        """
        found = self._volume(volume)
        leaving = host if host is not None or len(found.hosts) != 1 else found.hosts[0]
        if leaving is None or leaving not in found.hosts:
            where = " and ".join(found.hosts) or "no host"
            wrong = "" if host is None else f", not to {host}"
            raise ValueError(f"Volume {volume} is attached to {where}{wrong}. Maybe `allocator list volumes` helps.")
        left = replace(found, hosts=tuple(name for name in found.hosts if name != leaving))
        return self._reserve_plan(detach_steps([found], leaving), left)

    def delete(self, volume: str) -> Plan:
        """The plan that detaches, revokes and deletes a volume."""
        found = self._volume(volume)
        return self._reserve_plan(delete_steps([found]), found)

    def check(self) -> list[Reason]:
        """What an administrator should know before first use: offerings that nothing honours (R03), and more."""
        return list(checkup.check(self.inventory, self.rules))

    def audit(self) -> list[Reason]:
        """Everything that is broken now: tag drift (R05), oversold places, volumes on pools that drain."""
        return list(checkup.audit(self.inventory, self.rules))

    def close(self) -> None:
        """Let go of the ledger."""
        if self.ledger is not None:
            self.ledger.close()

    def __enter__(self) -> Allocator:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _placed(
        self, requests: Sequence[Request | Mapping[str, object]] | None, effort: Effort, *, explain: bool, whole: bool
    ) -> Outcome:
        asked = self._asked(requests)
        for _ in range(TRIES):
            screen = self._current()
            held = [volume for request in asked if (volume := screen.fleet.inventory.find(request.name)) is not None]
            new = [request for request in asked if screen.fleet.inventory.find(request.name) is None]
            decision = decide(new, screen, self.tiers, effort, explain=explain)
            outcome = _outcome(decision, held)
            if whole and outcome.refused:
                raise Unsatisfiable(outcome)
            if self.ledger is None or self._reserved(outcome.plan, decision.volumes):
                return outcome
        raise Contended(CONTENDED)

    def _asked(self, requests: Sequence[Request | Mapping[str, object]] | None) -> tuple[Request, ...]:
        if requests is None:
            return self.world.ask(None, self.inventory)
        entries = [request for request in requests if not isinstance(request, Request)]
        read = iter(self.world.ask(entries, self.inventory))
        asked = tuple(request if isinstance(request, Request) else next(read) for request in requests)
        seen = set[str]()
        for request in asked:
            if request.name in seen:
                path = ("requests", request.name, "name")
                raise DocumentError("The name is given twice.", "Maybe rename one of them.", path)
            seen.add(request.name)
        return asked

    def _current(self) -> Screen:
        """The fleet as the ledger has it now; read again only when another process changed it."""
        if self.ledger is not None and (changes := self.ledger.changes()) != self._seen:
            self._screen = Screen(Fleet(self._recorded(self.ledger)), self.rules)
            self._seen = changes
        return self._screen

    def _recorded(self, ledger: Ledger) -> Inventory:
        """The documents' places as last observed, with the ledger's volumes and those found on devices (R07)."""
        base = self.world.inventory
        if base.volumes:
            raise LookupError("With a ledger the volumes are the ledger's. Maybe take `volumes` out of the documents.")
        seen = ledger.observations()
        pools = [
            replace(
                pool, used_bytes=seen[name].used_bytes, default_qos=seen[name].default_qos.filled_from(pool.default_qos)
            )
            for name, pool in base.pools.items()
            if name in seen
        ]
        inventory = base.copy(instead=pools)
        documents = [stored.document for stored in ledger.volumes()] + ledger.foreign_documents()
        inventory.settle(self.world.hold(documents, inventory))
        return inventory

    def _reserved(self, plan: Plan, arrivals: Iterable[Volume] = ()) -> bool:
        """Reserve a plan in one transaction; False where the facts changed since they were read.

        Where the arrivals are all that the ledger changed by, the fleet takes them over without reading it again.
        """
        from allocator.ledger import StaleDecision

        if not plan.steps:
            return True
        try:
            changed = self._ledger().reserve(plan, seen=self._seen)
        except StaleDecision:
            return False
        if changed and arrivals:
            self._screen.fleet.settle(arrivals)
            self._seen += 1
        return True

    def _reserve_plan(self, steps: Iterable[Step], volume: Volume) -> Plan:
        plan = Plan.of(steps, [volume_document(volume)])
        self._ledger().reserve(plan, seen=self._seen)
        return plan

    def _must_hold(self, volume: Volume) -> None:
        inventory = self.inventory
        found = worsened(inventory, self.rules, [volume])
        if found:
            by_name = {rule.name: rule for rule in self.rules}
            after = inventory.plus([volume])
            raise ValueError("; ".join(by_name[v.rule].reason(v, after).text for v in found))

    def _volume(self, name: str) -> Volume:
        found = self.inventory.find(name)
        if found is None or found.foreign:
            raise LookupError(
                f"There is no volume {name} in the ledger. Maybe `allocator list volumes` shows its name."
            )
        return found

    def _ledger(self) -> Ledger:
        if self.ledger is None:
            raise LookupError("This needs a ledger, which remembers what was made. Maybe --ledger sqlite:///ledger.db.")
        return self.ledger


def _outcome(decision: Decision, held: Sequence[Volume]) -> Outcome:
    """The decision with its plan; requests that were placed before stay where they are, without steps."""
    volumes = decision.volumes
    plan = Plan.of(placement_steps(volumes), [volume_document(volume) for volume in volumes])
    placed = tuple(
        Placed(
            request=volume.name,
            vm=volume.request.vm,
            pool=volume.pool,
            host=volume.hosts[0] if volume.hosts else None,
            qos=str(volume.alternative.kind),
            alternative=volume.alternative.index,
        )
        for volume in (*held, *volumes)
    )
    return Outcome(decision.status, plan, 0.0, decision.goals, placed, decision.refused)

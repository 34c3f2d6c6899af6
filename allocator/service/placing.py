"""Deciding on the fleet as it stands: what was asked, what is there already, and what is reserved of the answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from allocator.decide import Decision, decide, look_further
from allocator.documents import DocumentError, World, volume_document
from allocator.documents.requests import RequestEntry
from allocator.domain.inventory import Inventory
from allocator.domain.outcome import Placed
from allocator.domain.placement import Volume
from allocator.domain.plan import Plan
from allocator.domain.policy import Effort
from allocator.domain.request import Request
from allocator.explain import Explained
from allocator.goal import Tiers
from allocator.metrics import Metrics
from allocator.minutes import Minutes
from allocator.planning.steps import placement_steps
from allocator.salvage import salvage
from allocator.screen import Screen
from allocator.service.answered import Refused, answered
from allocator.service.standing import Proposal, Standing

Asked = Sequence[Request | Mapping[str, object]] | None
"""Requests, or entries of the documents' `requests`; None: those of the documents."""


class Unsatisfiable(Refused):
    """Requests that cannot be placed (R02); `outcome` says what was asked, what was considered and why each failed."""

    def __init__(self, outcome: Explained) -> None:
        super().__init__(outcome.explain(), outcome)


class Placing:
    """What a decision needs of a fleet that others change meanwhile."""

    def __init__(self, world: World, standing: Standing, tiers: Tiers, minutes: Minutes, metrics: Metrics) -> None:
        self._world, self._standing, self._tiers = world, standing, tiers
        self._minutes, self._metrics = minutes, metrics

    def placed(
        self,
        requests: Asked,
        decided: Callable[..., Decision],
        *,
        explain: bool,
        whole: bool,
        begin: Callable[[], None] = lambda: None,
    ) -> Explained:
        """Decide, and reserve that: all or nothing with `whole`, which raises Unsatisfiable.

        `begin` is called before anything is reserved; what it raises is raised.
        """
        swift = _is_one_vm(self._world.asked if requests is None else requests)
        propose = partial(self._proposed, requests, decided, whole=whole, begin=begin, saves=not swift and not whole)
        swiftly = partial(propose, explain=False) if swift else None
        return answered(lambda: self._standing.agree(partial(propose, explain=explain), swiftly), self._metrics)

    def _proposed(
        self,
        requests: Asked,
        decided: Callable[..., Decision],
        screen: Screen,
        *,
        explain: bool,
        whole: bool,
        begin: Callable[[], None],
        saves: bool,
        before: Decision | None = None,
    ) -> Proposal[Explained]:
        """What to reserve; `saves`: where others break it in part, what still holds of it stays (`before`)."""
        inventory = screen.fleet.inventory
        asked = self._asked(requests, inventory)
        held, new = _split(asked, inventory)
        saved = None if before is None else salvage(before, new, screen, self._tiers, explain=explain)
        decision = saved or decided(new, screen, explain=explain)
        outcome = _outcome(decision, held)
        if whole and explain and outcome.refused:
            raise Unsatisfiable(outcome)
        begin()
        again = None
        if saves:
            again = partial(
                self._proposed, requests, decided,
                explain=explain, whole=whole, begin=begin, saves=True, before=decision,
            )  # fmt: skip
        return Proposal(
            outcome,
            lambda: outcome.plan,
            {request.name for request in asked},
            decision.volumes,
            settles=True,
            again=again,
            grounds=partial(self._minutes.of, decision, screen),
        )

    def _asked(self, requests: Asked, inventory: Inventory) -> tuple[Request, ...]:
        if requests is None:
            return self._world.ask(None, inventory)
        entries = [request for request in requests if not isinstance(request, Request)]
        read = iter(self._world.ask(entries, inventory) if entries else ())
        asked = tuple(request if isinstance(request, Request) else next(read) for request in requests)
        seen = set[str]()
        for request in asked:
            if request.name in seen:
                path = ("requests", request.name, "name")
                raise DocumentError("The name is given twice.", "Maybe rename one of them.", path)
            seen.add(request.name)
        return asked

    def changed(self, change: Callable[[Inventory], Plan]) -> Plan:
        """Reserve a plan that changes a volume; it is made again where other processes changed the ledger meanwhile."""

        def propose(screen: Screen) -> Proposal[Plan]:
            plan = change(screen.fleet.inventory)
            return Proposal(plan, lambda: plan, grounds=partial(self._minutes.of_plan, "asked"))

        return self._standing.agree(propose, propose)

    def explained(self, requests: Asked, effort: Effort) -> Explained:
        """What would be decided, and whether moves would make room for what is refused; nothing is reserved."""
        with self._standing.lock:
            screen = self._standing.screen()
            inventory = screen.fleet.inventory
            held, new = _split(self._asked(requests, inventory), inventory)
            decision = decide(new, screen, self._tiers, effort)
            return _outcome(look_further(decision, new, screen, effort), held)


def _is_one_vm(asked: Sequence[Request | RequestEntry | Mapping[str, object]]) -> bool:
    """Whether that is all that is asked for, so that ranking decides and no solver."""
    vms = {
        entry.get("vm") or entry.get("name") if isinstance(entry, Mapping) else entry.vm or entry.name
        for entry in asked
    }
    return len(vms) == 1


def _split(asked: Sequence[Request], inventory: Inventory) -> tuple[list[Volume], list[Request]]:
    """Requests that were placed before, as volumes, and those that are new."""
    found = [(request, inventory.find(request.name)) for request in asked]
    return [held for _, held in found if held is not None], [request for request, held in found if held is None]


def _outcome(decision: Decision, held: Sequence[Volume]) -> Explained:
    """The decision with its plan; requests that were placed before stay where they are, without steps."""
    volumes = decision.volumes
    placed = tuple([_placed(volume) for volume in (*held, *volumes)])
    plan = partial(_plan, volumes)
    return Explained(decision.status, plan, 0.0, decision.goals, placed, decision.refused, decision.deterministic)


def _placed(volume: Volume) -> Placed:
    request, kept = volume.request, volume.alternative
    host = volume.hosts[0] if volume.hosts else None
    return Placed(request.name, request.vm, volume.pool, host, str(kept.kind), kept.index)


def _plan(volumes: Sequence[Volume]) -> Plan:
    return Plan.of(placement_steps(volumes), [volume_document(volume) for volume in volumes])

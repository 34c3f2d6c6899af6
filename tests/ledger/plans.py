"""Plans and documents for tests of the ledger, which reads no more of a document than name and pool."""

from __future__ import annotations

from collections.abc import Iterable

from allocator.domain.placement import Volume
from allocator.domain.plan import Plan, Step
from allocator.domain.request import Request
from allocator.ledger import Claim, Entry, Ledger, Mark, Settled
from allocator.planning.steps import attach_steps, delete_steps, placement_steps


def volumes(names: Iterable[str], *hosts: str) -> list[Volume]:
    return [Volume(Request(name, 2**30, ()), "p1", hosts) for name in names]


def documents(names: Iterable[str], *hosts: str) -> list[dict[str, object]]:
    return [{"name": name, "pool": "p1", "hosts": list(hosts)} for name in names]


def placing(*names: str, hosts: tuple[str, ...] = ()) -> Plan:
    return Plan.of(placement_steps(volumes(names, *hosts)), documents(names, *hosts))


def attaching(name: str, host: str) -> Plan:
    return Plan.of(attach_steps(volumes([name], host), host), documents([name], host))


def deleting(*names: str) -> Plan:
    return Plan.of(delete_steps(volumes(names)), documents(names))


def claimed(ledger: Ledger, plan: Plan, owner: str = "me") -> Claim:
    """The right to run a plan, whoever has it now."""
    return ledger.claim(plan, owner=owner, lease_seconds=60, alive=lambda _: False)


def step_of(plan: Plan, kind: str, name: str) -> Step:
    return next(step for step in plan.steps if (step.kind, step.volume) == (kind, name))


def created(ledger: Ledger, plan: Plan, *names: str) -> None:
    """Carry a placement of volumes without hosts through, on paper."""
    claim = claimed(ledger, plan)
    for name in names:
        done = Mark(step_of(plan, "create", name), "done", {"native_id": f"n-{name}"})
        ledger.record(claim, [Entry((done,), Settled(name, "done", documents([name])[0]))])
    ledger.finish(claim, "done")

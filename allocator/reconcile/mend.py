"""Mending what differs: first what only the ledger must be told, then a plan like any other, journalled by steps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from allocator.documents import volume_document
from allocator.domain.inventory import Inventory
from allocator.domain.plan import MENDING, Plan
from allocator.execution.connect import Connections
from allocator.execution.runner import run
from allocator.execution.watching import watched
from allocator.ledger import AlreadyHeld, Ledger, PlanBusy, StoredVolume
from allocator.metrics import Metrics
from allocator.planning.mending import Mend, mending_steps
from allocator.reconcile.compare import Comparison
from allocator.reconcile.difference import Condemned, Difference, merged
from allocator.reconcile.findings import Finding, Unmended

Hold = Callable[[Callable[[Inventory], Plan]], Plan]
"""Reserves the plan that a function makes of the facts as of now, or makes it again where they have changed."""


def tell(ledger: Ledger, compared: Comparison, differences: Sequence[Difference]) -> list[Unmended]:
    """Bring the ledger's own record up to date; whatever is to be deleted is held first. What could not be held."""
    findings = [difference.finding for difference in differences]
    documents = compared.strangers()
    for finding in _of("foreign", findings):
        ledger.foreign(finding.place, documents[finding.place])
    for name, shown in compared.seen.pools.items():
        if not isinstance(shown, str):
            ledger.observed(name, shown.stats.used_bytes, shown.stats.default_qos)
    ids = {stored.name: stored.volume_id for stored in compared.records.steady}
    ledger.mark_gone({finding.subject: ids[finding.subject] for finding in _of("gone", findings)})
    ledger.mark_gone({finding.subject: ids[finding.subject] for finding in _of("back", findings)}, back=True)
    for finding in _of("bound", findings):
        ledger.let_go(finding.subject)
    return [
        failed
        for difference in differences
        if difference.condemned is not None and (failed := _condemn(ledger, difference.condemned)) is not None
    ]


@dataclass(frozen=True, slots=True)
class Mending:
    """Carries out what mends; what failed is given back in the driver's words. `inventory`: the facts as of now."""

    ledger: Ledger
    connections: Connections
    inventory: Callable[[], Inventory]
    metrics: Metrics

    async def mend(self, mends: Iterable[Mend], hold: Hold) -> list[Unmended]:
        """Hold the volumes that are still free, and carry out what mends them."""
        wanted = merged(mends)

        def free(inventory: Inventory) -> Plan:
            now = {stored.name: stored for stored in self.ledger.volumes(wanted.keys()) if stored.plan is None}
            left = [mend for mend in wanted.values() if mend.volume in now and _may(mend, now[mend.volume])]
            volumes = [inventory.volumes[mend.volume] for mend in left]
            return Plan.of(mending_steps(left), [volume_document(volume) for volume in volumes])

        plan = await asyncio.to_thread(hold, free)
        return await self._carried_out(plan) if plan.steps else []

    async def go_on(self) -> list[Unmended]:
        """Carry out what an earlier call began to mend; nothing of it where another process is at it."""
        failed = []
        for plan in self.ledger.unfinished():
            if any(step.kind in MENDING for step in plan.steps):
                failed += await self._carried_out(plan)
        return failed

    async def _carried_out(self, plan: Plan) -> list[Unmended]:
        inventory = await asyncio.to_thread(self.inventory)
        try:
            with watched(plan, self.metrics, None) as told:
                report = await run(plan, self.ledger, inventory, self.connections, progress=told)
        except PlanBusy as busy:
            return [Unmended(plan.id, str(busy))]
        return [Unmended(volume.volume, volume.error.text) for volume in report.volumes if volume.error is not None]


def _condemn(ledger: Ledger, condemned: Condemned) -> Unmended | None:
    try:
        ledger.condemn(condemned.name, condemned.volume_id, condemned.pool, condemned.document)
    except AlreadyHeld as held:
        return Unmended(condemned.name, str(held))
    return None


def _may(mend: Mend, stored: StoredVolume) -> bool:
    """Whether the volume is still what the mend is for: only what was condemned is deleted."""
    return stored.pool == mend.pool and (stored.state == "deleting" if mend.delete else stored.state == "available")


def _of(kind: str, findings: Iterable[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.kind == kind]

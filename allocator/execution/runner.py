"""Carries out a plan: from wherever it stands, to where it is done or undone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from allocator.domain.inventory import Inventory
from allocator.domain.plan import Plan
from allocator.driver import DriverError
from allocator.execution.attempts import Patience
from allocator.execution.chains import units_of
from allocator.execution.connect import Connections
from allocator.execution.elsewhere import Again
from allocator.execution.journal import Journal
from allocator.execution.moving import Moving
from allocator.execution.outlast import outlast
from allocator.execution.owner import may_live, this_run
from allocator.execution.report import Progress, Report
from allocator.execution.slots import Slots
from allocator.execution.summary import summarise
from allocator.execution.unit import Unit
from allocator.execution.work import Work
from allocator.ledger import Ledger, LedgerError

PATIENCE: Final = Patience()
LEASE_SECONDS: Final = 60


async def run(
    plan: Plan,
    ledger: Ledger,
    inventory: Inventory,
    connections: Connections,
    *,
    back: bool = False,
    afresh: bool = False,
    progress: Callable[[Progress], None] | None = None,
    patience: Patience = PATIENCE,
    parallel: int = 16,
    lease_seconds: int = LEASE_SECONDS,
    again: Again | None = None,
) -> Report:
    """Carry out a reserved plan, or go on with one that was interrupted; one that is over is only reported.

    `inventory` holds the plan's volumes. With `back` everything that is not done yet is undone instead; with
    `afresh` what failed is tried again as if it had never been. A request that fails is undone together with the
    others of its VM, and the rest go on; a plan of which something can neither be done nor undone is stuck, with a
    reason. Where a pool has no space, `again` is asked for another target (None: that is a failure). `parallel`
    bounds the calls under way at once, beside what each manifest allows. When cancelled it stops as soon as what
    was done is on record, and a further run goes on from there. Raises LedgerError (UnknownPlan, PlanBusy,
    LostLease...), PluginError, SecretError.
    """
    _check_plugins(plan, inventory, connections)
    if not plan.steps:
        return Report(plan.id, "done")
    owner = this_run()
    claim = outlast(lambda: ledger.claim(plan, owner=owner, lease_seconds=lease_seconds, alive=may_live, afresh=afresh))
    if claim.state != "running":
        return summarise(claim.content, claim.steps)
    try:
        actions = Moving(inventory, connections, outlast(lambda: ledger.volumes({step.volume for step in plan.steps})))
        async with Journal(ledger, claim) as journal:
            work = Work(
                claim,
                journal,
                actions,
                connections.secrets,
                patience=patience,
                slots=Slots(inventory, connections.gates, parallel),
                progress=progress,
                again=again,
            )
            await _every_unit(work, back=back)
    except BaseException as error:
        # Whoever comes next need not wait until the lease is over.
        with suppress(LedgerError):
            ledger.finish(claim, "running")
        if isinstance(error, BaseExceptionGroup):
            raise _innermost(error) from error
        raise
    report = summarise(work.plan, work.records)
    outlast(lambda: ledger.finish(claim, report.state, report.reason))
    return report


async def _every_unit(work: Work, *, back: bool) -> None:
    units = [Unit(chains, work) for chains in units_of(work.plan)]
    async with asyncio.TaskGroup() as group:
        for unit in units:
            group.create_task(unit.run(back=back))


def _check_plugins(plan: Plan, inventory: Inventory, connections: Connections) -> None:
    """Find out before anything is touched that a plug-in is not installed or a secret is missing.

    A plug-in that cannot reach its device yet says so at each step instead.
    """
    for step in plan.steps:
        pool, host = inventory.pools.get(step.pool), inventory.hosts.get(step.host or "")
        with suppress(DriverError):
            if pool is not None:
                connections.driver(pool)
            if host is not None:
                connections.agent(host)


def _innermost(error: BaseException) -> BaseException:
    """The first of the errors that task groups have wrapped."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error

"""Ledger and devices compared, and with `fix` mended and compared again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from allocator.domain.inventory import Inventory
from allocator.execution.connect import Connections
from allocator.execution.look import look
from allocator.ledger import Ledger
from allocator.logs import logger
from allocator.metrics import NO_METRICS, Metrics
from allocator.reconcile.compare import Comparison
from allocator.reconcile.findings import Reconciliation
from allocator.reconcile.mend import Hold, Mending, tell
from allocator.reconcile.records import records

_LOG: Final = logger(__name__)


async def reconcile(
    ledger: Ledger,
    inventory: Callable[[], Inventory],
    hold: Hold,
    connections: Connections,
    *,
    fix: bool,
    metrics: Metrics = NO_METRICS,
) -> Reconciliation:
    """What differs between the ledger and what drivers and agents hold; with `fix`, what of it is left.

    `inventory` gives the facts as of now. What an unfinished plan works on is skipped. Without `fix` nothing is
    changed, not even in the ledger. Whatever dies on the way is gone on with by the next call that may fix. Raises
    LedgerError.
    """
    mending = Mending(ledger, connections, inventory, metrics)
    unmended = await mending.go_on() if fix else []
    compared = await _compared(ledger, inventory, connections)
    differences = compared.differences()
    findings, skipped = tuple(difference.finding for difference in differences), compared.records.skipped
    for finding in findings:
        metrics.count("findings", {"kind": finding.kind})
        told = {"event": "found", "kind": finding.kind, "place": finding.place, "volume": finding.subject}
        _LOG.warning("%s %s on %s: %s", finding.kind, finding.subject, finding.place, finding.text, extra=told)
    if not fix or not differences:
        return Reconciliation(findings, findings, skipped, tuple(unmended))
    unmended += tell(ledger, compared, differences)
    wanted = [difference.mend for difference in differences if difference.mend is not None]
    unmended += await mending.mend(wanted, hold)
    again = await _compared(ledger, inventory, connections)
    left = tuple(difference.finding for difference in again.differences())
    return Reconciliation(findings, left, again.records.skipped, tuple(unmended))


async def _compared(ledger: Ledger, inventory: Callable[[], Inventory], connections: Connections) -> Comparison:
    before = ledger.volumes()
    seen = await look(await asyncio.to_thread(inventory), connections)
    known = records(ledger, before, seen)
    # Read last: it holds whatever the records name. In a thread, since another may solve a batch meanwhile.
    return Comparison(await asyncio.to_thread(inventory), known, seen)

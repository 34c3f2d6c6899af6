"""`status`: what the ledger holds and what is unfinished; with a look at the storage itself where that is wished."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import asdict
from typing import Any, Final

from allocator.cli import show
from allocator.cli.codes import DONE, FOUND, BadInput
from allocator.cli.session import Given
from allocator.domain.inventory import Inventory
from allocator.domain.sizes import format_bytes
from allocator.execution.connect import Connections
from allocator.execution.observe import Finding, observe
from allocator.ledger import Ledger

WIDEST_ACTOR: Final = 32
"""Signs: a name may have 200, and what was done stands behind it. All of it is in the JSON, and `why` tells it."""


def status(given: Given, *, look: bool, events: int) -> int:
    """Show the ledger; with `look` every driver is asked first, and what it shows is recorded (R07)."""
    findings = _looked(given) if look else []
    ledger = given.look()
    try:
        facts = _facts(ledger, events)
    finally:
        ledger.close()
    if given.as_json:
        show.data({**facts, "findings": [asdict(finding) for finding in findings]})
    else:
        _show(facts)
        for finding in findings:
            show.say(f"{finding.kind}: {finding.text}", "red")
    return FOUND if findings else DONE


def _looked(given: Given) -> list[Finding]:
    if not given.files:
        raise BadInput("Without documents nobody knows which drivers to ask. Maybe add -f.")
    with given.open() as allocator:
        assert allocator.ledger is not None
        return asyncio.run(_asked(allocator.inventory, allocator.ledger))


async def _asked(inventory: Inventory, ledger: Ledger) -> list[Finding]:
    async with Connections(inventory) as connections:
        return await observe(inventory, ledger, connections)


def _facts(ledger: Ledger, events: int) -> dict[str, Any]:
    foreign = Counter(str(document["pool"]) for document in ledger.foreign_documents())
    return {
        "version": 1,
        "volumes": dict(sorted(Counter(volume.shown_state for volume in ledger.volumes()).items())),
        "unfinished": [
            {"plan": plan.id, "steps": len(plan.steps), "volumes": [str(volume["name"]) for volume in plan.volumes]}
            for plan in ledger.unfinished()
        ],
        "pools": [
            {"pool": name, "used_bytes": seen.used_bytes, "foreign": foreign[name], "at": seen.at}
            for name, seen in sorted(ledger.observations().items())
        ],
        "events": [asdict(event) for event in ledger.events(last=events)],
    }


def _show(facts: dict[str, Any]) -> None:
    counts = ", ".join(f"{number:,} {state}" for state, number in facts["volumes"].items())
    show.say(f"volumes: {counts or 'none'}")
    show.table(
        ["UNFINISHED PLAN", "STEPS", "VOLUMES"],
        [[plan["plan"], f"{plan['steps']:,}", show.some(plan["volumes"])] for plan in facts["unfinished"]],
    )
    show.table(
        ["POOL", "USED", "FOREIGN VOLUMES", "SEEN AT"],
        [
            [
                pool["pool"],
                "" if pool["used_bytes"] is None else format_bytes(pool["used_bytes"]),
                f"{pool['foreign']:,}",
                show.time(pool["at"]),
            ]
            for pool in facts["pools"]
        ],
    )
    show.table(
        ["AT", "WHO", "WHAT", "OF", "MORE"],
        [
            [
                show.time(event["at"]),
                show.short(event["actor"], WIDEST_ACTOR),
                event["kind"],
                event["subject"],
                event["text"],
            ]
            for event in facts["events"]
        ],
    )

"""`reconcile`: what differs between the ledger and the devices, and what was mended of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from allocator.cli import show
from allocator.cli.codes import DONE, FOUND, STOPPED
from allocator.cli.session import Given
from allocator.reconcile.findings import Finding, Reconciliation


def reconcile(given: Given, *, fix: bool) -> int:
    """Compare, with `fix` mend, and say what is left."""
    try:
        with given.open() as allocator:
            seen = asyncio.run(allocator.reconcile(fix=fix))
    except KeyboardInterrupt:
        show.complain("Stopped; what was mended is on record. The same command goes on from there.")
        return STOPPED
    if given.as_json:
        show.data(_data(seen, fix=fix))
    else:
        _show(seen, fix=fix)
    return FOUND if seen.left else DONE


def _show(seen: Reconciliation, *, fix: bool) -> None:
    found, left = _keys(seen.findings), _keys(seen.left)
    for finding in seen.findings:
        mended = _key(finding) not in left
        text = f"{finding.ledger}; {finding.device}. Mended." if mended else finding.text
        show.say(f"{_head(finding)}: {text}", None if mended else "red")
    for finding in seen.left:
        if _key(finding) not in found:
            show.say(f"{_head(finding)}: {finding.text}", "red")
    plans: dict[str, list[str]] = {}
    for skipped in seen.skipped:
        plans.setdefault(skipped.plan, []).append(skipped.subject)
    for plan, names in plans.items():
        show.say(f"Skipped, since plan {plan} works on it: {show.some(names)}. Maybe apply that plan first.")
    for failed in seen.unmended:
        show.say(f"{failed.subject} was not mended: {failed.text}", "red")
    if not seen.findings:
        show.say("Nothing found.", "green")
    elif not fix and any(finding.mends for finding in seen.findings):
        show.say("Nothing was changed. Maybe `allocator reconcile --fix` mends it.")


def _head(finding: Finding) -> str:
    where = "" if finding.subject == finding.place else f" on {finding.place}"
    return f"{finding.kind} {finding.subject}{where}"


def _data(seen: Reconciliation, *, fix: bool) -> dict[str, Any]:
    left = _keys(seen.left)
    return {
        "version": 1,
        "fix": fix,
        "findings": [{**asdict(finding), "left": _key(finding) in left} for finding in seen.findings],
        "left": [asdict(finding) for finding in seen.left],
        "skipped": [asdict(skipped) for skipped in seen.skipped],
        "unmended": [asdict(failed) for failed in seen.unmended],
    }


def _keys(findings: Iterable[Finding]) -> set[tuple[str, str, str, str]]:
    return {_key(finding) for finding in findings}


def _key(finding: Finding) -> tuple[str, str, str, str]:
    return finding.kind, finding.place, finding.subject, finding.device

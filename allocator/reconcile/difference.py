"""A finding with what mends it, and the arithmetic by which two QoS are the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from allocator.domain.qos import UNITS, Qos
from allocator.ledger.records import Document
from allocator.planning.mending import Mend
from allocator.reconcile.findings import Finding


@dataclass(frozen=True, slots=True)
class Condemned:
    """What is to be deleted, as the ledger is to hold it until then."""

    name: str
    volume_id: str
    pool: str
    document: Document


@dataclass(frozen=True, slots=True)
class Difference:
    """A finding, and what mends it. What the ledger alone must be told follows from the finding's kind."""

    finding: Finding
    mend: Mend | None = None
    condemned: Condemned | None = None
    """What must be held first, where the mend deletes."""


def merged(mends: Iterable[Mend]) -> Mapping[str, Mend]:
    """One mend for each volume; where it is to be deleted, nothing is given any more."""
    found: dict[str, Mend] = {}
    for mend in mends:
        other = found.get(mend.volume, Mend(mend.volume, mend.pool))
        found[mend.volume] = replace(
            other,
            detach=_united(other.detach, mend.detach),
            withdraw=other.withdraw or mend.withdraw,
            regrant=_united(other.regrant, mend.regrant),
            reattach=_united(other.reattach, mend.reattach),
            delete=other.delete or mend.delete,
        )
    return found


def differ(asked: Qos, shown: Qos) -> bool:
    """Whether a device keeps other figures than asked for, or one that was not.

    How long a burst lasts and how large an I/O counts is compared only where somebody asked for that.
    """
    if set(asked.asked()) != set(shown.asked()):
        return True
    for unit in UNITS:
        there = dict(shown.bands(unit))
        for direction, band in asked.bands(unit):
            if band.burst_seconds not in (None, there[direction].burst_seconds):
                return True
    return any(unit == "iops" for unit, *_ in asked.asked()) and asked.io_size_bytes != shown.io_size_bytes


def _united(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({*one, *other}))

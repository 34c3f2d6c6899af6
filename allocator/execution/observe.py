"""What is really there: records what the engine did not make (R07), tells where ledger and devices differ."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from allocator.documents.writing import volume_document
from allocator.domain.inventory import Inventory
from allocator.domain.placement import Volume
from allocator.domain.places import Pool
from allocator.domain.qos import Band, Bands, Kind, Qos, QosWish, alternatives
from allocator.domain.request import Request
from allocator.driver import ObservedVolume
from allocator.execution.connect import Connections
from allocator.execution.look import look_at_pools
from allocator.ledger import Ledger, StoredVolume

FindingKind = Literal["gone", "unrecorded", "unreachable"]


@dataclass(frozen=True, slots=True)
class Finding:
    """A difference between the ledger and what is there.

    `gone`: recorded, but not on its pool; `unrecorded`: made by an engine, but not in this ledger;
    `unreachable`: the pool's device did not answer, so that what is known of it is old.
    """

    kind: FindingKind
    pool: str
    subject: str
    text: str


async def observe(inventory: Inventory, ledger: Ledger, connections: Connections) -> list[Finding]:
    """Ask every pool's driver what is there, record it, and tell the differences, by pool.

    Raises LedgerError. Nothing on any device is changed.
    """
    # Volumes come and go meanwhile: only what is recorded both before and after was there all the time.
    before = _by_id(ledger.volumes())
    seen = await look_at_pools(inventory, connections)
    after = _by_id(ledger.volumes())
    copied = {volume.copy.volume_id for volume in (*before.values(), *after.values()) if volume.copy is not None}
    findings: list[Finding] = []
    for name, answer in seen.items():
        pool = inventory.pools[name]
        if isinstance(answer, str):
            findings.append(Finding("unreachable", pool.name, pool.name, f"Pool {pool.name}: {answer}"))
            continue
        stats, there = answer.stats, answer.volumes
        recorded = before.keys() | after.keys() | copied
        strangers = [volume for volume in there if not volume.ours or volume.handle.volume_id not in recorded]
        ledger.observed(pool.name, stats.used_bytes, stats.default_qos)
        ledger.foreign(pool.name, [volume_document(stranger(pool, volume)) for volume in strangers])
        findings += _unrecorded(pool, strangers)
        findings += _gone(pool, before, after, {volume.handle.volume_id for volume in there})
    return findings


def _by_id(stored: Collection[StoredVolume]) -> dict[str, StoredVolume]:
    return {volume.volume_id: volume for volume in stored}


def _unrecorded(pool: Pool, strangers: Collection[ObservedVolume]) -> list[Finding]:
    return [
        Finding(
            "unrecorded",
            pool.name,
            volume.handle.volume_id,
            f"Pool {pool.name} has {volume.handle.volume_id}, which an engine made and this ledger does not "
            "know. Maybe another ledger does.",
        )
        for volume in strangers
        if volume.ours
    ]


def _gone(
    pool: Pool, before: Mapping[str, StoredVolume], after: Mapping[str, StoredVolume], there: Collection[str]
) -> list[Finding]:
    return [
        Finding(
            "gone",
            pool.name,
            known.name,
            f"Volume {known.name} ({volume_id}) is in the ledger but not on pool {pool.name}. "
            "Maybe it was deleted by hand.",
        )
        for volume_id, known in sorted(before.items())
        if known.pool == pool.name
        and known.state == "available"
        and volume_id not in there
        and volume_id in after
        and after[volume_id].state == "available"
    ]


def stranger(pool: Pool, seen: ObservedVolume) -> Volume:
    """A volume that this ledger did not make, as it counts: its size, and the totals of its QoS.

    Its own name may be any text and may be somebody's secret, so it gets one made from a hash.
    """
    digest = hashlib.sha256(f"{pool.name}/{seen.handle.native_id}".encode()).hexdigest()[:16]
    qos = Qos(_totals(seen.qos.iops), _totals(seen.qos.bandwidth), seen.qos.io_size_bytes)
    wishes = (QosWish(Kind.PROVISIONED if qos.has_floor() else Kind.LIMIT, qos),) if qos else ()
    size_bytes = max(seen.size_bytes, 1)
    request = Request(f"foreign-{digest}", size_bytes, alternatives(wishes, size_bytes))
    return Volume.on(pool, request, request.alternatives[0], foreign=True)


def _totals(bands: Bands) -> Bands:
    ceiling, peak = bands.ceiling(), bands.peak()
    burst = peak if peak is not None and ceiling is not None and peak > ceiling else None
    return Bands(Band(bands.floor(), ceiling, burst))

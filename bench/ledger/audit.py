"""What lies in a ledger, added up item by item without a line of the engine: is anything sold that is not there?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from allocator.ledger import StoredVolume
from bench.ledger.contended import HOST, HOSTS, POOLS, QUOTA, rack

Sums = Mapping[tuple[str, str], int]
"""By what is summed up and where."""


def summed(held: Iterable[StoredVolume]) -> dict[tuple[str, str], int]:
    """Bytes, floors and volumes of every pool and host, and whatever else the fleet limits."""
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for stored in held:
        document: Any = stored.document
        floor, ceiling, throttle = _figures(document["qos"])
        pool = stored.pool
        kind = pool.partition("-")[0]
        sums["bytes", pool] += document["size"]
        sums["iops", pool] += floor
        sums["volumes", pool] += 1
        sums["snapshots", pool] += document.get("resources", {}).get("snapshots", 0)
        sums["ceilings", pool] += ceiling if kind == "caps" and floor else 0
        sums["promised", pool] += floor > 0
        sums["unlimited", pool] += not (floor or ceiling or throttle)
        sums["dedicated", pool] += document["dedicated"]
        if "apart" in document:
            sums[f"group {document['group']}", f"rack {rack(pool)}"] += 1
        if document.get("tenant") == "acme" and kind == "fast":
            sums["bytes", "acme"] += document["size"]
            sums["iops", "acme"] += floor
        for host in document.get("hosts", ()):
            sums["iops", host] += floor + throttle
            sums["volumes", host] += 1
    return sums


def oversold(held: Iterable[StoredVolume]) -> list[str]:
    """Every limit of the fleet that is broken, each as a sentence."""
    held = list(held)
    sums = summed(held)
    found = []
    for place, limits in [*POOLS.items(), *((host, HOST) for host in HOSTS), ("acme", QUOTA)]:
        for what, limit in limits.items():
            if sums[what, place] > limit:
                found.append(f"{place} sells {limit:,} {what} and has sold {sums[what, place]:,}")
    for pool, limits in POOLS.items():
        if pool.startswith("caps") and sums["ceilings", pool] > limits["iops"]:
            found.append(f"{pool} has ceilings of {sums['ceilings', pool]:,} IOPS beside promises")
        if pool.startswith("caps") and sums["promised", pool] and sums["unlimited", pool]:
            found.append(f"{pool} holds promises and volumes without limit")
        if sums["dedicated", pool] and sums["volumes", pool] > 1:
            found.append(f"{pool} is shared and was wanted alone")
    found += [f"{what} has {sum_} volumes in {where}" for (what, where), sum_ in sums.items() if _crowd(what, sum_)]
    return found + [f"VM {vm} is on {len(hosts)} hosts" for vm, hosts in _hosts(held).items() if len(hosts) != 1]


def _crowd(what: str, volumes: int) -> bool:
    return what.startswith("group ") and volumes > 1


def _hosts(held: Iterable[StoredVolume]) -> dict[str, set[str]]:
    """The hosts of every VM."""
    hosts: dict[str, set[str]] = defaultdict(set)
    for stored in held:
        document: Any = stored.document
        if "vm" in document:
            hosts[document["vm"]].update(document["hosts"])
    return hosts


def _figures(qos: list[dict[str, dict[str, int]]]) -> tuple[int, int, int]:
    """Floor, ceiling and throttle in IOPS."""
    asked = qos[0] if qos else {}
    promised, throttled = asked.get("provisioned", {}), asked.get("throttled", {})
    return promised.get("min_iops", 0), promised.get("max_iops", 0), throttled.get("total_iops", 0)

"""A fleet and its requests in Cinder's words: services that report pools with capabilities, and volumes of a type.

Cinder has no word for a host, a second QoS alternative, a forbidden tag or a group: those are left out, which makes its
work less. A service has pools of one zone, which is its availability zone.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final

from allocator.domain.inventory import Inventory
from allocator.domain.places import Pool
from allocator.domain.qos import Alternative, Kind
from allocator.domain.request import Request
from allocator.domain.sizes import GIB, ceil_times, format_factor

POOLS_PER_SERVICE: Final = 10
"""The fewer services the faster Cinder: with a service for each pool it takes four times as long (measured)."""
FILTER_FUNCTION: Final = "capabilities.free_iops >= qos.minIOPS"
"""What DriverFilter asks of a pool that sells IOPS; a sum within would take twice as long to parse (measured)."""
GOODNESS_FUNCTION: Final = "100 * capabilities.free_iops / capabilities.max_iops"
"""For GoodnessWeigher: the share of its IOPS that a pool has left."""
CEILINGS: Final = {"total": "total_iops_sec", "read": "read_iops_sec", "write": "write_iops_sec"}
"""Cinder's names for limits that Nova or the driver enforces."""


def services(inventory: Inventory, *, iops: bool, unit_bytes: int = GIB) -> list[dict[str, Any]]:
    """The services of a fleet: `host`, `zone` and what their `pools` report, capacity in whole units rounded down.

    With `iops`, pools that guarantee IOPS also state the two functions above. Raises ValueError for a pool of no zone.
    """
    zones: dict[str, list[Pool]] = defaultdict(list)
    for pool in inventory.pools.values():
        if pool.zone is None:
            raise ValueError(f"Pool {pool.name} lies in no zone, so that no service reports it. Maybe give it a zone.")
        zones[pool.zone].append(pool)
    return [
        {
            "host": f"cinder@{zone}-{start // POOLS_PER_SERVICE}",
            "zone": zone,
            "pools": [
                _capabilities(pool, inventory, iops, unit_bytes) for pool in members[start : start + POOLS_PER_SERVICE]
            ],
        }
        for zone, members in sorted(zones.items())
        for start in range(0, len(members), POOLS_PER_SERVICE)
    ]


def volume(request: Request, *, unit_bytes: int = GIB) -> dict[str, Any]:
    """One volume to create: `size` in whole units rounded up, `zone`, and `extra_specs` and `qos` of its `type`.

    Of the QoS alternatives it is the first. Every volume states a `minIOPS`, since a function that reads one
    where there is none refuses every pool.
    """
    first = request.alternatives[0]
    wanted = {f"tag_{tag}": "<is> True" for tag in sorted(request.tags)}
    if first.kind is Kind.PROVISIONED:
        wanted["QoS_support"] = "<is> True"
    if request.provisioning is not None:
        wanted[f"{request.provisioning}_provisioning_support"] = "<is> True"
    return {
        "name": request.name,
        "type": request.offering or "own",
        "size": -(-request.size_bytes // unit_bytes),
        "zone": request.zone,
        "extra_specs": wanted,
        "qos": _qos(first),
    }


def floor_iops(request: Request) -> int:
    """The IOPS that a volume's first alternative guarantees."""
    first = request.alternatives[0]
    return (first.qos.iops.floor() or 0) if first.kind is Kind.PROVISIONED else 0


def _qos(alternative: Alternative) -> dict[str, str]:
    bands = alternative.qos.iops
    known: dict[str, int | None]
    if alternative.kind is Kind.PROVISIONED:
        known = {"minIOPS": bands.floor() or 0, "maxIOPS": bands.total.ceiling, "burstIOPS": bands.total.burst}
    else:
        known = {"minIOPS": 0, **{CEILINGS[direction]: band.ceiling for direction, band in bands}}
    return {name: str(figure) for name, figure in known.items() if figure is not None}


def _capabilities(pool: Pool, inventory: Inventory, iops: bool, unit_bytes: int) -> dict[str, Any]:
    held = list(inventory.volumes_at("pool", pool.name))
    total = (pool.capacity.total_bytes or 0) // unit_bytes
    allocated = sum(-(-volume.request.size_bytes // unit_bytes) for volume in held)
    sellable = pool.iops.sellable or 0
    promises = pool.sells_promises and pool.manifest.qos.sells_floors()
    found: dict[str, Any] = {
        "pool_name": pool.name,
        "total_capacity_gb": total,
        "free_capacity_gb": total - allocated,
        "allocated_capacity_gb": allocated,
        "provisioned_capacity_gb": allocated,
        "max_over_subscription_ratio": format_factor(pool.capacity.overcommit),
        "reserved_percentage": ceil_times(100, pool.capacity.reserved),
        "thin_provisioning_support": "thin" in pool.manifest.provisioning,
        "thick_provisioning_support": "thick" in pool.manifest.provisioning,
        "QoS_support": promises,
        "multiattach": pool.manifest.multi_attach,
        "storage_protocol": min(pool.manifest.protocols, default="iscsi"),
        "vendor_name": pool.driver,
        "total_volumes": len(held),
        "max_iops": sellable,
        "free_iops": sellable - sum(volume.alternative.qos.iops.floor() or 0 for volume in held),
    }
    found |= {f"tag_{tag}": True for tag in sorted(pool.tags)}
    found |= {f"domain_{name}": label for name, label in sorted(pool.domains.items())}
    if iops and promises:
        found |= {"filter_function": FILTER_FUNCTION, "goodness_function": GOODNESS_FUNCTION}
    return found

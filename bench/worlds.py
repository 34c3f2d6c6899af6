"""Fleets from a seed: arrays that guarantee IOPS, shared files, clusters, racks, and a mix of offerings."""

from __future__ import annotations

from random import Random
from typing import Any

GIB = 1024**3


def fleet(seed: int, *, zones: int, pools: int, hosts: int) -> dict[str, Any]:
    """Documents (design 3) of a fleet of that size, evenly over its zones; two pools in three are arrays."""
    rng = Random(seed)  # noqa: S311  a reproducible fleet, not a secret
    return {
        "version": 1,
        "drivers": {"array": {"driver": "solidfire"}, "files": {"driver": "nfs"}},
        "agents": {"q": {"agent": "qemu", "config": {"qmp": "/run/allocator/q.sock"}}},
        "pools": [_pool(rng, number, zones) for number in range(pools)],
        "hosts": [_host(number, zones) for number in range(hosts)],
        "offerings": [
            {"name": "gold", "tags": ["ssd"], "qos": {"provisioned": {"min_iops": 2000, "max_iops": 4000}}},
            {
                "name": "gold-or-silver",
                "qos": [
                    {"provisioned": {"min_iops": 500, "max_iops": 4000}},
                    {"throttled": {"total_iops": 1000}},
                ],
            },
            {"name": "capped", "qos": {"limit": {"total_iops": 1000}}},
        ],
    }


def virtual_machines(seed: int, number: int, *, zones: int) -> list[list[dict[str, Any]]]:
    """Requests of VMs of 1-4 volumes; in a fleet of several zones three VMs in four name one."""
    rng = Random(seed)  # noqa: S311
    made = []
    for vm in range(number):
        zone = {"zone": f"z{rng.randrange(zones)}"} if zones > 1 and rng.random() < 0.75 else {}
        made.append(
            [
                {
                    "name": f"vm-{vm}-{volume}",
                    "vm": f"vm-{vm}",
                    "offering": rng.choice(["gold", "gold-or-silver", "capped"]),
                    "size": rng.choice([10, 50, 200, 500]) * GIB,
                    **zone,
                }
                for volume in range(rng.randint(1, 4))
            ]
        )
    return made


def _pool(rng: Random, number: int, zones: int) -> dict[str, Any]:
    array = number % 3 > 0
    pool = {
        "name": f"pool-{number}",
        "driver": "array" if array else "files",
        "zone": f"z{number % zones}",
        "managed": array,
        "tags": ["ssd"] if array and rng.random() < 0.5 else [],
        "capacity": rng.choice([50, 100, 200]) * 1024 * GIB,
        "iops": {"total": rng.choice([50_000, 100_000]), "overcommit": "1.5"},
        "domains": {"rack": f"r{number // zones % 8}"},
    }
    return pool | ({"default_qos": {"min_iops": 100, "max_iops": 15_000}} if array else {})


def _host(number: int, zones: int) -> dict[str, Any]:
    return {
        "name": f"host-{number}",
        "zone": f"z{number % zones}",
        "cluster": f"c{number % zones}-{number // 50}",
        "protocols": ["iscsi", "nfs"],
        "agent": "q",
        "iops": 50_000,
        "bandwidth": 2 * GIB,
    }

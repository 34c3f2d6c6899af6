"""Small batches: up to 200 VMs on up to 20 pools and 50 hosts, with everything that rules look at."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from random import Random
from typing import Any, Final

GB: Final = 10**9
SIZES: Final = (10, 20, 50, 100, 200, 500, 1000)
"""In GB."""
OFFERINGS: Final[tuple[dict[str, Any], ...]] = (
    {"name": "gold", "tags": ["ssd"], "qos": {"provisioned": {"min_iops": 2000, "max_iops": 4000}}},
    {
        "name": "gold-or-silver",
        "qos": [{"provisioned": {"min_iops": 500, "max_iops": 4000}}, {"throttled": {"total_iops": 1000}}],
    },
    {"name": "bronze", "qos": {"provisioned": {"min_iops": 200, "max_iops": 1000}}},
    {"name": "capped", "qos": {"limit": {"total_iops": 1000}}},
)
FLOORS: Final = {"gold": 2000, "gold-or-silver": 500, "bronze": 200, "capped": 100}
"""What a volume takes of an array's IOPS; one that asks for no floor gets the array's default."""
LOADS: Final = FLOORS | {"capped": 1000}
"""The most it takes of its host's."""


def small(
    seed: int,
    *,
    vms: int | None = None,
    pools: int | None = None,
    hosts: int | None = None,
    tightness: Fraction | None = None,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Documents of a fleet and the requests of a batch; what is None is drawn.

    `tightness` is what is asked for over what may be sold, of pools' space and IOPS and of hosts' IOPS and CPUs alike.
    Drawn, it lies between 0.5 and 0.99. Two pools in three are arrays that guarantee IOPS, half of them tagged ssd; one
    in five serves a single cluster, one in ten a single host. One VM in six belongs to a pair that stays off each
    other's racks.
    """
    rng = Random(seed)  # noqa: S311  a reproducible batch, not a secret
    vms = vms or rng.randint(20, 200)
    pools = pools or rng.randint(6, 20)
    hosts = hosts or rng.randint(10, 50)
    tightness = tightness or Fraction(rng.randint(50, 99), 100)
    machines = [{"name": f"vm-{number}", "resources": {"vcpu": rng.choice([1, 2, 4, 8])}} for number in range(vms)]
    requests = [request for number in range(vms) for request in _requests(rng, number)]
    return {
        "version": 1,
        "drivers": {"array": {"driver": "solidfire"}, "files": {"driver": "nfs"}},
        "agents": {"q": {"agent": "qemu", "config": {"qmp": "/run/allocator/q.sock"}}},
        "offerings": list(OFFERINGS),
        "pools": _pools(rng, pools, hosts, requests, tightness),
        "hosts": _hosts(hosts, requests, machines, tightness),
        "vms": machines,
    }, requests


def _requests(rng: Random, number: int) -> list[dict[str, Any]]:
    vm = f"vm-{number}"
    group = {"apart": {"group": f"pair-{number // 12}", "over": "rack"}} if number % 12 < 2 else {}
    priority = rng.choice([0, 0, 0, 4])
    return [
        {
            "name": f"{vm}-{volume}",
            "vm": vm,
            "offering": rng.choice(OFFERINGS)["name"],
            "size": rng.choice(SIZES) * GB,
            "priority": priority,
            **(group if volume == 0 else {}),
        }
        for volume in range(rng.randint(1, 3))
    ]


def _pools(
    rng: Random, pools: int, hosts: int, requests: list[dict[str, Any]], tightness: Fraction
) -> list[dict[str, Any]]:
    made = []
    parts = [rng.randint(2, 6) for _ in range(pools)]
    arrays = [number for number in range(pools) if number % 3]
    space = sum(request["size"] for request in requests) / tightness / sum(parts)
    iops = sum(FLOORS[request["offering"]] for request in requests) / tightness / sum(parts[n] for n in arrays)
    for number, part in enumerate(parts):
        array = number in arrays
        scope = {"zone": "z"}
        if number % 10 == 9:
            scope = {"host": f"host-{rng.randrange(hosts)}"}
        elif number % 5 == 3:
            scope = {"cluster": f"c{number % 2}"}
        pool = {
            "name": f"pool-{number}",
            "driver": "array" if array else "files",
            "managed": array,
            "tags": ["ssd"] if number % 3 == 1 else [],
            "capacity": round(space * part / GB) * GB,
            "domains": {"rack": f"r{number % 4}"},
            **scope,
        }
        floors = {"iops": round(iops * part), "default_qos": {"min_iops": 100, "max_iops": 15_000}} if array else {}
        made.append(pool | floors)
    return made


def _hosts(
    hosts: int, requests: list[dict[str, Any]], machines: list[dict[str, Any]], tightness: Fraction
) -> list[dict[str, Any]]:
    loads: dict[str, int] = defaultdict(int)
    for request in requests:
        loads[request["vm"]] += LOADS[request["offering"]]
    iops = max(max(loads.values()), round(sum(loads.values()) / tightness / hosts))
    vcpus = max(8, round(sum(machine["resources"]["vcpu"] for machine in machines) / tightness / hosts))
    return [
        {
            "name": f"host-{number}",
            "zone": "z",
            "cluster": f"c{number % 2}",
            "protocols": ["iscsi", "nfs"],
            "agent": "q",
            "iops": iops,
            "resources": {"vcpu": vcpus},
        }
        for number in range(hosts)
    ]

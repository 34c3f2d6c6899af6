"""How long one placement takes: CPU microseconds of the public call, on a fleet that is loaded and partly filled.

Every VM that is placed is settled into the fleet before the next is asked for, so that each call meets sums that have
just changed; what that takes is timed apart.
"""

from __future__ import annotations

import gc
import os
import platform
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Final

import yaml

from allocator import Allocator, Policy
from allocator.documents import build
from allocator.domain.inventory import Inventory
from allocator.domain.outcome import Placed
from allocator.domain.placement import Volume
from allocator.domain.qos import Band, Bands, Kind, Qos, QosWish, alternatives
from allocator.domain.request import Request
from bench.worlds import fleet, virtual_machines

PER_POOL: Final = 3
"""Volumes that lie on each pool to begin with, each with 5 to 30 % of what the pool sells."""


@dataclass(frozen=True, slots=True)
class Case:
    """One size of fleet, and the thresholds in CPU microseconds."""

    name: str
    zones: int
    pools: int
    hosts: int
    p50: int
    p99: int
    aim: int


@dataclass(frozen=True, slots=True)
class Latency:
    """What was measured, in CPU microseconds of one placement, and of settling it."""

    case: Case
    samples: int
    placed: int
    p50: int
    p99: int
    most: int
    settle: int

    @property
    def within(self) -> bool:
        return self.p50 <= self.case.p50 and self.p99 <= self.case.p99

    def line(self) -> str:
        """One line for people."""
        case = self.case
        verdict = "within" if self.within else "MISSED"
        return (
            f"{case.name}: {case.pools:,} pools, {case.hosts:,} hosts: p50 {self.p50:,} us, p99 {self.p99:,} us, "
            f"most {self.most:,} us of CPU, settle p50 {self.settle:,} us; {self.placed} of {self.samples} placed; "
            f"threshold {case.p50:,} / {case.p99:,} us: {verdict}"
        )

    def as_json(self) -> dict[str, object]:
        """Figures with the machine's facts."""
        machine = {"cores": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version()}
        return asdict(self) | {"within": self.within, "machine": machine}


def cases() -> Iterator[Case]:
    """The cases of `cases.yaml`."""
    data = yaml.safe_load((Path(__file__).parent / "cases.yaml").read_text())
    yield from (Case(**case) for case in data["latency"])


def measure(case: Case, samples: int, seed: int = 1) -> Latency:
    """Place that many VMs one by one; the first fifth, at least 100, warms up and is not counted."""
    warm = warming(samples)
    allocator, asked = drawn(case, warm + samples, seed)
    placed, micros, settling = [], [], []
    gc.collect()  # what drawing and building left is nobody's call
    for requests in asked:
        started = time.process_time_ns()
        outcome = allocator.place(requests, explain=False)
        micros.append((time.process_time_ns() - started) // 1000)
        placed.append(not outcome.refused)
        where = {at.request: at for at in outcome.placed}
        volumes = [_volume(r, where[r.name], allocator.inventory) for r in requests if r.name in where]
        started = time.process_time_ns()
        allocator.fleet.settle(volumes)
        settling.append((time.process_time_ns() - started) // 1000)
    counted, settled = sorted(micros[warm:]), sorted(settling[warm:])
    middle, last = samples // 2, samples * 99 // 100
    return Latency(case, samples, sum(placed[warm:]), counted[middle], counted[last], counted[-1], settled[middle])


def warming(samples: int) -> int:
    """VMs that are placed before those that count."""
    return max(100, samples // 5)


def drawn(case: Case, vms: int, seed: int) -> tuple[Allocator, list[tuple[Request, ...]]]:
    """A fleet that is partly filled, and VMs to place on it.

    Hosts have CPUs and memory of which every VM takes some, and one VM in five spreads its volumes over racks, together
    with three other VMs.
    """
    rng = Random(seed)  # noqa: S311  reproducible, not a secret
    documents = fleet(seed, zones=case.zones, pools=case.pools, hosts=case.hosts)
    for host in documents["hosts"]:
        host["resources"] = {"vcpu": {"total": 64, "overcommit": 4}, "memory": 512}
    asked = virtual_machines(seed, vms, zones=case.zones)
    for number, vm in enumerate(asked):
        if rng.random() < 0.2:
            for volume in vm:
                volume["apart"] = {"group": f"group-{number // 20}", "over": "rack", "max_per_domain": 3}
    documents["vms"] = [
        {"name": f"vm-{vm}", "resources": {"vcpu": rng.choice([2, 4, 8]), "memory": rng.choice([8, 16, 32])}}
        for vm in range(vms)
    ]
    world = build(documents, Policy())
    world.inventory.settle(lying(rng, world.inventory))
    return Allocator(world, Policy()), [world.ask(vm, world.inventory) for vm in asked]


def lying(rng: Random, inventory: Inventory) -> Iterator[Volume]:
    """What lies on each pool to begin with: promises on an array, throttled volumes on shared files."""
    hosts = defaultdict(list)
    for host in inventory.hosts.values():
        hosts[host.zone].append(host.name)
    for pool in inventory.pools.values():
        for number in range(PER_POOL):
            share = rng.randint(5, 30)
            iops = (pool.iops.sellable or 0) * share // 100 if pool.managed else 1000
            floor = min(iops, 15_000) if pool.managed else None
            band = Qos(iops=Bands(Band(floor, max(iops, 15_000))))
            wish = QosWish(Kind.PROVISIONED if pool.managed else Kind.THROTTLED, band)
            size_bytes = (pool.capacity.total_bytes or 0) * share // 100
            name = f"{pool.name}-{number}"
            request = Request(name, size_bytes, alternatives((wish,), size_bytes), vm=name)
            yield Volume.on(pool, request, request.alternatives[0], (rng.choice(hosts[pool.zone or ""]),))


def _volume(request: Request, placed: Placed, inventory: Inventory) -> Volume:
    """What an outcome says of a request, as a volume."""
    hosts = () if placed.host is None else (placed.host,)
    return Volume.on(inventory.pools[placed.pool], request, request.alternatives[placed.alternative], hosts)

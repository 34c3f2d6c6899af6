"""What is on a fleet before the batch comes: VMs like those of the batch, and old volumes that nobody limits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

from allocator.domain.placement import Volume
from allocator.domain.places import Host, Pool
from allocator.domain.qos import Alternative, Kind
from allocator.domain.request import Request
from allocator.domain.sizes import GIB
from bench.layout import Layout, PoolSite
from bench.offers import PLAN, Meant, Taken, taken
from bench.templates import Machine

TRIES: Final = 50
LEGACY_GIB: Final = 200
LEGACY_EACH: Final = 3


@dataclass(frozen=True, slots=True)
class Resident:
    """A VM that is there already: for each of its disks, where its plan means it to lie."""

    machine: Machine
    meant: tuple[Meant, ...]

    @classmethod
    def drawn(cls, rng: Random, machine: Machine) -> Resident:
        plans = [PLAN[offering] for offering, _ in machine.template.disks]
        return cls(machine, tuple(rng.choices(plan, [meant.share for meant in plan])[0] for plan in plans))

    def takes(self) -> list[Taken]:
        """What each disk takes of its pool and host."""
        return [taken(*disk, meant) for disk, meant in zip(self.machine.template.disks, self.meant, strict=True)]


@dataclass(slots=True)
class Filling:
    """Places residents one by one where there is room, at random."""

    layout: Layout
    pools: Mapping[str, Pool]
    hosts: Mapping[str, Host]
    _used: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    _reached: dict[tuple[str, str | None], dict[str, list[PoolSite]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        found: dict[tuple[str, str | None], dict[str, list[PoolSite]]] = defaultdict(lambda: defaultdict(list))
        for site in self.layout.pools:
            if site.host is None:
                found[site.zone, site.cluster][site.kind].append(site)
        self._reached = found

    def legacy(self) -> Iterator[Volume]:
        """Old volumes without any QoS, attached to nothing."""
        for site in self.layout.pools:
            for number in range(LEGACY_EACH if site.legacy else 0):
                way = Alternative(0, Kind.NONE)
                self._used[site.name, "bytes"] += LEGACY_GIB * GIB
                request = Request(f"{site.name}-legacy-{number}", LEGACY_GIB * GIB, (way,))
                yield Volume.on(self.pools[site.name], request, way)

    def residents(self, rng: Random, residents: Sequence[Resident]) -> Iterator[Volume]:
        """Their volumes; a resident that finds no room by so many tries stays away."""
        for resident in residents:
            for _ in range(TRIES):
                volumes = self._tried(rng, resident)
                if volumes:
                    yield from volumes
                    break

    def _tried(self, rng: Random, resident: Resident) -> list[Volume]:
        """Its volumes on one random host and random pools that it reaches; none where they do not fit."""
        site = rng.choice(self.layout.hosts)
        host, template, takes = self.hosts[site.name], resident.machine.template, resident.takes()
        more: dict[tuple[str, str], int] = defaultdict(int)
        more[host.name, "vcpu"] = template.vcpu
        more[host.name, "memory"] = template.memory_gib * GIB
        more[host.name, "iops"] = sum(disk.host_iops for disk in takes)
        chosen = []
        for meant, disk in zip(resident.meant, takes, strict=True):
            near = self._reached[site.zone, site.cluster].get(meant.pool_type, [])
            open_ = [*self._reached[site.zone, None].get(meant.pool_type, []), *near]
            open_ = [found for found in open_ if not (found.legacy and disk.pool_iops)]
            if not open_:
                return []
            pool = rng.choice(open_).name
            more[pool, "bytes"] += disk.pool_bytes
            more[pool, "iops"] += disk.pool_iops
            chosen.append(pool)
        if any(self._used[key] + amount > self._most(*key) for key, amount in more.items()):
            return []
        for key, amount in more.items():
            self._used[key] += amount
        return [
            Volume.on(self.pools[pool], request, request.alternatives[meant.alternative], (host.name,))
            for pool, request, meant in zip(chosen, resident.machine.requests(), resident.meant, strict=True)
        ]

    def _most(self, place: str, dimension: str) -> int:
        host = self.hosts.get(place)
        if host is not None:
            amount = host.iops if dimension == "iops" else host.resources[dimension]
            return amount.sellable or 0
        pool = self.pools[place]
        if dimension == "iops":
            return pool.iops.sellable or 0
        return int((pool.capacity.usable_bytes or 0) * pool.capacity.overcommit)

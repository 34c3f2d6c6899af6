"""Where the pools and hosts of a fleet stand, and how large they are compared with each other; no figures yet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Final

from bench.offers import POOL_TYPES

CLUSTER: Final = 50
"""Hosts of one cluster."""
RACKS: Final = 8
"""Racks of one zone."""
GPU_EVERY: Final = 16
LEAST_POOLS: Final = len(POOL_TYPES)
GENERATIONS: Final = ((20, 20, 20), (16, 24, 18), (25, 17, 22))
"""Hardware of a cluster's hosts: vCPUs, memory and IOPS, compared with the same of another generation."""


@dataclass(frozen=True, slots=True)
class PoolSite:
    """One pool: its type, its scope, and its share of what pools of its type have."""

    name: str
    kind: str
    zone: str
    cluster: str | None
    host: str | None
    rack: str
    bytes_weight: int
    iops_weight: int
    legacy: bool
    """It holds volumes that nobody limits, so that it sells no floors (R12)."""


@dataclass(frozen=True, slots=True)
class HostSite:
    """One host; the hosts of a cluster are of one generation."""

    name: str
    zone: str
    cluster: str
    gpu: bool
    generation: int


@dataclass(frozen=True, slots=True)
class Layout:
    """All of a fleet's pools and hosts."""

    zones: tuple[str, ...]
    pools: tuple[PoolSite, ...]
    hosts: tuple[HostSite, ...]

    @classmethod
    def drawn(cls, rng: Random, *, pools: int, hosts: int, zones: int) -> Layout:
        """Evenly over the zones. Raises ValueError for zones too small to hold every type of pool."""
        if pools < LEAST_POOLS * zones or hosts < zones:
            raise ValueError(
                f"{pools:,} pools and {hosts:,} hosts in {zones:,} zones: each zone needs {LEAST_POOLS} pools "
                "and a host. Maybe fewer zones."
            )
        names = tuple(f"z{zone}" for zone in range(zones))
        host_sites = [site for zone, name in enumerate(names) for site in _hosts(rng, name, _part(hosts, zones, zone))]
        by_zone = {name: [site for site in host_sites if site.zone == name] for name in names}
        pool_sites = [
            site
            for zone, name in enumerate(names)
            for site in _pools(rng, name, _part(pools, zones, zone), by_zone[name])
        ]
        return cls(names, tuple(pool_sites), tuple(host_sites))


def _part(total: int, parts: int, number: int) -> int:
    return total * (number + 1) // parts - total * number // parts


def _hosts(rng: Random, zone: str, number: int) -> Iterator[HostSite]:
    clusters = max(1, round(number / CLUSTER))
    generations = [rng.randrange(len(GENERATIONS)) for _ in range(clusters)]
    for host in range(number):
        cluster = host * clusters // number
        yield HostSite(
            f"{zone}-h{host}", zone, f"{zone}-c{cluster}", host % GPU_EVERY == GPU_EVERY // 2, generations[cluster]
        )


def _pools(rng: Random, zone: str, number: int, hosts: list[HostSite]) -> Iterator[PoolSite]:
    clusters = sorted({host.cluster for host in hosts})
    shares, spare = _numbers(number), [host for host in hosts if not host.gpu]
    for kind, count in shares.items():
        for n in range(count):
            in_cluster = POOL_TYPES[kind].clusters and n % 3 == 2
            host = spare[n * len(spare) // count] if kind == "local" else None
            yield PoolSite(
                name=f"{zone}-{kind}-{n}",
                kind=kind,
                zone=zone,
                cluster=clusters[n // 3 % len(clusters)] if in_cluster else None,
                host=None if host is None else host.name,
                rack=f"r{rng.randrange(RACKS)}",
                bytes_weight=rng.choice((2, 3, 4, 6)),
                iops_weight=rng.choice((2, 3, 4, 6)),
                legacy=kind in ("shared", "files") and n % 4 == 1,
            )


def _numbers(pools: int) -> dict[str, int]:
    """How many pools of each type: at least one, by the largest remainders."""
    wanted = {kind.name: kind.share * pools for kind in POOL_TYPES.values()}
    numbers = {name: max(1, share // 100) for name, share in wanted.items()}
    for name in sorted(wanted, key=lambda name: (-(wanted[name] % 100), name)):
        if sum(numbers.values()) < pools:
            numbers[name] += 1
    while sum(numbers.values()) > pools:
        numbers[max(numbers, key=lambda name: (numbers[name], name))] -= 1
    return numbers

"""Pools: primary storage that volumes are made on, with the zone, cluster or host each of them serves."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final, Self

from pydantic import model_validator

from allocator.documents.amounts import (
    BandwidthGiven,
    CapacityGiven,
    PoolIopsGiven,
    Resources,
    amount,
    capacity,
    resource_amounts,
)
from allocator.documents.details import DetailValues
from allocator.documents.errors import DocumentError, Path
from allocator.documents.qos_figures import RangeGiven
from allocator.documents.references import check, find
from allocator.documents.words import Count, Entry, Listed, Name, Share, SizeUsed, Tag, members, refusal
from allocator.domain.placement import ALL
from allocator.domain.places import Connection, Host, Pool, PoolState
from allocator.domain.qos import Kind, Qos

PLACES: Final = frozenset({"pool", "host", "zone", "cluster"})
"""What `over` means without any pool naming it."""


class PoolEntry(Entry):
    """Primary storage that volumes are made on. It serves one zone, one cluster or one host."""

    name: Name
    driver: Name
    """An entry of `drivers`."""
    zone: Name | None = None
    cluster: Name | None = None
    host: Name | None = None
    tags: Listed[Tag] | None = None
    managed: bool = True
    """One LUN per volume, made on the fly; false: volumes share one."""
    capacity: CapacityGiven | None = None
    iops: PoolIopsGiven | None = None
    bandwidth: BandwidthGiven | None = None
    resources: Resources | None = None
    """Any further dimensions."""
    max_volumes: Count | None = None
    domains: dict[Name, Tag] | None = None
    """Failure domains, of any kinds: {rack: r1, row: a}."""
    access_groups: Listed[Tag] | None = None
    """Only hosts that share one reach it."""
    tenants: Listed[Name] | None = None
    """Set aside for these; absent: everyone."""
    price: Count = 0
    """Per GiB and month, in whole units of the operator's choice."""
    full_at: Share | None = None
    """Nothing new above this share of physically used bytes."""
    used: SizeUsed | None = None
    """Physically used, as observed."""
    default_qos: RangeGiven | None = None
    """What an array that always has QoS gives where nothing was asked, as observed."""
    details: DetailValues | None = None
    """Vendor key/values, listed back; they configure the driver too."""
    state: PoolState = "up"

    @model_validator(mode="after")
    def _one_scope(self) -> Self:
        scopes = [scope for scope in ("zone", "cluster", "host") if getattr(self, scope) is not None]
        if len(scopes) != 1:
            stated = " and ".join(scopes) or "none of zone, cluster and host"
            raise refusal(
                f"It states {stated}; a pool serves exactly one.",
                f"Maybe keep {scopes[-1]}." if scopes else "Maybe add `zone: z1`.",
            )
        taken = [kind for kind in self.domains or {} if kind in PLACES or kind == ALL]
        if taken:
            raise refusal(f"{taken[0]} is no failure domain of its own.", "Maybe name it rack.", "domains", taken[0])
        return self


def cluster_zones(hosts: Collection[Host]) -> dict[str, str]:
    """The zone of each cluster. Raises DocumentError where the hosts of one cluster name two."""
    zones: dict[str, str] = {}
    for host in hosts:
        if host.cluster is not None and zones.setdefault(host.cluster, host.zone) != host.zone:
            raise DocumentError(
                f"Cluster {host.cluster} is in {zones[host.cluster]} by other hosts, in {host.zone} here.",
                "Maybe rename one of the clusters.",
                ("hosts", host.name, "zone"),
            )
    return zones


@dataclass(frozen=True)
class Surroundings:
    """What pools refer to, and the policy's numbers for what they leave open."""

    drivers: Mapping[str, Connection]
    hosts: Mapping[str, Host]
    zones: Mapping[str, str]
    """By cluster."""
    tenants: Collection[str]
    overcommit: Mapping[str, Fraction]
    full_at: Fraction | None

    def pool(self, entry: PoolEntry) -> Pool:
        """Raises DocumentError for a driver, host or tenant that is not there."""
        path: Path = ("pools", entry.name)
        driver = find(entry.driver, self.drivers, "driver", (*path, "driver"))
        check(entry.tenants, self.tenants, "tenant", (*path, "tenants"))
        return Pool(
            name=entry.name,
            driver=entry.driver,
            manifest=driver.manifest,
            **self._scope(entry, path),
            tags=members(entry.tags),
            managed=entry.managed,
            capacity=capacity(entry.capacity, self.overcommit),
            iops=amount(entry.iops, "iops", self.overcommit),
            bandwidth=amount(entry.bandwidth, "bandwidth", self.overcommit),
            resources=resource_amounts(entry.resources, self.overcommit),
            max_volumes=entry.max_volumes,
            domains=dict(sorted((entry.domains or {}).items())),
            access_groups=members(entry.access_groups),
            tenants=members(entry.tenants),
            price=entry.price,
            full_at=self.full_at if entry.full_at is None else entry.full_at,
            used_bytes=entry.used,
            default_qos=Qos() if entry.default_qos is None else entry.default_qos.wish(Kind.NONE).qos,
            details=entry.details or {},
            state=entry.state,
        )

    def _scope(self, entry: PoolEntry, path: Path) -> dict[str, Any]:
        if entry.host is not None:
            host = find(entry.host, self.hosts, "host", (*path, "host"))
            return {"scope": "host", "zone": host.zone, "cluster": host.cluster, "host": host.name}
        if entry.cluster is not None:
            return {"scope": "cluster", "zone": self.zones.get(entry.cluster), "cluster": entry.cluster}
        return {"scope": "zone", "zone": entry.zone}

"""Where volumes can go: pools and hosts, what they sell, and who may use them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from allocator.domain.manifest import Manifest
from allocator.domain.qos import Qos
from allocator.domain.request import Scalar
from allocator.domain.sizes import ceil_times, floor_times

Scope = Literal["zone", "cluster", "host"]
PoolState = Literal["up", "full", "draining", "down"]
HostState = Literal["up", "draining", "down"]


@dataclass(frozen=True, slots=True)
class Amount:
    """A total and how far it may be oversold; None where the operator states no total."""

    total: int | None = None
    overcommit: Fraction = Fraction(1)
    ceiling_overcommit: Fraction | None = None
    """IOPS of pools only: the sum of ceilings may not exceed total x this."""
    safe: int | None = None
    """Of further dimensions only: what is used above it costs, by goal `overload`; None: nothing does."""

    @property
    def sellable(self) -> int | None:
        return None if self.total is None else floor_times(self.total, self.overcommit)


@dataclass(frozen=True, slots=True)
class Capacity:
    """Bytes of a pool, before (`total`) and after (`usable`) what is kept back."""

    total_bytes: int | None = None
    overcommit: Fraction = Fraction(1)
    reserved: Fraction = Fraction(0)

    @property
    def usable_bytes(self) -> int | None:
        return None if self.total_bytes is None else self.total_bytes - ceil_times(self.total_bytes, self.reserved)


@dataclass(frozen=True, slots=True)
class SecretRef:
    """Where a secret is kept; never the secret itself."""

    kind: Literal["env", "file"]
    name: str


@dataclass(frozen=True, slots=True)
class Chap:
    """iSCSI CHAP credentials of an initiator."""

    user: str
    secret: SecretRef


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address by which storage knows a host."""

    address: str | None = None
    iqn: str | None = None
    chap: Chap | None = None


@dataclass(frozen=True, slots=True)
class Quota:
    """A tenant's share: of pools with a tag, of one offering, or of everything."""

    tag: str | None = None
    offering: str | None = None
    capacity_bytes: int | None = None
    iops: int | None = None


@dataclass(frozen=True, slots=True)
class Tenant:
    name: str
    quota: tuple[Quota, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Connection:
    """A configured driver or agent: which entry point, with what settings; secrets stay references."""

    name: str
    plugin: str
    config: Mapping[str, object]
    manifest: Manifest


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Primary storage that volumes are made on. Compared by identity within one inventory."""

    name: str
    driver: str
    manifest: Manifest
    scope: Scope
    zone: str | None
    cluster: str | None = None
    host: str | None = None
    tags: frozenset[str] = frozenset()
    managed: bool = True
    capacity: Capacity = Capacity()
    iops: Amount = Amount()
    bandwidth: Amount = Amount()
    resources: Mapping[str, Amount] = field(default_factory=dict)
    max_volumes: int | None = None
    domains: Mapping[str, str] = field(default_factory=dict)
    access_groups: frozenset[str] = frozenset()
    tenants: frozenset[str] = frozenset()
    price: int = 0
    full_at: Fraction | None = None
    used_bytes: int | None = None
    """Physically used, as observed."""
    default_qos: Qos = Qos()
    """What an `always` driver gives where nothing was asked, as observed; overrides the manifest."""
    details: Mapping[str, Scalar] = field(default_factory=dict)
    state: PoolState = "up"

    def domain(self, over: str) -> str | None:
        """The failure domain of that kind; names are told apart by zone. None where the pool names none."""
        if over == "pool":
            return self.name
        if over == "zone":
            return self.zone
        label = self.cluster if over == "cluster" else self.domains.get(over)
        return None if label is None else f"{self.zone}/{label}"

    @property
    def given_qos(self) -> Qos:
        """What its driver gives where nothing was asked: as observed, else as the manifest says."""
        return self.default_qos.filled_from(self.manifest.qos.default)

    @property
    def isolated(self) -> bool:
        """No volume here can take what another was promised (R12)."""
        return self.manifest.qos.isolation and self.sells_promises

    @property
    def sells_promises(self) -> bool:
        """An unmanaged pool is one LUN that volumes share: no promises, unless the manifest says so."""
        return self.managed or self.manifest.qos.unmanaged


@dataclass(frozen=True, slots=True, eq=False)
class Host:
    """A hypervisor that volumes are attached to. Compared by identity within one inventory."""

    name: str
    zone: str
    cluster: str | None = None
    tags: frozenset[str] = frozenset()
    protocols: frozenset[str] | None = None
    """None: whatever its agent speaks; without an agent, anything."""
    endpoints: tuple[Endpoint, ...] = ()
    agent: str | None = None
    manifest: Manifest | None = None
    """The agent's."""
    access_groups: frozenset[str] = frozenset()
    tenants: frozenset[str] = frozenset()
    iops: Amount = Amount()
    bandwidth: Amount = Amount()
    resources: Mapping[str, Amount] = field(default_factory=dict)
    max_volumes: int | None = None
    state: HostState = "up"

    def speaks(self) -> frozenset[str] | None:
        """The protocols it attaches by; None: any."""
        if self.protocols is not None:
            return self.protocols
        return self.manifest.protocols if self.manifest is not None else None


Place = Pool | Host

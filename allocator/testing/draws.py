"""Random hosts, pools, requests and policies with tiny numbers: limits are reached and ties happen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from random import Random
from typing import Final, TypeVar

from allocator.domain.manifest import DetailKey, Manifest, QosSupport, Range, SizeSupport
from allocator.domain.places import Amount, Capacity, Host, Pool, Quota, Scope
from allocator.domain.policy import Balance, Headroom, Policy
from allocator.domain.qos import DIRECTIONS, FIELDS, UNITS, Band, Bands, Enforcer, Kind, Qos, QosWish, alternatives
from allocator.domain.request import Apart, Details, Near, Request

T = TypeVar("T")

THEMES: Final = (
    "state", "tags", "protocols", "access", "tenants", "hosts", "pools", "scopes", "resources", "counts", "domains",
    "groups", "pins", "details", "dedicated", "reserves", "quota", "qos", "bandwidth",
    "floors",
)  # fmt: skip

FIGURES = {(unit, direction, part): Range(1, 50) for unit in UNITS for direction in DIRECTIONS for part in FIELDS}
CEILINGS = {key: accepted for key, accepted in FIGURES.items() if key[2] != "floor"}
DETAILS: tuple[Details, ...] = ((), (("array", (("speed", 1),)),), (("array", (("speed", 7),)),))
CALM = (["ssd"], ["ssd", "calm"])
RESOURCES: tuple[tuple[tuple[str, int], ...], ...] = ((), (("luns", 1),), (("luns", 2),))
APARTS = (None, Apart("pool", 1), Apart("rack", 1), Apart("rack", 2, 2), Apart("rack", None, 2), Apart("host", 1))
SCOPES: tuple[Scope, ...] = ("zone", "cluster", "host")
AGENT = Manifest(
    "agent",
    "none",
    qos=QosSupport(Enforcer.HYPERVISOR, figures=CEILINGS, io_size_bytes=4),
    protocols=frozenset({"iscsi", "nbd"}),
)


def manifests() -> dict[str, Manifest]:
    """One of each sort: an isolating array with default QoS, one that shares, one of ceilings only, plain files."""
    array = QosSupport(
        Enforcer.STORAGE,
        always=True,
        isolation=True,
        io_size_bytes=4096,
        figures=FIGURES,
        burst_seconds=Range(1, 60),
        default=Qos(iops=Bands(total=Band(floor=1, ceiling=4))),
    )
    shared = QosSupport(Enforcer.STORAGE, figures=FIGURES, floor_without_ceiling=False)
    capped = QosSupport(Enforcer.STORAGE, figures=CEILINGS, unmanaged=True)
    thin, thick, iscsi, nbd = (frozenset({word}) for word in ("thin", "thick", "iscsi", "nbd"))
    keys = {"speed": DetailKey("integer", (1, 2))}
    return {
        "array": Manifest("array", "none", SizeSupport(2, 8, 1), thin, True, False, array, iscsi, details=keys),
        "shared": Manifest("shared", "none", SizeSupport(1, None, 2), thin | thick, qos=shared, protocols=iscsi | nbd),
        "capped": Manifest("capped", "none", qos=capped, protocols=nbd, multi_attach=True),
        "files": Manifest("files", "none", provisioning=thick, protocols=nbd),
    }


class Draw(Random):
    """Random draws that know the world's themes."""

    themes: frozenset[str] = frozenset()

    def themed(self, theme: str, options: Sequence[T], plain: T) -> T:
        """One of the options where the world has the theme, else the plain one."""
        return self.choice(options) if theme in self.themes else plain


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the volumes of a group have in common, and what volumes may want to be near."""

    aparts: Mapping[str, Apart | None]
    near: Near | None

    @classmethod
    def drawn(cls, rng: Draw) -> Wishes:
        near = rng.themed("groups", [None, Near("g1", rng.choice(["pool", "rack", "zone", "host"]))], None)
        return cls({group: rng.choice(APARTS) for group in ("g1", "g2")}, near)


def draw_host(rng: Draw, name: str) -> Host:
    return Host(
        name,
        zone=rng.themed("scopes", ["z1", "z1", "z2"], "z1"),
        cluster=rng.themed("scopes", ["c1", "c2"], "c1"),
        tags=frozenset(rng.themed("tags", [[], ["gpu"], ["gpu", "big"]], [])),
        protocols=rng.themed("protocols", [None, frozenset({"iscsi"}), frozenset({"nbd"})], None),
        agent="q",
        manifest=rng.themed("protocols", [AGENT, AGENT, None], AGENT),
        access_groups=frozenset(rng.themed("access", [[], ["dmz"], ["dmz", "lan"]], [])),
        tenants=frozenset(rng.themed("tenants", [[], ["t1"]], [])),
        iops=Amount(rng.themed("hosts", [None, 3, 6], 30), Fraction(rng.choice(["1", "1.5"]))),
        bandwidth=Amount(rng.themed("bandwidth", [None, 3, 6, 8], 30)),
        resources={"cpu": Amount(rng.randint(1, 4), Fraction(3, 2))} if rng.random() < 0.8 else {},
        max_volumes=rng.themed("counts", [None, 1, 3], None),
        state=rng.themed("state", ["up", "up", "draining", "down"], "up"),
    )


def draw_pool(rng: Draw, name: str, kinds: Sequence[Manifest], hosts: Sequence[Host]) -> Pool:
    host = rng.choice(hosts)
    scope = rng.themed("scopes", SCOPES, "zone")
    capacity = Capacity(
        rng.themed("pools", [6, 10, None], 20),
        Fraction(rng.choice(["1", "1.5", "2"])),
        Fraction(rng.themed("reserves", ["0", "0.1"], "0")),
    )
    iops = Amount(
        rng.themed("pools", [None, 2, 3, 6], 30),
        Fraction(rng.choice(["1", "1.5"])),
        rng.themed("qos", [None, Fraction(1, 3)], None),
    )
    return Pool(
        name,
        driver="d",
        manifest=rng.choice(kinds),
        scope=scope,
        zone=host.zone,
        cluster=host.cluster if scope != "zone" else None,
        host=host.name if scope == "host" else None,
        tags=frozenset(rng.themed("tags", [[], ["ssd"], ["fast"], ["ssd", "fast"]], rng.choice(CALM))),
        managed=rng.themed("dedicated", [True, False], True),
        capacity=capacity,
        iops=iops,
        bandwidth=Amount(rng.themed("bandwidth", [None, 1, 2], 30)),
        resources={"luns": Amount(rng.randint(1, 3))} if rng.random() < 0.7 else {},
        max_volumes=rng.themed("counts", [None, 1, 2], None),
        domains={"rack": rng.choice(["a", "b"])} if rng.random() < 0.85 else {},
        access_groups=frozenset(rng.themed("access", [[], ["dmz"]], [])),
        tenants=frozenset(rng.themed("tenants", [[], ["t1"]], [])),
        price=rng.randint(0, 3),
        full_at=rng.themed("state", [None, Fraction(1, 4)], None),
        used_bytes=rng.choice([None, 1, 5]),
        default_qos=rng.choice([Qos(), Qos(iops=Bands(total=Band(floor=2, ceiling=5)))]),
        state=rng.themed("state", ["up", "up", "full", "draining", "down"], "up"),
    )


def draw_request(rng: Draw, name: str, vm: str | None, wishes: Wishes) -> Request:
    group = rng.themed("groups", [None, "g1", "g1", "g2"], None)
    asked = tuple(_wish(rng) for _ in range(rng.choice([0, 1, 1, 2])))
    size_bytes = rng.randint(1, 5)
    return Request(
        name,
        size_bytes,
        alternatives(asked, size_bytes),
        offering=rng.choice([None, "big"]),
        vm=vm,
        tenant=rng.themed("quota", ["t1"], rng.choice([None, "t1"])),
        priority=rng.choice([0, 0, 2]),
        tags=frozenset(rng.themed("tags", [[], ["ssd"], ["ssd", "fast"]], [])),
        forbid_tags=frozenset(rng.themed("tags", [[], ["fast"]], [])),
        preferred_tags=frozenset(rng.choice([[], ["ssd"], ["calm"]])),
        host_tags=frozenset(rng.themed("tags", [[], ["gpu"], ["gpu", "big"]], [])),
        provisioning=rng.themed("reserves", [None, "thin", "thick"], None),
        encrypted=rng.themed("details", [False, True], False),
        dedicated=rng.themed("dedicated", [False, True], False),
        snapshot_reserve=rng.themed("reserves", [Fraction(0), Fraction(1, 2)], Fraction(0)),
        details=rng.themed("details", DETAILS, ()),
        resources=rng.themed("resources", RESOURCES, ()),
        pool=rng.themed("pins", [None, None, "p0"], None),
        host=rng.themed("pins", [None, "h0"], None) if vm else None,
        cluster=rng.themed("pins", [None, "c1"], None),
        zone=rng.themed("pins", [None, "z1"], None),
        group=group,
        apart=wishes.aparts[group] if group else None,
        near=wishes.near if group != "g1" and rng.random() < 0.5 else None,
    )


def draw_quota(rng: Draw) -> Quota:
    tag, offering = rng.choice([("ssd", None), (None, "big"), (None, None)])
    return Quota(tag, offering, rng.choice([None, 2, 6]), rng.choice([None, 1, 2]))


def draw_policy(rng: Draw) -> Policy:
    weights = {"capacity": 1, "iops": 2, "bandwidth": 1, "host_iops": 1, "host_bandwidth": 1}
    goals = (
        ((("placed", 1),), (("preference", 1),), (("balance", 1),)),
        ((("placed", 1),), (("packing", 1),), (("price", 1),)),
        ((("placed", 1),), (("headroom", 1),), (("balance", 2), ("price", 3))),
    )
    return Policy(
        goals=rng.choice(goals),
        untagged=rng.themed("tags", ["anywhere", "untagged_only"], "anywhere"),
        unknown_total=rng.themed("pools", ["refuse", "unlimited"], "unlimited"),
        reserve_floors=rng.random() < 0.5,
        balance=Balance(rng.choice([(700, 850), (250, 500, 750)]), weights),
        headroom=rng.choice([Headroom(), Headroom(capacity_bytes=3, iops=2)]),
    )


def _wish(rng: Draw) -> QosWish:
    kind = rng.themed("floors", [Kind.PROVISIONED], rng.choice([Kind.PROVISIONED, Kind.THROTTLED, Kind.LIMIT]))
    ceiling = rng.choice([2, 4, 6])
    floor = rng.choice([None, 1, 2]) if kind is Kind.PROVISIONED else None
    if kind is Kind.PROVISIONED and floor is not None and rng.random() < 0.2:
        return QosWish(kind, Qos(iops=Bands(total=Band(floor=floor))))
    burst = rng.choice([None, None, ceiling + 2])
    seconds = rng.themed("qos", [None, 30], None) if burst is not None else None
    iops = Bands(total=Band(floor, ceiling, burst, seconds))
    if rng.random() < 0.2:
        iops = Bands(read=Band(ceiling=ceiling), write=Band(ceiling=1) if rng.random() < 0.7 else Band())
    limited = rng.random() < rng.themed("bandwidth", [0.8], 0.2)
    bandwidth = Bands(total=Band(floor=floor, ceiling=5)) if limited else Bands()
    return QosWish(kind, Qos(iops, bandwidth))

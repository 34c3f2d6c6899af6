"""Pools, hosts, requests and volumes with the few facts that a test is about; all else is plain."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any, Final

from allocator.domain.manifest import Manifest, QosSupport, Range, SizeSupport
from allocator.domain.placement import Volume
from allocator.domain.places import Amount, Capacity, Host, Pool
from allocator.domain.qos import (
    DIRECTIONS,
    FIELDS,
    UNITS,
    Band,
    Bands,
    Enforcer,
    Kind,
    Qos,
    QosWish,
    Unit,
    alternatives,
)
from allocator.domain.request import Request

FIGURES: Final = {(unit, direction, part): Range() for unit in UNITS for direction in DIRECTIONS for part in FIELDS}
CEILINGS: Final = {key: accepted for key, accepted in FIGURES.items() if key[2] != "floor"}
STORAGE: Final = QosSupport(Enforcer.STORAGE, figures=FIGURES, burst_seconds=Range())
AGENT: Final = Manifest(
    "agent",
    "none",
    qos=QosSupport(Enforcer.HYPERVISOR, figures=CEILINGS, burst_seconds=Range()),
    protocols=frozenset({"iscsi"}),
)


def manifest(name: str = "any", qos: QosSupport = STORAGE, **facts: Any) -> Manifest:
    """A driver that can do everything, but for what is said otherwise; without isolation."""
    facts.setdefault("size", SizeSupport())
    facts.setdefault("provisioning", frozenset({"thin", "thick"}))
    facts.setdefault("protocols", frozenset({"iscsi"}))
    return Manifest(name, "none", qos=qos, **facts)


ANY: Final = manifest()
ISOLATING: Final = manifest("isolating", replace(STORAGE, isolation=True))
CAPPING: Final = manifest("capping", QosSupport(Enforcer.STORAGE, figures=CEILINGS))
FILES: Final = manifest("files", QosSupport())


def pool(name: str = "p", driver: Manifest = ANY, **facts: Any) -> Pool:
    """A pool of zone z without totals."""
    facts.setdefault("scope", "zone")
    facts.setdefault("zone", "z")
    return Pool(name, driver.name, driver, **facts)


def host(name: str = "h", **facts: Any) -> Host:
    """A host of zone z whose agent throttles."""
    facts.setdefault("manifest", AGENT)
    facts.setdefault("zone", "z")
    return Host(name, **facts)


def sized(total_bytes: int | None, overcommit: str = "1", reserved: str = "0") -> Capacity:
    return Capacity(total_bytes, Fraction(overcommit), Fraction(reserved))


def amount(total: int | None, overcommit: str = "1", ceilings: str | None = None) -> Amount:
    return Amount(total, Fraction(overcommit), None if ceilings is None else Fraction(ceilings))


def request(name: str = "r", size_bytes: int = 1, *wishes: QosWish, **facts: Any) -> Request:
    """A volume of one byte that asks for nothing and is not attached, but for what is said otherwise."""
    return Request(name, size_bytes, alternatives(wishes, size_bytes), **facts)


def provisioned(floor: int | None = None, ceiling: int | None = None, unit: Unit = "iops", **band: Any) -> QosWish:
    return QosWish(Kind.PROVISIONED, only(unit, Band(floor, ceiling, **band)))


def throttled(ceiling: int, unit: Unit = "iops", **band: Any) -> QosWish:
    return QosWish(Kind.THROTTLED, only(unit, Band(ceiling=ceiling, **band)))


def limit(ceiling: int, unit: Unit = "iops", **band: Any) -> QosWish:
    return QosWish(Kind.LIMIT, only(unit, Band(ceiling=ceiling, **band)))


def only(unit: Unit, total: Band) -> Qos:
    """QoS of one unit, reads and writes together."""
    return Qos(iops=Bands(total)) if unit == "iops" else Qos(bandwidth=Bands(total))


def volume(on: Pool, asked: Request, *hosts: Host, by: int = 0, foreign: bool = False) -> Volume:
    """A request placed on a pool and hosts by one of its alternatives."""
    names = tuple(host.name for host in hosts)
    return Volume.on(on, asked, asked.alternatives[by], names, foreign=foreign)

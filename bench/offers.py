"""What the fleets of the bench sell and what is asked of them: types of pools, offerings, and where each should go.

An offering's *plan* says which share of its volumes is meant for which type of pool, by which alternative. Fleets are
sized by it (`fleets.py`), so that tightness means something although many volumes may go to several types.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from allocator.documents.manifests import plugin_manifest
from allocator.domain.charging import charged_bytes, host_load, kept, pool_floor
from allocator.domain.manifest import Manifest
from allocator.domain.places import Capacity, Host, Pool
from allocator.domain.qos import Alternative, Band, Bands, Kind, Qos, QosWish, alternatives
from allocator.domain.request import Offering, Request
from allocator.domain.sizes import GIB, MIB

ARRAY_DEFAULT: Final = Qos(iops=Bands(Band(floor=100, ceiling=15_000)))
"""What a SolidFire array gives where nothing was asked."""


@dataclass(frozen=True, slots=True)
class PoolType:
    """Pools of one make: how many of a hundred pools, and what they are."""

    name: str
    share: int
    tags: frozenset[str]
    managed: bool = True
    clusters: bool = False
    """Whether every third of them belongs to one cluster instead of the whole zone."""

    @property
    def manifest(self) -> Manifest:
        return _manifests()[self.name]

    @property
    def sells_iops(self) -> bool:
        return self.manifest.qos.sells_floors()

    @property
    def default_qos(self) -> Qos:
        return ARRAY_DEFAULT if self.manifest.qos.always else Qos()


POOL_TYPES: Final = {
    kind.name: kind
    for kind in (
        PoolType("ssd", 30, frozenset({"ssd"}), clusters=True),
        PoolType("sealed", 12, frozenset({"sealed"})),
        PoolType("shared", 18, frozenset({"standard"}), clusters=True),
        PoolType("files", 28, frozenset({"standard"}), managed=False, clusters=True),
        PoolType("local", 12, frozenset({"local"}), managed=False),
    )
}
"""Arrays that guarantee and isolate, plain and encrypted; arrays that guarantee without isolation; NFS; local disks."""


@dataclass(frozen=True, slots=True)
class Meant:
    """One entry of an offering's plan: `share` of a hundred volumes go to pools of this type by this alternative."""

    pool_type: str
    alternative: int
    share: int


def _range(floor: int, ceiling: int) -> QosWish:
    return QosWish(Kind.PROVISIONED, Qos(iops=Bands(Band(floor=floor, ceiling=ceiling))))


def _rate(kind: Kind, iops: int, bandwidth: int | None = None) -> QosWish:
    return QosWish(kind, Qos(iops=Bands(Band(ceiling=iops)), bandwidth=Bands(Band(ceiling=bandwidth))))


PER_GIB: Final = QosWish(Kind.PROVISIONED, per_gib=Qos(iops=Bands(Band(floor=1, ceiling=16))))
SSD: Final = frozenset({"ssd"})
STANDARD: Final = frozenset({"standard"})
OFFERINGS: Final = {
    offering.name: offering
    for offering in (
        Offering("gold", tags=SSD, qos=(_range(600, 4000),)),
        Offering("by-size", tags=SSD, qos=(PER_GIB,)),
        Offering("sealed", tags=frozenset({"sealed"}), qos=(_range(500, 4000),)),
        Offering("either", tags=STANDARD, qos=(_range(300, 3000), _rate(Kind.THROTTLED, 500))),
        Offering("capped", tags=STANDARD, qos=(_rate(Kind.LIMIT, 400),)),
        Offering("bulk", tags=STANDARD, qos=(_rate(Kind.THROTTLED, 300, 32 * MIB),)),
        Offering("plain", tags=SSD),
        Offering("scratch", tags=frozenset({"local"}), qos=(_rate(Kind.THROTTLED, 1000),)),
    )
}
PLAN: Final[Mapping[str, tuple[Meant, ...]]] = {
    "gold": (Meant("ssd", 0, 100),),
    "by-size": (Meant("ssd", 0, 100),),
    "sealed": (Meant("sealed", 0, 100),),
    "either": (Meant("shared", 0, 60), Meant("files", 1, 40)),
    "capped": (Meant("shared", 0, 30), Meant("files", 1, 70)),
    "bulk": (Meant("files", 0, 100),),
    "plain": (Meant("ssd", 0, 100),),
    "scratch": (Meant("local", 0, 100),),
}


@dataclass(frozen=True, slots=True)
class Taken:
    """What one volume takes of its pool (bytes, guaranteed IOPS) and of its host (IOPS)."""

    pool_bytes: int
    pool_iops: int
    host_iops: int


@cache
def ways(offering: str, size_gib: int) -> tuple[Alternative, ...]:
    """The alternatives of an offering at a size; equal ones are one object."""
    return alternatives(OFFERINGS[offering].qos, size_gib * GIB)


@cache
def taken(offering: str, size_gib: int, meant: Meant) -> Taken:
    """What a volume takes where its plan means it to go."""
    kind = POOL_TYPES[meant.pool_type]
    capacity = Capacity(GIB)
    pool = Pool("any", "any", kind.manifest, "zone", "z", capacity=capacity, default_qos=kind.default_qos)
    way = kept(ways(offering, size_gib)[meant.alternative], pool)
    request = Request("any", size_gib * GIB, ())
    load = host_load(way, "iops", Host("any", "z", manifest=agent_manifest()))
    return Taken(charged_bytes(request, pool), pool_floor(way, "iops"), load)


@cache
def agent_manifest() -> Manifest:
    """The QEMU agent's: it throttles on every host."""
    return _shipped("agent", "qemu")


@cache
def _manifests() -> Mapping[str, Manifest]:
    array = _shipped("driver", "solidfire")
    shared = replace(array, name="array", qos=replace(array.qos, always=False, isolation=False))
    files, local = _shipped("driver", "nfs"), _shipped("driver", "local")
    return {"ssd": array, "sealed": array, "shared": shared, "files": files, "local": local}


def _shipped(side: str, name: str) -> Manifest:
    found = plugin_manifest("agent" if side == "agent" else "driver", name)
    assert found is not None
    return found

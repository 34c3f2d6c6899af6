"""Quality of service in one normal form, whatever product's terms it was written in.

The form is {iops, bandwidth} x {total, read, write} x {floor, ceiling, burst, burst seconds} at a stated I/O
size, plus who enforces it. A provisioned range (min, max) is a floor and a ceiling; a throttled rate is a
ceiling without a floor. A request holds alternatives in order of preference; exactly one is chosen, and
exactly one side enforces it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Final, Literal

from allocator.domain.sizes import GIB, KIB

Unit = Literal["iops", "bandwidth"]
Direction = Literal["total", "read", "write"]
Field = Literal["floor", "ceiling", "burst"]

UNITS: Final[tuple[Unit, ...]] = ("iops", "bandwidth")
DIRECTIONS: Final[tuple[Direction, ...]] = ("total", "read", "write")
FIELDS: Final[tuple[Field, ...]] = ("floor", "ceiling", "burst")
DEFAULT_IO_SIZE_BYTES: Final = 4 * KIB


class Kind(StrEnum):
    """What sort of promise an alternative is, and so which side keeps it."""

    PROVISIONED = "provisioned"
    """A range that the storage guarantees."""
    LIMIT = "limit"
    """A bare ceiling that the storage enforces."""
    THROTTLED = "throttled"
    """A rate that the hypervisor's agent enforces."""
    DEFAULT = "default"
    """Nothing asked, on an array that gives every volume its default QoS."""
    NONE = "none"
    """Nothing asked, and nobody limits it."""

    __hash__ = str.__hash__  # that of Enum is a function in Python, and every call looks up by kinds


class Enforcer(StrEnum):
    """Who keeps a volume within its ceilings."""

    STORAGE = "storage"
    CLIENT = "client"
    HYPERVISOR = "hypervisor"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Band:
    """One direction of one unit; None means not asked. IOPS, or bytes per second."""

    floor: int | None = None
    ceiling: int | None = None
    burst: int | None = None
    burst_seconds: int | None = None

    def __bool__(self) -> bool:
        return any(getattr(self, field.name) is not None for field in fields(self))


NOTHING: Final = Band()
"""Nothing asked."""


@dataclass(frozen=True, slots=True)
class Bands:
    """One unit in its three directions."""

    total: Band = NOTHING
    read: Band = NOTHING
    write: Band = NOTHING

    def __iter__(self) -> Iterator[tuple[Direction, Band]]:
        yield "total", self.total
        yield "read", self.read
        yield "write", self.write

    def floor(self) -> int | None:
        """What is promised: the total, or read and write together; None where nothing is."""
        if self.total.floor is not None:
            return self.total.floor
        parts = [band.floor for band in (self.read, self.write) if band.floor is not None]
        return sum(parts) if parts else None

    def ceiling(self) -> int | None:
        """What cannot be exceeded: the total, or read and write together; None where one of them is open."""
        if self.total.ceiling is not None:
            return self.total.ceiling
        if self.read.ceiling is not None and self.write.ceiling is not None:
            return self.read.ceiling + self.write.ceiling
        return None

    def stated_ceiling(self) -> int:
        """The ceilings that are stated, added up: what a throttle may let through at the most."""
        if self.total.ceiling is not None:
            return self.total.ceiling
        return (self.read.ceiling or 0) + (self.write.ceiling or 0)

    def peak(self) -> int | None:
        """The ceiling, bursts included; None where it is open."""
        if self.ceiling() is None:
            return None
        if self.total.ceiling is not None:
            return max(self.total.ceiling, self.total.burst or 0)
        return sum(max(band.ceiling or 0, band.burst or 0) for band in (self.read, self.write))


@dataclass(frozen=True, slots=True)
class Qos:
    """The normal form: both units, at a stated I/O size."""

    iops: Bands = Bands()
    bandwidth: Bands = Bands()
    io_size_bytes: int = DEFAULT_IO_SIZE_BYTES

    def bands(self, unit: Unit) -> Bands:
        return self.iops if unit == "iops" else self.bandwidth

    def asked(self) -> Iterator[tuple[Unit, Direction, Field, int]]:
        """Every figure that is stated, in a fixed order."""
        for unit in UNITS:
            for direction, band in self.bands(unit):
                if band is NOTHING:
                    continue
                for field in FIELDS:
                    value = getattr(band, field)
                    if value is not None:
                        yield unit, direction, field, value

    def burst_seconds(self) -> int | None:
        """The longest burst length stated, in seconds."""
        lengths = [
            band.burst_seconds for unit in UNITS for _, band in self.bands(unit) if band.burst_seconds is not None
        ]
        return max(lengths, default=None)

    def is_bounded(self) -> bool:
        """True when a ceiling on either unit covers reads and writes."""
        return self.iops.ceiling() is not None or self.bandwidth.ceiling() is not None

    def has_floor(self) -> bool:
        return bool(self.iops.floor() or self.bandwidth.floor())

    def filled_from(self, default: Qos) -> Qos:
        """This form with each missing total taken from `default`: what an array that always has QoS gives."""
        iops, bandwidth = _filled(self.iops, default.iops), _filled(self.bandwidth, default.bandwidth)
        if iops is self.iops and bandwidth is self.bandwidth:
            return self
        return replace(self, iops=iops, bandwidth=bandwidth)

    def __bool__(self) -> bool:
        return next(self.asked(), None) is not None


def _filled(bands: Bands, default: Bands) -> Bands:
    total = bands.total
    floor = default.total.floor if bands.floor() is None else total.floor
    ceiling = default.total.ceiling if bands.ceiling() is None else total.ceiling
    burst = total.burst
    if burst is None and bands.ceiling() is None:
        burst = default.total.burst
    if (floor, ceiling, burst) == (total.floor, total.ceiling, total.burst):
        return bands
    return replace(bands, total=replace(total, floor=floor, ceiling=ceiling, burst=burst))


@dataclass(frozen=True, slots=True)
class Alternative:
    """One way to keep a request's QoS; `index` is its place in the order of preference."""

    index: int
    kind: Kind
    qos: Qos = Qos()
    given: frozenset[Unit] = frozenset()
    """In what the array gives a floor that nobody asked for: it keeps that, and no host has to."""

    def __hash__(self) -> int:
        """Of the two that tell most apart: requests are looked up by their wishes in every call."""
        return hash((self.index, self.kind))

    @property
    def by_storage(self) -> bool:
        return self.kind in (Kind.PROVISIONED, Kind.LIMIT, Kind.DEFAULT)

    @property
    def by_hypervisor(self) -> bool:
        return self.kind is Kind.THROTTLED

    @property
    def bounded(self) -> bool:
        """True when somebody enforces a ceiling on it."""
        return self.kind is not Kind.NONE and self.qos.is_bounded()


@dataclass(frozen=True, slots=True)
class QosWish:
    """One alternative as an offering states it: absolute figures, and figures per GiB of the volume's size."""

    kind: Kind
    qos: Qos = Qos()
    per_gib: Qos = Qos()

    def at_size(self, size_bytes: int) -> Qos:
        """The absolute figures for a volume of this size; a figure per GiB is rounded up."""
        return Qos(
            iops=_scaled(self.qos.iops, self.per_gib.iops, size_bytes),
            bandwidth=_scaled(self.qos.bandwidth, self.per_gib.bandwidth, size_bytes),
            io_size_bytes=self.qos.io_size_bytes,
        )


def _scaled(absolute: Bands, per_gib: Bands, size_bytes: int) -> Bands:
    def band(direction: Direction) -> Band:
        known: Band = getattr(absolute, direction)
        scaled: Band = getattr(per_gib, direction)
        figures = {
            field: -(-getattr(scaled, field) * size_bytes // GIB)
            for field in FIELDS
            if getattr(scaled, field) is not None
        }
        return replace(known, **figures)

    return Bands(band("total"), band("read"), band("write"))


def alternatives(wishes: tuple[QosWish, ...], size_bytes: int) -> tuple[Alternative, ...]:
    """The ordered alternatives of a request of this size.

    A bare limit becomes two, the storage before the hypervisor (R11); no wish at all is the one alternative
    that asks for nothing.
    """
    expanded: list[tuple[Kind, Qos]] = []
    for wish in wishes:
        qos = wish.at_size(size_bytes)
        expanded.append((wish.kind, qos))
        if wish.kind is Kind.LIMIT:
            expanded.append((Kind.THROTTLED, qos))
    if not expanded:
        expanded.append((Kind.NONE, Qos()))
    return tuple(Alternative(index, kind, qos) for index, (kind, qos) in enumerate(expanded))

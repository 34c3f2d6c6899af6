"""What a driver or an agent says it can do; whatever it does not say, it cannot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from allocator.domain.qos import Direction, Enforcer, Field, Qos, Unit

DetailType = Literal["string", "integer", "boolean"]


@dataclass(frozen=True, slots=True)
class Range:
    """The figures a manifest accepts: from `least` to `most` in steps of `step` counted from zero."""

    least: int = 0
    most: int | None = None
    step: int = 1

    def complaint(self, value: int) -> str | None:
        """Why a figure lies outside, as the end of a sentence; None where it fits."""
        if value < self.least:
            return f"{value:,} is below the least, {self.least:,}"
        if self.most is not None and value > self.most:
            return f"{value:,} is above the most, {self.most:,}"
        if value % self.step:
            return f"{value:,} is no multiple of {self.step:,}"
        return None


@dataclass(frozen=True, slots=True)
class SizeSupport:
    """Volume sizes in bytes: at least `least`, at most `most`, rounded up to a multiple of `step`."""

    least: int = 1
    most: int | None = None
    step: int = 1


@dataclass(frozen=True, slots=True)
class QosSupport:
    """Which QoS figures are kept, by whom, and how far volumes are isolated from each other."""

    enforced: Enforcer = Enforcer.NOBODY
    always: bool = False
    """Every volume has QoS, asked for or not: what is missing is the pool's default."""
    isolation: bool = False
    """One volume cannot take what another was promised."""
    unmanaged: bool = False
    """Promises and isolation hold on an unmanaged pool too, where volumes share one LUN."""
    floor_without_ceiling: bool = True
    io_size_bytes: int | None = None
    """An I/O larger than this counts as several; None: each counts as one, whatever its size."""
    figures: Mapping[tuple[Unit, Direction, Field], Range] = field(default_factory=dict)
    burst_seconds: Range | None = None
    default: Qos = Qos()
    """What an `always` driver gives where nothing was asked, unless the pool states what was observed."""

    def sells_floors(self) -> bool:
        return any(part == "floor" for _, _, part in self.figures)


@dataclass(frozen=True, slots=True)
class DetailKey:
    """One vendor key: its type, and the values it takes (empty: any)."""

    type: DetailType
    choices: tuple[str | int | bool, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Manifest:
    """One driver's or agent's manifest. Compared by identity: each driver instance has one."""

    name: str
    verified: str
    """How the manifest was checked, and against what: `real: tgt 1.0.85`."""
    size: SizeSupport = SizeSupport()
    provisioning: frozenset[str] = frozenset({"thin"})
    encryption: bool = False
    multi_attach: bool = False
    qos: QosSupport = QosSupport()
    protocols: frozenset[str] = frozenset()
    identities: frozenset[str] = frozenset()
    details: Mapping[str, DetailKey] = field(default_factory=dict)
    parallel_calls: int | None = None
    """How many calls it takes at once from one program; None: as many as come."""

"""QoS ceilings and bursts as the fields of a QEMU throttle group, and back: what a hypervisor can enforce."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from allocator.agent import DriverError, ErrorCode
from allocator.domain.qos import DEFAULT_IO_SIZE_BYTES, DIRECTIONS, UNITS, Band, Bands, Direction, Qos, Unit

MOST: Final = 10**15
"""THROTTLE_VALUE_MAX in QEMU's include/qemu/throttle.h; also the most that a burst may let through."""
LONGEST_SECONDS: Final = 2**32 - 1
"""QEMU keeps a burst's length in 32 bits."""
_PREFIX: Final[Mapping[Unit, str]] = {"iops": "iops", "bandwidth": "bps"}


def throttle_fields(limits: Qos) -> dict[str, int]:
    """All 19 fields of QEMU's ThrottleLimits: QEMU keeps the old value of any that is left out.

    A burst without a length lasts one second, as QEMU has it. Raises DriverError: UNSUPPORTED for a floor
    and for total beside read or write of one unit, INVALID for figures that QEMU would refuse or, 0 being
    its word for unlimited, misunderstand.
    """
    fields: dict[str, int] = {}
    for unit in UNITS:
        bands = limits.bands(unit)
        if bands.total and (bands.read or bands.write):
            raise DriverError(
                ErrorCode.UNSUPPORTED,
                f"{unit}: QEMU limits the total, or reads and writes, not both. Maybe leave out one of them.",
            )
        for direction, band in bands:
            name = f"{_PREFIX[unit]}-{direction}"
            _check(f"{unit} {direction}", band)
            fields[name] = band.ceiling or 0
            fields[f"{name}-max"] = band.burst or 0
            fields[f"{name}-max-length"] = band.burst_seconds or 1
    if not 1 <= limits.io_size_bytes <= MOST:
        raise _invalid(f"an I/O size of {limits.io_size_bytes:,} is outside 1 to {MOST:,}", "leave it out")
    fields["iops-size"] = limits.io_size_bytes if limits.iops != Bands() else 0
    return fields


def observed_limits(fields: object) -> Qos:
    """The limits of a throttle group as QEMU shows them; raises DriverError where it shows nonsense."""
    if not isinstance(fields, dict):
        raise DriverError(ErrorCode.UNAVAILABLE, "QEMU shows a throttle group without limits")
    return Qos(
        iops=_observed("iops", fields),
        bandwidth=_observed("bandwidth", fields),
        io_size_bytes=_whole(fields, "iops-size") or DEFAULT_IO_SIZE_BYTES,
    )


def _check(what: str, band: Band) -> None:
    ceiling, burst, seconds = band.ceiling, band.burst, band.burst_seconds
    if band.floor is not None:
        raise DriverError(
            ErrorCode.UNSUPPORTED,
            f"{what}: QEMU keeps no floor, here {band.floor:,}. Maybe ask for it as provisioned QoS.",
        )
    if ceiling is not None and not 1 <= ceiling <= MOST:
        raise _invalid(f"{what}: a ceiling of {ceiling:,} is outside 1 to {MOST:,}", "leave it out")
    if burst is None:
        if seconds is not None:
            raise _invalid(f"{what}: {seconds:,} s of a burst without its rate", "state the burst")
        return
    if ceiling is None:
        raise _invalid(f"{what}: a burst of {burst:,} without a ceiling", "state the ceiling too")
    if not ceiling <= burst <= MOST:
        raise _invalid(f"{what}: a burst of {burst:,} is outside {ceiling:,} to {MOST:,}", "mend the burst")
    longest = min(MOST // burst, LONGEST_SECONDS)
    if seconds is not None and not 1 <= seconds <= longest:
        raise _invalid(f"{what}: a burst of {seconds:,} s is outside 1 to {longest:,}", "shorten the burst")


def _invalid(text: str, remedy: str) -> DriverError:
    return DriverError(ErrorCode.INVALID, f"{text}. Maybe {remedy}.")


def _observed(unit: Unit, fields: Mapping[str, object]) -> Bands:
    def band(direction: Direction) -> Band:
        name = f"{_PREFIX[unit]}-{direction}"
        burst = _whole(fields, f"{name}-max") or None
        seconds = _whole(fields, f"{name}-max-length") if burst else None
        return Band(ceiling=_whole(fields, name) or None, burst=burst, burst_seconds=seconds)

    total, read, write = (band(direction) for direction in DIRECTIONS)
    return Bands(total, read, write)


def _whole(fields: Mapping[str, object], name: str) -> int:
    value = fields.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise DriverError(ErrorCode.UNAVAILABLE, f"QEMU shows no whole number as {name} of a throttle group")
    return value

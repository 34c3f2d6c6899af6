"""What one instance of a driver can do less than its manifest says; nothing can be added that way."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from allocator.documents.errors import DocumentError, Path
from allocator.documents.manifest_form import (
    CountRange,
    DetailEntry,
    FiguresEntry,
    Narrowing,
    NarrowQosEntry,
    RateRange,
    SizeRange,
)
from allocator.domain.manifest import DetailKey, Manifest, QosSupport, Range, SizeSupport
from allocator.domain.qos import Direction, Field, Unit

Ranges = Mapping[tuple[Unit, Direction, Field], Range]


def narrowed(base: Manifest, entry: Narrowing | None, path: Path) -> Manifest:
    """A manifest of its own for one instance; what `entry` states takes the place of what `base` says.

    Raises DocumentError, naming the field, where that would widen it.
    """
    if entry is None:
        return replace(base)
    size = range_within(entry.size, Range(base.size.least, base.size.most, base.size.step), (*path, "size"))
    return replace(
        base,
        size=SizeSupport(size.least, size.most, size.step),
        provisioning=_subset(entry.provisioning, base.provisioning, (*path, "provisioning")),
        encryption=_no_more(entry.encryption, base.encryption, (*path, "encryption")),
        multi_attach=_no_more(entry.multi_attach, base.multi_attach, (*path, "multi_attach")),
        qos=_narrowed_qos(base.qos, entry.qos, (*path, "qos")),
        protocols=_subset(entry.protocols, base.protocols, (*path, "protocols")),
        identities=_subset(entry.identities, base.identities, (*path, "identities")),
        details=_details(entry.details, base.details, (*path, "details")),
        parallel_calls=_fewer(entry.parallel_calls, base.parallel_calls, (*path, "parallel_calls")),
    )


def range_within(entry: CountRange | SizeRange | RateRange | None, base: Range, path: Path) -> Range:
    """The part of `base` that `entry` leaves. Raises DocumentError where it reaches further, or is empty."""
    if entry is None:
        return base
    least = base.least if entry.least is None else entry.least
    most = base.most if entry.most is None else entry.most
    step = base.step if entry.step is None else entry.step
    if least < base.least:
        raise _widened(f"{least:,} is below the least, {base.least:,}", (*path, "least"))
    if base.most is not None and most is not None and most > base.most:
        raise _widened(f"{most:,} is above the most, {base.most:,}", (*path, "most"))
    if step % base.step:
        raise _widened(f"{step:,} is no multiple of the step, {base.step:,}", (*path, "step"))
    if most is not None and least > most:
        raise DocumentError(f"From {least:,} to {most:,} is nothing.", "Maybe swap them.", path)
    return Range(least, most, step)


def figures_within(entry: FiguresEntry, base: Ranges | None, path: Path) -> Ranges:
    """The figures that are still kept; `base` None: a manifest of its own, which may state any."""
    found: dict[tuple[Unit, Direction, Field], Range] = {}
    stated: Mapping[Unit, Mapping[Direction, Mapping[Field, CountRange | RateRange]]] = {
        "iops": entry.iops or {},
        "bandwidth": entry.bandwidth or {},
    }
    for unit, directions in stated.items():
        for direction, parts in directions.items():
            for part, limits in parts.items():
                here = (*path, unit, direction, part)
                known = Range() if base is None else base.get((unit, direction, part))
                if known is None:
                    raise _widened("This figure is not in the manifest", here)
                found[unit, direction, part] = range_within(limits, known, here)
    return found


def _narrowed_qos(base: QosSupport, entry: NarrowQosEntry | None, path: Path) -> QosSupport:
    if entry is None:
        return base
    figures = base.figures
    if entry.figures is not None:
        figures = figures_within(entry.figures, base.figures, (*path, "figures"))
    seconds = base.burst_seconds
    if entry.burst_seconds is not None:
        if seconds is None:
            raise _widened("No burst length is kept", (*path, "burst_seconds"))
        seconds = range_within(entry.burst_seconds, seconds, (*path, "burst_seconds"))
    return replace(
        base,
        isolation=_no_more(entry.isolation, base.isolation, (*path, "isolation")),
        unmanaged=_no_more(entry.unmanaged, base.unmanaged, (*path, "unmanaged")),
        floor_without_ceiling=_no_more(
            entry.floor_without_ceiling, base.floor_without_ceiling, (*path, "floor_without_ceiling")
        ),
        figures=figures,
        burst_seconds=seconds,
    )


def _details(
    entries: Mapping[str, DetailEntry] | None, base: Mapping[str, DetailKey], path: Path
) -> Mapping[str, DetailKey]:
    if entries is None:
        return base
    found: dict[str, DetailKey] = {}
    for key, entry in entries.items():
        known = base.get(key)
        if known is None or known.type != entry.type:
            raise _widened(f"There is no {entry.type} of this name in the manifest", (*path, key))
        choices = tuple(entry.choices) if entry.choices else known.choices
        if known.choices and not set(choices) <= set(known.choices):
            raise _widened(f"The manifest knows {', '.join(map(str, known.choices))}", (*path, key, "choices"))
        found[key] = DetailKey(entry.type, choices)
    return found


def _subset(stated: Collection[str] | None, base: frozenset[str], path: Path) -> frozenset[str]:
    if stated is None:
        return base
    further = sorted(set(stated) - base)
    if further:
        raise _widened(f"{further[0]} is not in the manifest ({', '.join(sorted(base)) or 'none'})", path)
    return frozenset(stated)


def _no_more(stated: bool | None, base: bool, path: Path) -> bool:
    if stated and not base:
        raise _widened("The manifest says false", path)
    return base if stated is None else stated


def _fewer(stated: int | None, base: int | None, path: Path) -> int | None:
    if stated is not None and base is not None and stated > base:
        raise _widened(f"{stated:,} is above what the manifest says, {base:,}", path)
    return base if stated is None else stated


def _widened(why: str, path: Path) -> DocumentError:
    return DocumentError(
        f"{why}, and an instance may narrow its manifest, never widen it.", "Maybe leave it out.", path
    )

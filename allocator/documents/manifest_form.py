"""The form of a manifest's YAML, as it ships with a driver and as an instance narrows it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import StringConstraints

from allocator.documents.qos_figures import RangeGiven
from allocator.documents.words import Count, Entry, Listed, Name, Positive, RateAsked, SizeAsked, Version
from allocator.domain.qos import Direction, Field


class CountRange(Entry):
    """From `least` to `most` in steps of `step` counted from zero; absent: no bound."""

    least: Count | None = None
    most: Count | None = None
    step: Positive | None = None


class SizeRange(Entry):
    """The same in bytes."""

    least: SizeAsked | None = None
    most: SizeAsked | None = None
    step: SizeAsked | None = None


class RateRange(Entry):
    """The same in bytes per second."""

    least: RateAsked | None = None
    most: RateAsked | None = None
    step: RateAsked | None = None


class FiguresEntry(Entry):
    """The QoS figures that are kept; what is not stated is not."""

    iops: dict[Direction, dict[Field, CountRange]] | None = None
    bandwidth: dict[Direction, dict[Field, RateRange]] | None = None


class NarrowQosEntry(Entry):
    """The part of QoS support that an instance can give up."""

    isolation: bool | None = None
    unmanaged: bool | None = None
    floor_without_ceiling: bool | None = None
    figures: FiguresEntry | None = None
    burst_seconds: CountRange | None = None


class QosSupportEntry(NarrowQosEntry):
    """Who keeps which figures, and how far volumes are isolated from each other."""

    enforced: Literal["storage", "client", "hypervisor", "nobody"]
    always: bool = False
    """Every volume has QoS, asked for or not."""
    io_size: SizeAsked | None = None
    """An I/O larger than this counts as several."""
    default: RangeGiven | None = None
    """What an `always` driver gives where nothing was asked; absent: each pool states what was observed."""


class DetailEntry(Entry):
    """One vendor key: its type, and the values it takes; absent: any."""

    type: Literal["string", "integer", "boolean"]
    choices: Listed[str | int | bool] | None = None


class Narrowing(Entry):
    """What one instance can do less than its driver. Each field stated takes the place of the manifest's."""

    size: SizeRange | None = None
    provisioning: Listed[Literal["thin", "thick"]] | None = None
    encryption: bool | None = None
    multi_attach: bool | None = None
    qos: NarrowQosEntry | None = None
    protocols: Listed[Name] | None = None
    identities: Listed[Name] | None = None
    details: dict[Name, DetailEntry] | None = None
    parallel_calls: Positive | None = None
    """How many calls of one process it takes at once; absent: as many as come."""


class VerifiedEntry(Entry):
    """How the manifest was checked, and against what."""

    kind: Literal["real", "simulator", "reference"]
    """Against the product itself, a simulator of it, or its documents and other people's drivers."""
    against: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class ManifestEntry(Narrowing):
    """What a driver or an agent can do; whatever it does not say, it cannot."""

    version: Version
    driver: Name | None = None
    agent: Name | None = None
    verified: VerifiedEntry
    qos: QosSupportEntry | None = None

"""Offerings, and the wishes that a request may state in place of its offering's (R28)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final, Literal

from allocator.documents.details import DetailGroups, check_details, grouped
from allocator.documents.errors import Path
from allocator.documents.qos import QosGiven, wishes
from allocator.documents.words import Entry, Listed, Name, Share, Tag
from allocator.domain.request import Offering

_PLAIN: Final = (
    "tags",
    "forbid_tags",
    "preferred_tags",
    "host_tags",
    "encrypted",
    "dedicated",
    "snapshot_reserve",
)
"""Wishes that are kept as they are written, lists as sets."""


class Wishes(Entry):
    """What offerings and requests have in common."""

    tags: Listed[Tag] | None = None
    """Of pools: all of them."""
    forbid_tags: Listed[Tag] | None = None
    preferred_tags: Listed[Tag] | None = None
    host_tags: Listed[Tag] | None = None
    qos: QosGiven | None = None
    """One way to keep it, or a list in order of preference."""
    provisioning: Literal["thin", "thick", "any"] | None = None
    """`any`, or absent: thin where the driver can, else thick."""
    encrypted: bool | None = None
    dedicated: bool | None = None
    """A LUN of its own, shared with nobody."""
    snapshot_reserve: Share | None = None
    """Charged beside the size."""
    details: DetailGroups | None = None
    """Vendor key/values by driver: {solidfire: {enable512e: true}}."""


class OfferingEntry(Wishes):
    """A named template an administrator defines."""

    name: Name


def offering(entry: OfferingEntry) -> Offering:
    """Raises DocumentError for QoS that asks for nothing and details their driver does not know (R14)."""
    path: Path = ("offerings", entry.name)
    check_details(entry.details, (*path, "details"))
    qos = () if entry.qos is None else wishes(entry.qos, (*path, "qos"))
    return overlaid(Offering(entry.name, qos=qos), entry)


def overlaid(base: Offering, entry: Wishes) -> Offering:
    """An offering with each wish that `entry` states, but for QoS, in place of its own."""
    stated: dict[str, Any] = {
        name: frozenset(value) if isinstance(value, list) else value
        for name in _PLAIN
        if (value := getattr(entry, name)) is not None
    }
    if entry.provisioning is not None:
        stated["provisioning"] = None if entry.provisioning == "any" else entry.provisioning
    if entry.details is not None:
        stated["details"] = grouped(entry.details)
    return replace(base, **stated) if stated else base

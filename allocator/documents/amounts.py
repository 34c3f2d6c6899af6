"""What pools and hosts sell: a total and how far it may be oversold. A bare number or size is its total."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated, Any

from pydantic import BeforeValidator

from allocator.documents.words import Count, Entry, Factor, Name, RateHeld, Share, SizeHeld
from allocator.domain.places import Amount, Capacity


def _spelled_out(value: object) -> object:
    return value if isinstance(value, (dict, list)) else {"total": value}


class CapacityEntry(Entry):
    total: SizeHeld | None = None
    overcommit: Factor | None = None
    reserved: Share | None = None
    """Kept back from the total before it is multiplied."""


class IopsEntry(Entry):
    total: Count | None = None
    overcommit: Factor | None = None


class PoolIopsEntry(IopsEntry):
    ceiling_overcommit: Factor | None = None
    """The sum of ceilings stays within total x this; absent: ceilings are not counted."""


class BandwidthEntry(Entry):
    total: RateHeld | None = None
    overcommit: Factor | None = None


class ResourceEntry(Entry):
    total: SizeHeld | None = None
    """A whole number, or a size."""
    overcommit: Factor | None = None
    safe: SizeHeld | None = None
    """What is used above it costs, by goal `overload`."""


CapacityGiven = Annotated[CapacityEntry, BeforeValidator(_spelled_out, json_schema_input_type=CapacityEntry | SizeHeld)]
IopsGiven = Annotated[IopsEntry, BeforeValidator(_spelled_out, json_schema_input_type=IopsEntry | Count)]
PoolIopsGiven = Annotated[PoolIopsEntry, BeforeValidator(_spelled_out, json_schema_input_type=PoolIopsEntry | Count)]
BandwidthGiven = Annotated[
    BandwidthEntry, BeforeValidator(_spelled_out, json_schema_input_type=BandwidthEntry | RateHeld)
]
ResourceGiven = Annotated[ResourceEntry, BeforeValidator(_spelled_out, json_schema_input_type=ResourceEntry | SizeHeld)]
Resources = dict[Name, ResourceGiven]

Defaults = Mapping[str, Fraction]
"""The policy's overcommit factors, by the name of what they multiply."""


def capacity(entry: CapacityEntry | None, defaults: Defaults) -> Capacity:
    if entry is None:
        return Capacity()
    return Capacity(entry.total, _factor(entry.overcommit, "capacity", defaults), entry.reserved or Fraction(0))


def amount(entry: IopsEntry | BandwidthEntry | ResourceEntry | None, name: str, defaults: Defaults) -> Amount:
    """`name` is the policy's word for it: `iops`, `host_iops`, `resources`..."""
    if entry is None:
        return Amount()
    ceiling = entry.ceiling_overcommit if isinstance(entry, PoolIopsEntry) else None
    safe = entry.safe if isinstance(entry, ResourceEntry) else None
    return Amount(entry.total, _factor(entry.overcommit, name, defaults), ceiling, safe)


def resource_amounts(entries: Mapping[str, Any] | None, defaults: Defaults) -> dict[str, Amount]:
    return {name: amount(entry, "resources", defaults) for name, entry in sorted((entries or {}).items())}


def _factor(stated: Fraction | None, name: str, defaults: Defaults) -> Fraction:
    return defaults.get(name, Fraction(1)) if stated is None else stated

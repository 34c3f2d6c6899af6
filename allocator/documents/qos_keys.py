"""The keys in which people write QoS, as one table: it serves reading, writing and the schema (R10)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from allocator.domain.qos import DIRECTIONS, UNITS, Direction, Field, Kind, Unit


class Figure(NamedTuple):
    """What one key states."""

    unit: Unit
    direction: Direction
    part: Field
    per_gib: bool = False


def _keys(forms: Mapping[Field, str]) -> dict[str, Figure]:
    """The keys of one group; `{quiet}` is the direction where a total goes without saying."""
    keys: dict[str, Figure] = {}
    for unit in UNITS:
        for direction in DIRECTIONS:
            quiet = "" if direction == "total" else f"{direction}_"
            for part, form in forms.items():
                key = form.format(direction=direction, quiet=quiet, unit=unit)
                keys[key] = Figure(unit, direction, part)
                if unit == "iops":
                    keys[f"{key}_per_gib"] = Figure(unit, direction, part, per_gib=True)
    return keys


RANGE_KEYS: Final = _keys(
    {"floor": "min_{quiet}{unit}", "ceiling": "max_{quiet}{unit}", "burst": "burst_{quiet}{unit}"}
)
"""Of `provisioned`: `min_iops`, `max_read_bandwidth`, `burst_iops_per_gib`..."""

RATE_KEYS: Final = _keys({"ceiling": "{direction}_{unit}", "burst": "burst_{direction}_{unit}"})
"""Of `throttled` and `limit`: `total_iops`, `burst_write_bandwidth`..."""


def keys_of(kind: Kind) -> dict[str, Figure]:
    """The keys of the group that `kind` is written as."""
    return RANGE_KEYS if kind is Kind.PROVISIONED else RATE_KEYS

"""QoS figures in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from allocator.domain.qos import FIELDS, UNITS, Qos
from allocator.domain.sizes import format_count, format_rate

WORDS: Final = {"floor": "min", "ceiling": "max", "burst": "burst"}


def phrases(qos: Qos) -> Iterator[str]:
    """`min 5,000 max 9,000 IOPS`, `max 64 MiB/s read`: each direction of each unit of which a figure is stated."""
    for unit in UNITS:
        show, what = (format_rate, "") if unit == "bandwidth" else (format_count, "IOPS")
        for direction, band in qos.bands(unit):
            figures = [
                f"{WORDS[field]} {show(value)}" for field in FIELDS if (value := getattr(band, field)) is not None
            ]
            if figures:
                side = "" if direction == "total" else direction
                yield " ".join(word for word in [*figures, side, what] if word)

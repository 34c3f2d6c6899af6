"""QoS as it is stated: alternatives in order of preference, each kept by exactly one side (R09, R11)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Self

from pydantic import Discriminator, Tag, model_validator

from allocator.documents.errors import DocumentError, Path
from allocator.documents.qos_figures import Figures, RangeGiven, RateGiven
from allocator.documents.words import Entry, Listed, refusal
from allocator.domain.qos import UNITS, Alternative, Kind, QosWish, alternatives
from allocator.domain.sizes import LARGEST, format_count


class QosEntry(Entry):
    """One way to keep a volume's QoS; exactly one side enforces it, so exactly one group stands here."""

    provisioned: RangeGiven | None = None
    """A range that the storage guarantees."""
    throttled: RateGiven | None = None
    """A rate that the hypervisor enforces."""
    limit: RateGiven | None = None
    """A bare ceiling: the storage enforces it if it can, else the hypervisor."""

    def groups(self) -> dict[Kind, Figures]:
        groups = {Kind.PROVISIONED: self.provisioned, Kind.THROTTLED: self.throttled, Kind.LIMIT: self.limit}
        return {kind: figures for kind, figures in groups.items() if figures is not None}

    @model_validator(mode="after")
    def _one_side(self) -> Self:
        groups = [
            f"{kind} ({', '.join(key for key, _ in figures.stated().values())})"
            for kind, figures in self.groups().items()
        ]
        if len(groups) > 1:
            raise refusal(
                f"{' and '.join(groups)} stand together, but exactly one side enforces a volume.",
                "Maybe write them as a list of alternatives.",
            )
        return self

    def wish(self) -> QosWish | None:
        """The normal form; None where nothing is stated."""
        return next((figures.wish(kind) for kind, figures in self.groups().items()), None)


def _form(value: object) -> str:
    return "<several>" if isinstance(value, list) else "<one>"


QosGiven = Annotated[
    Annotated[QosEntry, Tag("<one>")] | Annotated[Listed[QosEntry], Tag("<several>")], Discriminator(_form)
]
"""One mapping, or a list of alternatives in order of preference."""


def wishes(given: QosEntry | Sequence[QosEntry], path: Path) -> tuple[QosWish, ...]:
    """The alternatives that are asked for. Raises DocumentError where one asks for nothing."""
    entries = [given] if isinstance(given, QosEntry) else given
    found = [entry.wish() for entry in entries]
    if None in found:
        raise DocumentError(
            "It has none of provisioned, throttled and limit.",
            "Maybe {limit: {total_iops: 1000}}, or no `qos` at all.",
            path,
        )
    return tuple(wish for wish in found if wish is not None)


@lru_cache(maxsize=4096)
def _at_size(asked: tuple[QosWish, ...], size_bytes: int) -> tuple[Alternative, ...]:
    """One object for all requests of an offering and a size: what is the same object is soon compared."""
    return alternatives(asked, size_bytes)


def expanded(asked: tuple[QosWish, ...], size_bytes: int, path: Path) -> tuple[Alternative, ...]:
    """The alternatives at a size. Raises DocumentError where figures per GiB outgrow others, or 64 bits."""
    found = _at_size(asked, size_bytes)
    for alternative in found:
        for unit in UNITS:
            for direction, band in alternative.qos.bands(unit):
                figures = [value for value in (band.floor, band.ceiling, band.burst) if value is not None]
                if figures != sorted(figures) or max(figures, default=0) > LARGEST:
                    numbers = ", ".join(format_count(value) for value in figures)
                    raise DocumentError(
                        f"At this size the {direction} {unit} are {numbers}; they must rise, within 64 bits.",
                        "Maybe state all of them per GiB, or none.",
                        path,
                    )
    return found

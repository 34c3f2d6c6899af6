"""One group of QoS figures as people write it: checked, and turned into the normal form (R09, R10)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, GetCoreSchemaHandler, create_model, model_validator
from pydantic_core import CoreSchema

from allocator.documents.qos_keys import RANGE_KEYS, RATE_KEYS, Figure
from allocator.documents.words import Entry, Positive, RateAsked, SizeAsked, refusal
from allocator.domain.qos import (
    DEFAULT_IO_SIZE_BYTES,
    DIRECTIONS,
    FIELDS,
    UNITS,
    Band,
    Bands,
    Direction,
    Kind,
    Qos,
    QosWish,
    Unit,
)
from allocator.domain.sizes import format_count


class Figures(Entry):
    """The figures of one group: each absolute or per GiB of the volume's size."""

    keys: ClassVar[Mapping[str, Figure]] = {}

    burst_seconds: Positive | None = None
    """How long a burst may last."""
    io_size: SizeAsked | None = None
    """The I/O size that counts as one operation; 4 KiB unless said otherwise."""

    def stated(self) -> dict[Figure, tuple[str, int]]:
        """What is stated, under which key and how much."""
        there = [(figure, key) for key, figure in self.keys.items() if key in self.model_fields_set]
        return {figure: (key, value) for figure, key in there if (value := getattr(self, key)) is not None}

    def wish(self, kind: Kind) -> QosWish:
        """The normal form."""
        values = tuple((figure, value) for figure, (_, value) in self.stated().items())
        return _wish(kind, values, self.burst_seconds, self.io_size or DEFAULT_IO_SIZE_BYTES)

    @model_validator(mode="after")
    def _agree(self) -> Self:
        stated = self.stated()
        parts = {figure.part for figure in stated}
        if not parts & {"floor", "ceiling"}:
            raise refusal("It states neither a minimum nor a maximum.", f"Maybe add {next(iter(self.keys))}.")
        if self.burst_seconds is not None and "burst" not in parts:
            raise refusal("There is no burst that could last.", "Maybe state a burst.", "burst_seconds")
        for (one, (first, low)), (other, (second, high)) in combinations(stated.items(), 2):
            if one.unit != other.unit:
                continue
            if (one.direction == "total") != (other.direction == "total"):
                raise refusal(
                    f"{first} and {second} stand together.",
                    "Maybe keep the total, or read and write.",
                    second,
                )
            if one.direction == other.direction and one.part == other.part:
                raise refusal(f"{first} and {second} stand together.", f"Maybe keep {first}.", second)
            if one.direction == other.direction and one.per_gib == other.per_gib and low > high:
                raise refusal(
                    f"{first} {format_count(low)} is above {second} {format_count(high)}.",
                    f"Maybe {second}: {low}.",
                    second,
                )
        for figure, (key, _) in stated.items():
            if figure.part == "burst" and not _has_ceiling(stated, figure):
                raise refusal(f"{key} has no maximum to burst above.", "Maybe state the maximum too.", key)
        return self


def _has_ceiling(stated: Mapping[Figure, object], burst: Figure) -> bool:
    return any(burst._replace(part="ceiling", per_gib=per_gib) in stated for per_gib in (False, True))


@lru_cache(maxsize=4096)
def _wish(kind: Kind, values: tuple[tuple[Figure, int], ...], seconds: int | None, io_size_bytes: int) -> QosWish:
    stated = dict(values)
    bursts = {(figure.unit, figure.direction) for figure in stated if figure.part == "burst"}

    def band(unit: Unit, direction: Direction, per_gib: bool) -> Band:
        floor, ceiling, burst = (stated.get(Figure(unit, direction, part, per_gib)) for part in FIELDS)
        lasting = seconds if (unit, direction) in bursts and not per_gib else None
        return Band(floor, ceiling, burst, lasting)

    def qos(per_gib: bool, io_size_bytes: int) -> Qos:
        iops, bandwidth = (Bands(*(band(unit, way, per_gib) for way in DIRECTIONS)) for unit in UNITS)
        return Qos(iops, bandwidth, io_size_bytes)

    return QosWish(kind, qos(False, io_size_bytes), qos(True, DEFAULT_IO_SIZE_BYTES))


@dataclass(frozen=True)
class _As:
    """Validate as a model that is made from the table of keys."""

    model: type[BaseModel]

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return handler.generate_schema(self.model)


def _model(base: type[Figures]) -> _As:
    types: dict[str, Any] = {
        key: (Positive | None if figure.unit == "iops" else RateAsked | None, None) for key, figure in base.keys.items()
    }
    return _As(create_model(base.__name__, __base__=base, **types))


class Range(Figures):
    """What storage provisions: `min_iops`, `max_iops`, `burst_iops`..."""

    keys = RANGE_KEYS

    @classmethod
    def perhaps(cls, stranger: str) -> str:
        return "Maybe put it under throttled or limit." if stranger in RATE_KEYS else super().perhaps(stranger)


class Rate(Figures):
    """What is never exceeded: `total_iops`, `read_bandwidth`, `burst_write_iops`..."""

    keys = RATE_KEYS

    @classmethod
    def perhaps(cls, stranger: str) -> str:
        return "Maybe put it under provisioned." if stranger in RANGE_KEYS else super().perhaps(stranger)


RangeGiven = Annotated[Range, _model(Range)]
RateGiven = Annotated[Rate, _model(Rate)]

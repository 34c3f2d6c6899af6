"""Ordered steps that carry out a decision; the same decision gives the same plan, byte for byte."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Final, Literal

from allocator.domain.lazily import lazily

_JSON: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"))

StepKind = Literal[
    "reserve", "create", "grant", "attach", "detach", "revoke", "delete", "release",
    "withdraw", "regrant", "reattach",
    "copy", "verify", "mirror", "switch", "drop",
]  # fmt: skip

INVERSE: Final[Mapping[StepKind, StepKind]] = MappingProxyType(
    {
        "reserve": "release",
        "create": "delete",
        "grant": "revoke",
        "attach": "detach",
        "copy": "drop",
        "verify": "drop",
        "mirror": "drop",
    }
)
"""The step that undoes a step.

A step that takes something away has none: it is tried again, not undone. Nor has `switch`, from which on a volume is
where it was moved to: what comes before it can be undone, what comes after it is only gone on with.
"""

MENDING: Final = frozenset[StepKind]({"withdraw", "regrant", "reattach"})
"""Steps that make a device agree with the ledger: access taken from whoever the ledger does not name, given again to
whom it names, a device attached again as it says or detached. None is undone, since the ledger is what counts."""


@dataclass(frozen=True, slots=True)
class Step:
    """One idempotent action on one volume; `after` names the steps of this plan that must be done first."""

    number: int
    kind: StepKind
    volume: str
    pool: str
    host: str | None = None
    after: tuple[int, ...] = ()


@dataclass(frozen=True)
class PlanText:
    """What a plan says as canonical JSON, in parts: sorted keys, no blanks, ASCII."""

    steps: str
    volumes: tuple[str, ...]

    @classmethod
    def of(cls, steps: Iterable[Step], volumes: Iterable[Mapping[str, object]]) -> PlanText:
        listed = [[step.number, step.kind, step.volume, step.pool, step.host, step.after] for step in steps]
        return cls(_JSON.encode(listed), tuple(map(_JSON.encode, volumes)))

    @property
    def whole(self) -> str:
        """`{"steps": [...], "volumes": [...]}`."""
        return f'{{"steps":{self.steps},"volumes":[{",".join(self.volumes)}]}}'

    @lazily
    def id(self) -> str:
        """The first 16 hex digits of its SHA-256."""
        return hashlib.sha256(self.whole.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Plan:
    """Steps, and the document (design 3: `volumes`) of every volume they make or change.

    `id` is a hash of both: two plans with one id are the same plan.
    """

    id: str
    steps: tuple[Step, ...] = ()
    volumes: tuple[Mapping[str, object], ...] = ()

    @classmethod
    def of(cls, steps: Iterable[Step], volumes: Iterable[Mapping[str, object]]) -> Plan:
        steps, volumes = tuple(steps), tuple(volumes)
        text = PlanText.of(steps, volumes)
        plan = cls(text.id, steps, volumes)
        vars(plan)["text"] = text
        return plan

    @cached_property
    def text(self) -> PlanText:
        """What it says; whether that is what its id stands for is another question."""
        return PlanText.of(self.steps, self.volumes)


def plan_id(steps: Iterable[Step], volumes: Iterable[Mapping[str, object]]) -> str:
    """The id of a plan that says this."""
    return PlanText.of(steps, volumes).id

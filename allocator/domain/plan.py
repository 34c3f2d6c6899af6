"""Ordered steps that carry out a decision; the same decision gives the same plan, byte for byte."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

StepKind = Literal["reserve", "create", "grant", "attach", "detach", "revoke", "delete", "release"]

INVERSE: Final[Mapping[StepKind, StepKind]] = MappingProxyType(
    {"reserve": "release", "create": "delete", "grant": "revoke", "attach": "detach"}
)
"""The step that undoes a step. A step that takes something away has none: it is tried again, not undone."""


@dataclass(frozen=True, slots=True)
class Step:
    """One idempotent action on one volume; `after` names the steps of this plan that must be done first."""

    number: int
    kind: StepKind
    volume: str
    pool: str
    host: str | None = None
    after: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
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
        return cls(plan_id(steps, volumes), steps, volumes)


def plan_id(steps: Iterable[Step], volumes: Iterable[Mapping[str, object]]) -> str:
    """The first 16 hex digits of the SHA-256 of the plan's canonical JSON."""
    content = {
        "steps": [[step.number, step.kind, step.volume, step.pool, step.host, list(step.after)] for step in steps],
        "volumes": list(volumes),
    }
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]

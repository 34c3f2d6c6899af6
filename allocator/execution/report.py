"""What came of running a plan, volume by volume, and what is told while it runs. No secret is ever in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from allocator.domain.plan import StepKind
from allocator.ledger.records import PlanState

VolumeOutcome = Literal["done", "failed", "rolled_back", "unfinished"]
"""`failed`: it could not be taken away and is still there. `unfinished`: running the plan again goes on."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a step failed: an ErrorCode's text, and words for people."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Reached:
    """How a host reaches a volume, and as which device; None where nothing was attached."""

    host: str
    uri: str | None
    device: str | None


@dataclass(frozen=True, slots=True)
class VolumeReport:
    """What came of one volume."""

    volume: str
    pool: str
    state: VolumeOutcome
    native_id: str | None = None
    reached: tuple[Reached, ...] = ()
    error: Failure | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a plan; `dataclasses.asdict` makes JSON of it."""

    plan: str
    state: PlanState
    volumes: tuple[VolumeReport, ...] = ()
    reason: str | None = None
    """Of a plan that is stuck: which steps could neither be done nor undone, and what they met."""


@dataclass(frozen=True, slots=True)
class Progress:
    """One step's news, for whoever watches. `done` of `of` steps of the plan are done."""

    volume: str
    kind: StepKind
    host: str | None
    state: Literal["started", "done", "retried", "failed", "undone"]
    done: int
    of: int
    error: Failure | None = None

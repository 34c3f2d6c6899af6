"""What came of a call: what was placed, what was refused and why, and how good the answer is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import overload

from allocator.domain.plan import Plan


class RefusalKind(StrEnum):
    """How final a refusal is."""

    NEVER = "never"
    """Not even an empty fleet could."""
    NO_ROOM = "no_room"
    """Sold out."""
    MOVE_WOULD_HELP = "move_would_help"
    """A rebalance could make room."""
    TOGETHER = "together"
    """Each alone fits, all of them do not."""
    UNDECIDED = "undecided"
    """Time ran out before an answer or a proof."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One fact why not: the rule, whom it concerns, and the numbers compared."""

    rule: str
    subject: str
    numbers: Mapping[str, int | str]
    text: str


@dataclass(frozen=True, slots=True)
class Count:
    """How many pools and hosts one rule closes to a request, and a sentence part that says so."""

    rule: str
    pools: int
    hosts: int
    text: str


@dataclass(frozen=True, slots=True)
class Remedy:
    """A change of the documents that makes a refused request placeable."""

    text: str
    verified: bool
    change: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that was not placed."""

    request: str
    kind: RefusalKind
    because: tuple[str, ...] = ()
    """Rules that together refuse it: drop any one of them and it fits."""
    together: tuple[str, ...] = ()
    """Requests that do not all fit."""
    pools: int = 0
    """How many pools were considered."""
    histogram: tuple[Count, ...] = ()
    remedies: tuple[Remedy, ...] = ()


@dataclass(frozen=True, slots=True)
class Placed:
    """A request that was placed."""

    request: str
    vm: str | None
    pool: str
    host: str | None
    qos: str
    alternative: int


@dataclass(frozen=True, slots=True)
class GoalResult:
    """A goal's cost at the answer, and the bound below which no answer can go (None: not proven)."""

    goal: str
    cost: int
    bound: int | None = None


@dataclass(frozen=True, slots=True)
class Headway:
    """How far a long search has come, told while it runs."""

    phase: str
    """What it does now: `greedy`, `relaxing`, `solving`, `packing`, `improving`; `solved`: a part is done."""
    goal: str
    """The goal that is being minimised."""
    cost: int
    """Of the best answer so far."""
    bound: int | None = None
    """Below which no answer can go; None: not known yet."""
    part: int = 1
    """Goal, cost and bound are those of one part of the fleet that is solved by itself: the how many'th."""
    parts: int = 1


class _MadeWhenRead:
    """An outcome's plan, given as it is or as the way to make it: where nothing is reserved nobody may ask for it."""

    @overload
    def __get__(self, outcome: None, owner: type) -> _MadeWhenRead: ...
    @overload
    def __get__(self, outcome: object, owner: type) -> Plan: ...
    def __get__(self, outcome: object | None, owner: type) -> Plan | _MadeWhenRead:
        if outcome is None:
            raise AttributeError("A plan has no default.")
        plan: Plan | Callable[[], Plan] = vars(outcome)["plan"]
        if not isinstance(plan, Plan):
            plan = vars(outcome)["plan"] = plan()
        return plan

    def __set__(self, outcome: object, plan: Plan | Callable[[], Plan]) -> None:
        vars(outcome)["plan"] = plan


@dataclass(frozen=True)
class Outcome:
    """The answer to one call; `seconds` is the only figure that is not the same every time."""

    status: str
    """`optimal`, `feasible` or `undecided`."""
    plan: _MadeWhenRead = _MadeWhenRead()
    """A `Plan`, made when it is first read if what is given is the way to make it."""
    seconds: float = 0.0
    goals: tuple[GoalResult, ...] = ()
    placed: tuple[Placed, ...] = ()
    refused: tuple[Refusal, ...] = field(default=())
    deterministic: bool = True
    """False: a wall-clock limit or several cores on one part had a say, so that another run may answer otherwise."""

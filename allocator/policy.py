"""YAML to Policy: which rules and goals, in which order, with which numbers (R27)."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator

from allocator.documents.complaints import complaint
from allocator.documents.errors import DocumentError, nearest, shown
from allocator.documents.qos_figures import RateGiven
from allocator.documents.sources import Source, locate
from allocator.documents.words import (
    Count,
    Entry,
    Factor,
    Listed,
    Name,
    Positive,
    Share,
    SizeAsked,
    Version,
    members,
    refusal,
)
from allocator.domain.policy import Balance, Headroom, Movement, Policy, Spare
from allocator.domain.qos import Kind, Qos
from allocator.goals import GOALS
from allocator.rules import RULES

FOLDERS: Final = (Path(__file__).with_name("policies"), Path(__file__).parents[1] / "policies")
"""Where named policies lie: in an installed wheel, and in a source checkout."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


def _one_of(what: str, names: tuple[str, ...]) -> AfterValidator:
    def check(name: str) -> str:
        if name not in names:
            hint = nearest(name, names, f"Maybe one of {', '.join(names)}.")
            raise refusal(f"There is no {what} {shown(name)}.", hint)
        return name

    return AfterValidator(check)


GoalName = Annotated[str, _one_of("goal", tuple(goal.name for goal in GOALS))]
RuleName = Annotated[str, _one_of("rule", tuple(rule.name for rule in RULES))]


def _tier(value: object) -> object:
    return {value: 1} if isinstance(value, str) else value


Tier = Annotated[
    dict[GoalName, Positive],
    Field(min_length=1),
    BeforeValidator(_tier, json_schema_input_type=str | dict[str, Positive]),
]
"""One goal, or several with weights."""
Sold = Literal["capacity", "iops", "bandwidth", "host_iops", "host_bandwidth"]
Factored = Literal[Sold, "resources"]


class BalanceEntry(Entry):
    """How goal `balance` counts."""

    thresholds: list[Share] | None = None
    """Shares of what may be sold; what is above one costs, at each again."""
    weights: dict[Sold, Count] | None = None

    @model_validator(mode="after")
    def _rising(self) -> Self:
        stated = self.thresholds
        if stated is not None and (not stated or sorted(set(stated)) != stated):
            raise refusal("The thresholds do not rise.", "Maybe [70%, 85%].", "thresholds")
        if any((share * 1000).denominator != 1 for share in stated or ()):
            raise refusal("A threshold has more than three digits.", "Maybe 72.5%.", "thresholds")
        return self


class HeadroomEntry(Entry):
    """The room that goal `headroom` keeps free; absent: the largest floor among the offerings."""

    capacity: SizeAsked | None = None
    iops: Positive | None = None


class MovementEntry(Entry):
    """What goal `movement` counts for each volume that leaves its pool."""

    per_gib: Count = 1
    per_volume: Count = 1
    per_pair: dict[Name, dict[Name, Count]] | None = None
    """From each pool to each other."""


class SpareEntry(Entry):
    """How much of one resource a pool should have left for each unit of another, for goal `proportion`."""

    of: Name
    against: Name
    ratio: Positive = 1
    weight: Positive = 1


class PolicyEntry(Entry):
    """One policy."""

    version: Version
    """Of this form."""
    rules: list[RuleName] | None = None
    """Absent: all of them."""
    goals: list[Tier]
    """In their order; the first is `placed`."""
    overcommit: dict[Factored, Factor] | None = None
    """For places that state none; 1 where absent."""
    untagged: Literal["anywhere", "untagged_only"] = "anywhere"
    """Where requests without tags go."""
    unknown_total: Literal["refuse", "unlimited"] = "refuse"
    """What a place that states no total sells."""
    reserve_floors: bool = False
    """Sell floors on pools that enforce only ceilings, where all of them fit at once."""
    default_limit: RateGiven | None = None
    """For requests that ask for nothing."""
    full_at: Share | None = None
    """Nothing new above this share of physically used bytes."""
    balance: BalanceEntry = BalanceEntry()
    headroom: HeadroomEntry = HeadroomEntry()
    movement: MovementEntry = MovementEntry()
    overload: dict[Name, Count] | None = None
    """What a unit above the safe amount costs, by resource; 1 where absent."""
    spare: list[SpareEntry] | None = None
    held: Listed[Name] | None = None
    """Resources that a volume which moves keeps on its old pool until all moves are done."""

    @model_validator(mode="after")
    def _placed_comes_first(self) -> Self:
        if not self.goals or list(self.goals[0]) != ["placed"]:
            raise refusal("The first goal is not `placed` alone.", "Maybe begin with placed.", "goals")
        names = [name for tier in self.goals for name in tier]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise refusal(f"The goal {twice} stands twice.", "Maybe keep the first.", "goals")
        return self


def read_policy(name_or_path: str) -> Policy:
    """A policy that ships, by its name, or any by the path of its file.

    Raises DocumentError, with file, line and key.
    """
    path = _path(name_or_path)
    source = Source.of_file(path)
    try:
        return _policy(path.stem, PolicyEntry.model_validate(source.data))
    except ValidationError as error:
        wrong = complaint(error, source.data)
    locate(wrong, [source])
    raise wrong


def policy_names() -> list[str]:
    """The policies that ship."""
    return sorted({path.stem for folder in FOLDERS for path in folder.glob("*.yaml")})


def _path(name_or_path: str) -> Path:
    if _NAME.fullmatch(name_or_path) is None:
        return Path(name_or_path)
    for folder in FOLDERS:
        path = folder / f"{name_or_path}.yaml"
        if path.is_file():
            return path
    names = policy_names()
    hint = nearest(name_or_path, names, f"Maybe one of {', '.join(names)}, or the path of a file.")
    raise DocumentError(f"There is no policy named {shown(name_or_path)}.", hint)


def _policy(name: str, entry: PolicyEntry) -> Policy:
    return Policy(
        name=name,
        rules=None if entry.rules is None else tuple(entry.rules),
        goals=tuple(tuple(tier.items()) for tier in entry.goals),
        overcommit={str(name): factor for name, factor in (entry.overcommit or {}).items()},
        untagged=entry.untagged,
        unknown_total=entry.unknown_total,
        reserve_floors=entry.reserve_floors,
        default_limit=Qos() if entry.default_limit is None else entry.default_limit.wish(Kind.LIMIT).qos,
        full_at=entry.full_at,
        balance=_balance(entry.balance),
        headroom=Headroom(entry.headroom.capacity, entry.headroom.iops),
        movement=Movement(entry.movement.per_gib, entry.movement.per_volume, entry.movement.per_pair or {}),
        overload=entry.overload or {},
        spare=tuple(Spare(one.of, one.against, one.ratio, one.weight) for one in entry.spare or ()),
        held=members(entry.held),
    )


def _balance(entry: BalanceEntry) -> Balance:
    balance = Balance()
    if entry.thresholds is not None:
        balance = replace(balance, thresholds=tuple(int(share * 1000) for share in entry.thresholds))
    if entry.weights is not None:
        balance = replace(balance, weights={str(name): weight for name, weight in entry.weights.items()})
    return balance

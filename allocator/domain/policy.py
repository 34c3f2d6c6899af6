"""Which rules and goals, in which order, with which numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from allocator.domain.qos import Qos

Tier = tuple[tuple[str, int], ...]
"""Goals that are minimised as one weighted sum: (goal, weight)."""


@dataclass(frozen=True, slots=True)
class Balance:
    """How goal `balance` counts: use above each threshold (per mille of what is sellable), weighted by dimension."""

    thresholds: tuple[int, ...] = (700, 850)
    weights: Mapping[str, int] = field(
        default_factory=lambda: {"capacity": 1, "iops": 1, "host_iops": 1, "host_bandwidth": 1}
    )
    """By the name of the rule whose budget is used."""


@dataclass(frozen=True, slots=True)
class Spare:
    """For each unit of `of` that a pool has left it should have `ratio` units of `against` left, both resources.

    What it lacks of that costs `weight` a unit, by goal `proportion`.
    """

    of: str
    against: str
    ratio: int = 1
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Headroom:
    """The room goal `headroom` keeps free; None: the largest floor among the offerings."""

    capacity_bytes: int | None = None
    iops: int | None = None


@dataclass(frozen=True, slots=True)
class Movement:
    """What goal `movement` counts for each volume that leaves its pool."""

    per_gib: int = 1
    per_volume: int = 1
    per_pair: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """From each pool to each other; a pair that is not named costs nothing more."""


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy. `rules` None means all of them."""

    name: str = "default"
    rules: tuple[str, ...] | None = None
    goals: tuple[Tier, ...] = ((("placed", 1),), (("preference", 1),), (("balance", 1),))
    overcommit: Mapping[str, Fraction] = field(default_factory=dict)
    """Factors for places that state none: `capacity`, `iops`, `bandwidth`, `host_iops`, `host_bandwidth`,
    `resources`; 1 where absent."""
    untagged: Literal["anywhere", "untagged_only"] = "anywhere"
    unknown_total: Literal["refuse", "unlimited"] = "refuse"
    reserve_floors: bool = False
    default_limit: Qos = Qos()
    full_at: Fraction | None = None
    balance: Balance = Balance()
    headroom: Headroom = Headroom()
    movement: Movement = Movement()
    overload: Mapping[str, int] = field(default_factory=dict)
    """What goal `overload` counts for each unit above what a pool calls safe, by resource; 1 where absent."""
    spare: tuple[Spare, ...] = ()
    held: frozenset[str] = frozenset()
    """Resources that a volume which moves keeps on its old pool until all moves are done."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How hard the solver may try: deterministic work (about seconds of one core), a wall-clock deadline, a seed.

    With the same work and seed the answer is the same every time, however fast the machine, unless the deadline cuts
    it short; the outcome says so then.
    """

    work: float = 20.0
    seconds: float | None = None
    """The deadline, kept within 10 %; None: only the work is limited."""
    seed: int = 1
    gap_millionths: int = 0
    """Good enough: how far the first goal's cost may lie above its proven bound."""
    workers: int = 1
    """How many independent parts are solved side by side: it changes the time, never the answer."""
    deterministic: bool = True
    """False: all cores work on one part, which is faster and not repeatable."""

"""The goals a policy can put in order."""

from __future__ import annotations

from collections.abc import Sequence

from allocator.domain.policy import Policy
from allocator.goal import Goal
from allocator.goals.balance import Balance
from allocator.goals.disruption import Disruption
from allocator.goals.headroom import Headroom
from allocator.goals.movement import Movement
from allocator.goals.overload import Overload
from allocator.goals.packing import Packing
from allocator.goals.placed import Placed
from allocator.goals.preference import Preference
from allocator.goals.price import Price
from allocator.goals.proportion import Proportion
from allocator.rule import Rule

GOALS: tuple[type[Goal], ...] = (
    Placed,
    Preference,
    Balance,
    Overload,
    Proportion,
    Packing,
    Price,
    Headroom,
    Movement,
    Disruption,
)


def tiers_of(policy: Policy, rules: Sequence[Rule]) -> tuple[tuple[tuple[Goal, int], ...], ...]:
    """The policy's goals in their order: each tier holds (goal, weight)."""
    known = {goal.name: goal for goal in GOALS}
    return tuple(tuple((known[name](policy, rules), weight) for name, weight in tier) for tier in policy.goals)

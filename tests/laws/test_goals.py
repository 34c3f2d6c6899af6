"""The laws of goals: what ranking, solver and plain loops say an answer costs, and what is best."""

from __future__ import annotations

from allocator.testing.corners import corner_worlds
from allocator.testing.solving import GOAL_LAWS
from allocator.testing.worlds import random_world
from tests.laws.trials import WORLDS, found_in, seeds


def test_goal_is_cost_fast_is_slow_no_worse() -> None:
    """R22, R24: brute force, solver and ranking agree, tier by tier, on what may be placed and what it costs."""
    assert found_in((random_world(seed, pools=2) for seed in seeds(WORLDS)), GOAL_LAWS) == []


def test_in_corners() -> None:
    """The same in worlds made by hand."""
    assert found_in(corner_worlds(), GOAL_LAWS) == []

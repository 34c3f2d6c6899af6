"""The laws of merging and of parts: what is merged is a relaxation, what is cut apart is independent."""

from __future__ import annotations

from allocator.testing.corners import corner_worlds
from allocator.testing.solving import MERGE_LAWS, PART_LAWS
from tests.laws.trials import WORLDS, crowded, found_in, scattered, seeds


def test_merging_relaxes() -> None:
    """R22: no merged bound is worse than the unmerged optimum; no merged answer makes anything worse."""
    assert found_in((crowded(seed) for seed in seeds(WORLDS // 4)), MERGE_LAWS) == []


def test_parts_add_up() -> None:
    """R22: no part of a batch influences another."""
    assert found_in((scattered(seed) for seed in seeds(WORLDS // 5)), PART_LAWS) == []


def test_in_corners() -> None:
    """The same in worlds made by hand."""
    assert found_in(corner_worlds(), (*MERGE_LAWS, *PART_LAWS)) == []

"""The law of shards, in worlds of several parts in which old volumes lie anywhere."""

from __future__ import annotations

from random import Random

from allocator.solver.parts import independent_parts
from allocator.testing.spreading import shards_answer_as_the_fleet
from allocator.testing.trial import Trial
from allocator.testing.worlds import World, random_world
from tests.laws.trials import WORLDS, found_in, seeds

THEMES = ["scopes", "protocols", "access", "pins", "groups", "quota", "pools", "counts", "dedicated", "tenants", "tags"]


def parted(seed: int) -> World:
    """Zones, protocols and access groups keep places apart; groups, tenants and VMs have volumes on both sides."""
    rng = Random(seed)
    themes = {rng.choice(THEMES[:3]), *rng.sample(THEMES, 4)}
    return random_world(seed, pools=5, hosts=4, units=4, volumes=6, only=sorted(themes))


def test_a_shard_answers_as_the_whole_fleet() -> None:
    """R22: placements, costs, bounds and status are the same."""
    assert not found_in(map(parted, seeds(WORLDS // 5)), [shards_answer_as_the_fleet])


def test_the_worlds_have_something_to_say() -> None:
    """At least one in six falls into parts; else the law would be about nothing."""
    trials = [Trial(parted(seed)) for seed in range(60)]
    assert sum(len(independent_parts(trial.units, trial.screen())) > 1 for trial in trials) >= 10

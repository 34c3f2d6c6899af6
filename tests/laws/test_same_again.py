"""The law of sameness: equal inputs give equal answers, in another process and under another hash seed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from unittest.mock import patch

import pytest

from allocator.documents import build
from allocator.domain.policy import Effort, Policy
from allocator.goals import tiers_of
from allocator.rules import rules_of
from allocator.solver import search, tiers
from allocator.solver.classes import units_of
from allocator.testing.trial import Trial, shown
from allocator.testing.worlds import random_world
from bench.planted import tight
from tests.laws.trials import crowded

PROGRAM = "from tests.laws.test_same_again import {0}; print({0}())"


def answers() -> str:
    """What the solver places in some worlds, merged and not, as text."""
    told = []
    for seed in range(10):
        for merge_from, world in ((tiers.WHOLE, random_world(seed, units=4)), (-1, crowded(seed))):
            trial = Trial(world)
            with patch.object(tiers, "WHOLE", merge_from):
                found = search.solve(trial.units, trial.inventory, trial.rules, trial.tiers, Effort(work=0.5))
            costs = [(goal.goal, goal.cost, goal.bound) for goal in found.goals]
            told.append([found.status, costs, {name: shown(volumes) for name, volumes in found.placed.items()}])
    return json.dumps(told)


def searched() -> str:
    """Where a batch goes for which neighbourhoods were searched until the work ran out, as text."""
    instance = tight(1, "iops", vms=14, pools=4, hosts=4)
    world = build({**instance.documents, "requests": instance.requests}, Policy())
    rules = rules_of(Policy())
    units = units_of(world.requests)
    found = search.solve(units, world.inventory, rules, tiers_of(Policy(), rules), Effort(work=2.0))
    assert found.deterministic
    return json.dumps({name: shown(volumes) for name, volumes in found.placed.items()})


@pytest.mark.parametrize(("function", "number"), [("answers", 20), ("searched", 14)])
def test_the_same_in_another_process(function: str, number: int) -> None:
    """R22: byte for byte, whatever PYTHONHASHSEED says."""
    texts = set()
    for hash_seed in ("0", "4711"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        program = PROGRAM.format(function)
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
        )
        texts.add(done.stdout.strip())
    assert len(texts) == 1
    assert number - 1 <= len(json.loads(texts.pop())) <= number

"""The law of sameness: equal inputs give equal answers, in another process and under another hash seed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from unittest.mock import patch

from allocator.domain.policy import Effort
from allocator.solver import search, tiers
from allocator.testing.trial import Trial, shown
from allocator.testing.worlds import random_world
from tests.laws.trials import crowded

PROGRAM = "from tests.laws.test_same_again import answers; print(answers())"


def answers() -> str:
    """What the solver places in some worlds, merged and not, as text."""
    told = []
    for seed in range(10):
        for merge_from, world in ((tiers.WHOLE, random_world(seed, units=4)), (-1, crowded(seed))):
            trial = Trial(world)
            with patch.object(tiers, "WHOLE", merge_from):
                found = search.solve(trial.units, trial.inventory, trial.rules, trial.tiers, Effort())
            costs = [(goal.goal, goal.cost, goal.bound) for goal in found.goals]
            told.append([found.status, costs, {name: shown(volumes) for name, volumes in found.placed.items()}])
    return json.dumps(told)


def test_the_same_in_another_process() -> None:
    """R22: byte for byte, whatever PYTHONHASHSEED says."""
    texts = set()
    for hash_seed in ("0", "4711"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True
        )
        texts.add(done.stdout.strip())
    assert len(texts) == 1
    assert len(json.loads(texts.pop())) == 20

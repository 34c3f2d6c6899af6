"""Every known wrong version of a rule or goal is caught, by the laws or by the paper."""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Iterator
from itertools import chain

from allocator.goals import GOALS
from allocator.rules import RULES
from allocator.testing.corners import corner_worlds
from allocator.testing.draws import THEMES
from allocator.testing.laws import RULE_LAWS, complaints
from allocator.testing.solving import GOAL_LAWS, PART_LAWS, SOLVER_LAWS
from allocator.testing.trial import Trial
from allocator.testing.worlds import random_world
from tests.goals.paper import misadded
from tests.laws.mutants_of_goals import MUTANTS_OF_GOALS
from tests.laws.mutants_of_rules import MUTANTS_OF_RULES
from tests.laws.trials import focused
from tests.rules.paper import misread

MUTANTS = (*MUTANTS_OF_RULES, *MUTANTS_OF_GOALS)
RULE = {rule.name: rule for rule in RULES}
GOAL = {goal.name: goal for goal in GOALS}
WORLDS = 200
"""Worlds in which a mutant may hide."""


def on_paper(of: str) -> Iterator[str]:
    """What the paper says of a rule or goal."""
    if of in RULE:
        for case in importlib.import_module(f"tests.rules.test_{of}").CASES:
            yield from misread(case, RULE[of])
    else:
        for line in importlib.import_module(f"tests.goals.test_{of}").SUMS:
            yield from misadded(line, GOAL[of])


def by_law(of: str) -> Iterator[str]:
    """What the laws say of a rule, of a goal, or of what all stand on."""
    if of in RULE:
        for world in chain((focused(seed, RULE[of]) for seed in range(WORLDS)), corner_worlds()):
            yield from complaints(Trial(world, [RULE[of]]), (*RULE_LAWS, *SOLVER_LAWS))
    elif of in GOAL:
        for seed in range(WORLDS):
            yield from complaints(Trial(random_world(seed, pools=2, only=[THEMES[seed % len(THEMES)]])), GOAL_LAWS)
    else:
        for world in chain(corner_worlds(), (random_world(seed, pools=2) for seed in range(WORLDS))):
            yield from complaints(Trial(world), (*RULE_LAWS, *SOLVER_LAWS, *GOAL_LAWS, *PART_LAWS))


def test_every_mutant_is_caught() -> None:
    """Each by the first complaint: of the laws where one reader is wrong, of the paper where all are."""
    missed = []
    for mutant in MUTANTS:
        with mutant.applied():
            found = on_paper(mutant.of) if mutant.seen_by == "paper" else by_law(mutant.of)
            if next(found, None) is None:
                missed.append(str(mutant))
    by = Counter(mutant.seen_by for mutant in MUTANTS if str(mutant) not in missed)
    print(f"{by.total()} of {len(MUTANTS)} mutants caught: {by['laws']} by the laws, {by['paper']} by the paper")
    assert missed == []


def test_every_rule_and_goal_has_its_mutants() -> None:
    """Three of each rule, two of each goal."""
    number = Counter(mutant.of for mutant in MUTANTS)
    assert [name for name in RULE if number[name] < 3] == []
    assert [name for name in GOAL if number[name] < 2] == []


def test_the_truth_is_not_caught() -> None:
    """What catches mutants finds nothing wrong with the rules and goals as they are."""
    assert [complaint for name in (*RULE, *GOAL) for complaint in on_paper(name)] == []

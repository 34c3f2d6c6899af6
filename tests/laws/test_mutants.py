"""Every known wrong version of a rule or goal is caught, by the laws or by the paper."""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Callable, Iterator
from inspect import signature
from itertools import chain

import pytest

from allocator.goals import GOALS
from allocator.rules import RULES
from allocator.testing.corners import corner_worlds
from allocator.testing.draws import THEMES
from allocator.testing.laws import RULE_LAWS, complaints
from allocator.testing.solving import GOAL_LAWS, MERGE_LAWS, PART_LAWS, SOLVER_LAWS
from allocator.testing.trial import Trial
from allocator.testing.worlds import World, random_world
from tests.goals.paper import misadded
from tests.laws.mutants_of_engine import MUTANTS_OF_ENGINE
from tests.laws.mutants_of_goals import MUTANTS_OF_GOALS
from tests.laws.mutants_of_rules import MUTANTS_OF_RULES
from tests.laws.mutants_of_solver import MUTANTS_OF_SOLVER
from tests.laws.trials import crowded, focused
from tests.rules.paper import misread

MUTANTS = (*MUTANTS_OF_RULES, *MUTANTS_OF_GOALS, *MUTANTS_OF_ENGINE, *MUTANTS_OF_SOLVER)
RULE = {rule.name: rule for rule in RULES}
GOAL = {goal.name: goal for goal in GOALS}
PARTS = 12
"""In which they are tried side by side: it takes minutes."""
WORLDS = 200
"""Worlds in which a mutant may hide."""
PAPER = {
    "engine": ("test_limits", "test_rank", "test_outlook", "test_fleet", "test_amounts", "test_seating", "test_slack"),
    "solver": (
        "solver.test_bulk",
        "solver.test_reseat",
        "solver.test_repack",
        "solver.test_model",
        "solver.test_parts",
    ),
}
"""Where numbers were worked out for what all rules and goals stand on."""
QUICK = (*RULE_LAWS, *SOLVER_LAWS)
"""What is asked in all worlds before anything is solved: a solver on wrong sums may work for long."""
SLOW = (*SOLVER_LAWS, *GOAL_LAWS, *MERGE_LAWS, *PART_LAWS)


def on_paper(of: str) -> Iterator[str]:
    """What the paper says of a rule, of a goal, or of what all stand on."""
    if of in RULE:
        for case in importlib.import_module(f"tests.rules.test_{of}").CASES:
            yield from misread(case, RULE[of])
    elif of in GOAL:
        for line in importlib.import_module(f"tests.goals.test_{of}").SUMS:
            yield from misadded(line, GOAL[of])
    else:
        for name in PAPER[of]:
            for test, function in vars(importlib.import_module(f"tests.{name}")).items():
                if test.startswith("test_") and not signature(function).parameters:
                    yield from failure(function)


def failure(test: Callable[[], None]) -> Iterator[str]:
    """How a test fails, if it does."""
    try:
        test()
    except Exception as error:
        yield f"{test.__name__}: {error!r}"


def by_law(of: str) -> Iterator[str]:
    """What the laws say of a rule, of a goal, or of what all stand on."""
    if of in RULE:
        for world in chain((focused(seed, RULE[of]) for seed in range(WORLDS)), corner_worlds()):
            yield from complaints(Trial(world, [RULE[of]]), (*RULE_LAWS, *SOLVER_LAWS))
    elif of in GOAL:
        for seed in range(WORLDS):
            yield from complaints(Trial(random_world(seed, pools=2, only=[THEMES[seed % len(THEMES)]])), GOAL_LAWS)
    else:
        if of == "engine":
            for world in chain(corner_worlds(), map(any_world, range(WORLDS))):
                yield from complaints(Trial(world), QUICK)
        for world in chain(corner_worlds(), *((any_world(seed), crowded(seed)) for seed in range(WORLDS))):
            yield from complaints(Trial(world), SLOW)


def any_world(seed: int) -> World:
    return random_world(seed, pools=2)


@pytest.mark.parametrize("part", range(PARTS))
def test_every_mutant_is_caught(part: int) -> None:
    """Each by the first complaint: of the laws where one reader is wrong, of the paper where all are."""
    mutants, missed = MUTANTS[part::PARTS], []
    for mutant in mutants:
        with mutant.applied():
            found = on_paper(mutant.of) if mutant.seen_by == "paper" else by_law(mutant.of)
            if next(found, None) is None:
                missed.append(str(mutant))
    by = Counter(mutant.seen_by for mutant in mutants if str(mutant) not in missed)
    print(f"{by.total()} of {len(mutants)} mutants caught: {by['laws']} by the laws, {by['paper']} by the paper")
    assert missed == []


def test_every_rule_and_goal_has_its_mutants() -> None:
    """Three of each rule, two of each goal."""
    number = Counter(mutant.of for mutant in MUTANTS)
    assert [name for name in RULE if number[name] < 3] == []
    assert [name for name in GOAL if number[name] < 2] == []


def test_the_truth_is_not_caught() -> None:
    """What catches mutants finds nothing wrong with the rules and goals as they are."""
    assert [complaint for name in (*RULE, *GOAL) for complaint in on_paper(name)] == []

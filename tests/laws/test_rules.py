"""The laws of rules and of the solver, for every rule alone, for pairs that meet, and for all together."""

from __future__ import annotations

import pytest

from allocator.rule import Rule
from allocator.rules import RULES
from allocator.testing.corners import corner_worlds
from allocator.testing.laws import RULE_LAWS
from allocator.testing.solving import SOLVER_LAWS
from allocator.testing.trial import Trial
from allocator.testing.worlds import random_world
from tests.laws.trials import PAIRS, WORLDS, focused, found_in, seeds

LAWS = (*RULE_LAWS, *SOLVER_LAWS)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_alone(rule: type[Rule]) -> None:
    """Exact for one, never loses an answer, encoding = check, tally = recount, reasons speak."""
    assert found_in((focused(seed, rule) for seed in seeds(WORLDS)), LAWS, [rule]) == []


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: "-".join(rule.name for rule in pair))
def test_in_pairs(pair: tuple[type[Rule], type[Rule]]) -> None:
    """The same where two rules meet."""
    assert found_in((focused(seed, *pair) for seed in seeds(WORLDS // 8)), LAWS, pair) == []


def test_together() -> None:
    """The same for all rules at once."""
    assert found_in((random_world(seed, pools=2) for seed in seeds(WORLDS)), LAWS) == []


@pytest.mark.parametrize(
    "rules", [*([rule] for rule in RULES), RULES], ids=lambda rules: f"{len(rules)}-{rules[0].name}"
)
def test_in_corners(rules: list[type[Rule]]) -> None:
    """The same in worlds made by hand."""
    assert found_in(corner_worlds(), LAWS, rules) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_each_rule_has_something_to_say(rule: type[Rule]) -> None:
    """A law is worth nothing where the rule is silent: in 10 worlds of 100 it refuses some things and allows some."""
    mixed = 0
    for seed in range(100):
        trial = Trial(focused(seed, rule), [rule])
        judged = [fine for unit in trial.units for _, fine in trial.alone[unit.name]]
        mixed += any(judged) and not all(judged)
    assert mixed >= 10

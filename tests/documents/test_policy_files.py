"""R27: policies are YAML; those that ship say whom they are for, and a bad one is told in one line."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from allocator.documents import DocumentError
from allocator.domain.policy import Balance, Headroom, Movement
from allocator.domain.sizes import GIB
from allocator.goals import tiers_of
from allocator.policy import FOLDERS, policy_names, read_policy
from allocator.rules import rules_of

SHIPPED = [path for folder in FOLDERS for path in sorted(folder.glob("*.yaml"))]


def test_four_policies_ship() -> None:
    assert policy_names() == ["compact", "default", "rebalance_gentle", "spread"]


@pytest.mark.parametrize("path", SHIPPED, ids=[path.stem for path in SHIPPED])
def test_a_policy_that_ships_opens_with_whom_it_is_for_and_can_be_used(path: Path) -> None:
    assert path.read_text().startswith("# For ")
    policy = read_policy(path.stem)
    assert policy == read_policy(str(path))
    assert policy.name == path.stem
    tiers = tiers_of(policy, rules_of(policy))
    assert [goal.name for goal, _ in tiers[0]] == ["placed"]


def test_the_order_of_goals_tells_the_policies_apart() -> None:
    goals = {name: [tier[0][0] for tier in read_policy(name).goals] for name in policy_names()}
    assert goals == {
        "default": ["placed", "preference", "balance", "headroom"],
        "compact": ["placed", "preference", "packing", "price", "balance"],
        "spread": ["placed", "preference", "balance"],
        "rebalance_gentle": ["placed", "preference", "movement", "balance"],
    }
    assert read_policy("spread").balance.thresholds == (250, 500, 750, 900)


def test_everything_can_be_said(tmp_path: Path) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text("""
version: 1
rules: [features, capacity, iops]
goals: [placed, {balance: 3, price: 1}]
overcommit: {iops: 1.1, host_iops: 2}
untagged: untagged_only
unknown_total: unlimited
reserve_floors: true
default_limit: {total_iops: 500}
full_at: 90%
balance: {thresholds: [50%, 72.5%], weights: {iops: 2}}
headroom: {capacity: 500GiB}
movement: {per_volume: 0}
""")
    policy = read_policy(str(path))
    assert policy.name == "ours"
    assert policy.rules == ("features", "capacity", "iops")
    assert policy.goals == ((("placed", 1),), (("balance", 3), ("price", 1)))
    assert policy.overcommit == {"iops": Fraction(11, 10), "host_iops": Fraction(2)}
    assert (policy.untagged, policy.unknown_total, policy.reserve_floors) == (
        "untagged_only",
        "unlimited",
        True,
    )
    assert policy.default_limit.iops.ceiling() == 500
    assert policy.full_at == Fraction(9, 10)
    assert policy.balance == Balance((500, 725), {"iops": 2})
    assert (policy.headroom, policy.movement) == (Headroom(500 * GIB, None), Movement(1, 0))


BAD = {
    "unknown goal": (
        "goals: [placed, balanse]",
        "goals[1].balanse",
        "There is no goal 'balanse'. Maybe balance.",
    ),
    "unknown rule": ("goals: [placed]\nrules: [iop]", "rules[0]", "There is no rule 'iop'. Maybe iops."),
    "another goal first": ("goals: [price, placed]", "goals", "Maybe begin with placed."),
    "placed beside another": ("goals: [{placed: 1, price: 1}]", "goals", "not `placed` alone"),
    "no goals": ("goals: []", "goals", "not `placed` alone"),
    "a goal twice": ("goals: [placed, price, price]", "goals", "The goal price stands twice."),
    "no weight": ("goals: [placed, {price: 0}]", "goals[1].price", "below the least, 1"),
    "unknown key": ("goals: [placed]\nfull: 80%", "full", "Maybe full_at."),
    "four digits": ("goals: [placed]\nbalance: {thresholds: [72.55%]}", "balance.thresholds", "three digits"),
    "falling thresholds": (
        "goals: [placed]\nbalance: {thresholds: [80%, 70%]}",
        "balance.thresholds",
        "do not rise",
    ),
    "unknown factor": ("goals: [placed]\novercommit: {cpu: 2}", "overcommit.cpu", "none of capacity, iops"),
    "factor of zero": ("goals: [placed]\novercommit: {iops: 0}", "overcommit.iops", "Maybe 1.0."),
    "minimum as a limit": (
        "goals: [placed]\ndefault_limit: {min_iops: 5}",
        "default_limit.min_iops",
        "no such key",
    ),
}


@pytest.mark.parametrize(("text", "key", "says"), BAD.values(), ids=BAD.keys())
def test_a_bad_policy_is_told_in_one_line(tmp_path: Path, text: str, key: str, says: str) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(f"version: 1\n{text}\n")
    with pytest.raises(DocumentError) as caught:
        read_policy(str(path))
    said = str(caught.value)
    assert said.startswith(f"{path}:{1 + len(text.splitlines())}: {key}: ")
    assert says in said
    assert " Maybe " in said
    assert said.isprintable()


def test_a_name_that_is_not_there_is_told_with_those_that_are_near() -> None:
    with pytest.raises(DocumentError, match=r"no policy named 'spred'\. Maybe spread\."):
        read_policy("spred")
    with pytest.raises(DocumentError, match=r"no/such\.yaml: The file cannot be read"):
        read_policy("no/such.yaml")

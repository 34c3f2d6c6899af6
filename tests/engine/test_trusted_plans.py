"""A plan that comes from a file is believed only after a check, and nothing is touched before."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from allocator import Allocator
from allocator.domain.plan import Plan
from allocator.explain import outcome_json, plan_json
from allocator.planning import trust
from allocator.planning.trust import PlanError, read_plan
from tests.engine.fleets import ARRAY, gold, opened


@pytest.fixture
def data(tmp_path: Path) -> dict[str, Any]:
    """A plan of two volumes as `place -o` writes it."""
    return plan_json(opened(tmp_path, ARRAY).place(gold(1, count=2)).plan)


def applied(allocator: Allocator, plan: Plan) -> None:
    with allocator:
        asyncio.run(allocator.apply(plan))


def signed(data: dict[str, Any]) -> Plan:
    """The plan with the id that its content has: what somebody makes who knows how ids are made."""
    plan = read_plan(json.dumps({**data, "id": "0"}))
    return Plan.of(plan.steps, plan.volumes)


def test_a_plan_is_read_back_as_it_was(tmp_path: Path) -> None:
    outcome = opened(tmp_path, ARRAY).place(gold(1, count=2))
    assert read_plan(json.dumps(plan_json(outcome.plan))) == outcome.plan
    assert read_plan(json.dumps(outcome_json(outcome))) == outcome.plan


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The plan is no JSON: JSONDecodeError. Maybe it was not written by `place -o`."),
        ("[" * 100_000, "The plan is no JSON: RecursionError."),
        ("[]", "The plan is wrong at : "),
        ('{"version": 1}', "The plan is wrong at id: Field required."),
        ('{"version": 1, "id": "x", "steps": [], "volumes": [], "more": 1}', "The plan is wrong at more: "),
        ('{"version": 1, "id": "x", "steps": [{"kind": "format"}], "volumes": []}', "The plan is wrong at steps.0."),
        ('{"version": 1, "id": "x", "steps": [], "volumes": ["v"]}', "The plan is wrong at volumes.0: "),
        ('{"version": 2, "id": "x", "steps": [], "volumes": []}', "The plan is wrong at version: "),
    ],
)
def test_what_is_no_plan_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(PlanError) as raised:
        read_plan(text)
    assert str(raised.value).startswith(message)


def test_a_plan_has_a_longest_length(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust, "LONGEST", 1000)
    with pytest.raises(PlanError, match=r"The plan has 1,001 characters, more than 1,000\. Maybe split the batch\."):
        read_plan(" " * 1001)


def test_a_plan_that_was_edited_is_refused_before_anything_is_touched(tmp_path: Path, data: dict[str, Any]) -> None:
    data["volumes"][0]["size"] = 1
    allocator = opened(tmp_path, ARRAY, ledger=True)
    assert allocator.ledger is not None
    with pytest.raises(PlanError, match=r"is not what its id says\. Maybe it was changed by hand: place again."):
        asyncio.run(allocator.apply(read_plan(json.dumps(data))))
    assert allocator.ledger.volumes() == []
    allocator.close()


def without_attach(data: dict[str, Any]) -> None:
    data["steps"] = [step for step in data["steps"] if step["kind"] != "attach"]


def to_another_host(data: dict[str, Any]) -> None:
    for step in data["steps"]:
        step["host"] = {"h1": "h2", "h2": "h1", None: None}[step["host"]]


def in_another_order(data: dict[str, Any]) -> None:
    for step in data["steps"]:
        step["after"] = []


def as_a_deletion(data: dict[str, Any]) -> None:
    data["steps"] = [step for step in data["steps"] if step["kind"] == "reserve"]


@pytest.mark.parametrize("edit", [without_attach, to_another_host, in_another_order, as_a_deletion])
def test_steps_must_be_those_that_such_volumes_have(
    tmp_path: Path, data: dict[str, Any], edit: Callable[[dict[str, Any]], None]
) -> None:
    """Even where the id was made to fit."""
    edit(data)
    with pytest.raises(PlanError, match="has steps that do not belong to its volumes"):
        applied(opened(tmp_path, ARRAY, ledger=True), signed(data))


def test_R06_a_plan_that_would_oversell_is_refused(tmp_path: Path, data: dict[str, Any]) -> None:
    """Two volumes of 5,000 were planned; by now the array sells 9,999."""
    less = "version: 1\npools: [{name: sf-1, iops: {total: 9999, overcommit: 1}}]"
    with pytest.raises(PlanError, match="would break rule iops: pool sf-1 has 10,000 guaranteed IOPS, at most 9,999"):
        applied(opened(tmp_path, ARRAY, less, ledger=True), signed(data))


def test_R06_a_larger_promise_written_into_a_plan_is_refused(tmp_path: Path, data: dict[str, Any]) -> None:
    data["volumes"][0]["qos"] = [{"provisioned": {"min_iops": 10_001, "max_iops": 15_000}}]
    with pytest.raises(PlanError, match="would break rule iops: pool sf-1 has 15,001 guaranteed IOPS, at most 15,000"):
        applied(opened(tmp_path, ARRAY, ledger=True), signed(data))


@pytest.mark.parametrize("claim", [{"foreign": True}, {"has": {"provisioned": {"min_iops": 50, "max_iops": 15_000}}}])
def test_a_plan_makes_only_volumes_that_a_decision_makes(
    tmp_path: Path, data: dict[str, Any], claim: dict[str, Any]
) -> None:
    """One that claims to be somebody else's would escape the rules; one that has less than it asks for, the count."""
    data["volumes"][0] |= claim
    with pytest.raises(PlanError, match="volume gold-1 is none that a decision makes"):
        applied(opened(tmp_path, ARRAY, ledger=True), signed(data))


def test_a_plan_for_another_fleet_is_refused(tmp_path: Path, data: dict[str, Any]) -> None:
    for volume in data["volumes"]:
        volume["pool"] = "sf-9"
    for step in data["steps"]:
        step["pool"] = "sf-9"
    with pytest.raises(PlanError, match=r"does not fit the documents: .*There is no pool named 'sf-9'"):
        applied(opened(tmp_path, ARRAY, ledger=True), signed(data))


def test_a_volume_document_that_is_none_is_refused(tmp_path: Path, data: dict[str, Any]) -> None:
    data["volumes"][0]["shell"] = "rm"
    with pytest.raises(PlanError, match=r"does not fit the documents: .*There is no such key"):
        applied(opened(tmp_path, ARRAY, ledger=True), signed(data))


@pytest.mark.parametrize("field", ["size", "tenant"])
def test_a_plan_may_not_make_another_volume_of_one_that_exists(
    tmp_path: Path, data: dict[str, Any], field: str
) -> None:
    """The reserved volume of 100 GiB is made small, or somebody else's, on paper: room or quota that is not there."""
    tenants = "version: 1\ntenants: [{name: other}]"
    with opened(tmp_path, ARRAY, tenants, ledger=True) as allocator:
        allocator.place(gold(1, count=2))
    data["volumes"][0][field] = {"size": 1024**3, "tenant": "other"}[field]
    with pytest.raises(PlanError, match="volume gold-1 is another in the ledger"):
        applied(opened(tmp_path, ARRAY, tenants, ledger=True), signed(data))


def test_a_plan_needs_a_ledger(tmp_path: Path) -> None:
    allocator = opened(tmp_path, ARRAY)
    plan = allocator.place(gold(1)).plan
    with pytest.raises(LookupError, match="This needs a ledger"):
        asyncio.run(allocator.apply(plan))

"""The form of a scenario: a fleet in our documents, what is asked of it, and what must come of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

Data = dict[str, Any]


class Form(BaseModel):
    """A mapping with fixed keys, so that a mistyped expectation is an error and not a test that expects nothing."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Spot(Form):
    """Where a request went; what is not stated may be anything."""

    pool: str | None = None
    host: str | None = None
    qos: str | None = None


class No(Form):
    """A refusal: its kind, exactly the rules that together make it, and what its text must say."""

    kind: str
    because: list[str] | None = None
    together: list[str] | None = None
    text: list[str] | str = []


class Expected(Form):
    """What must come of one call. Every request stands in `placed` or in `refused`."""

    placed: dict[str, Spot | str] = {}
    """Pool, or more of the spot, by request."""
    any_of: list[dict[str, Spot | str]] = []
    """Several answers that are equally good, of which one is given."""
    refused: dict[str, No] = {}
    error: list[str] | str | None = None
    """What is said of documents that cannot be read; nothing is placed then."""
    check: list[str] | None = None
    """What `check` says of the documents: as many findings, each with its text."""
    audit: list[str] | None = None
    """What `audit` says once everything lies where it was placed."""


class Turn(Form):
    """A later call, when what was placed before lies where it was placed."""

    ask: list[Data]
    expect: Expected


class Case(Form):
    """One row of a table: what is different here, and what must come of it."""

    case: str
    source: list[str] = []
    differs: str | None = None
    policy: Data | str | None = None
    given: Data = {}
    expect: Expected
    then: list[Turn] = []


class Scenario(Form):
    """One file."""

    title: str
    shows: list[str]
    """Requirements."""
    source: list[str] = []
    """What CloudStack says to it: a class, a test or an issue, and ids (I1, B2...) for the facts of its tests."""
    differs: str | None = None
    """Why our answer is another than CloudStack's, where it is."""
    policy: Data | str = "default"
    """By name, or what is laid over `policies/default.yaml`."""
    fleet: Data
    expect: Expected | None = None
    then: list[Turn] = []
    cases: list[Case] = []


@dataclass(frozen=True)
class Trial:
    """A scenario, or one case of it, ready to be tried."""

    name: str
    policy: Data | str
    documents: tuple[Data, ...]
    turns: tuple[Turn | Expected, ...]


def trials(folder: Path) -> Iterator[Trial]:
    """Every scenario of a folder, case by case."""
    for path in sorted(folder.glob("*.yaml")):
        scenario = Scenario.model_validate(yaml.safe_load(path.read_text()))
        if scenario.expect is not None:
            yield Trial(path.stem, scenario.policy, (scenario.fleet,), (scenario.expect, *scenario.then))
        for case in scenario.cases:
            policy = scenario.policy if case.policy is None else case.policy
            documents = (scenario.fleet, {"version": 1, **case.given})
            yield Trial(f"{path.stem}: {case.case}", policy, documents, (case.expect, *case.then))


def spots(placed: Mapping[str, Spot | str]) -> dict[str, Spot]:
    """`{r: sf-1}` and `{r: {pool: sf-1}}` say the same."""
    return {name: Spot(pool=spot) if isinstance(spot, str) else spot for name, spot in placed.items()}

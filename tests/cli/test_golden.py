"""What each command prints, word for word, as text and as JSON.

`ALLOCATOR_GOLDEN=write pytest tests/cli/test_golden.py` writes the files anew, to be read before they are committed.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.cli.running import Allocator

GOLDEN = Path(__file__).parents[1] / "golden"
SECONDS = re.compile(r'(?<="seconds": )[0-9.e-]+|(?<=; )[0-9.]+(?= s$)', re.MULTILINE)
"""The only figure that differs from run to run."""


class Case(NamedTuple):
    """A command, the documents it is given beside the fleet, and its exit code."""

    words: str
    documents: tuple[str, ...] = ()
    code: int = 0


CASES = {
    "place": Case("place", ("wanted",)),
    "place_refused": Case("place", ("too_much",), 1),
    "place_crowd": Case("place", ("crowd",), 1),
    "explain": Case("explain", ("wanted", "too_much"), 1),
    "explain_one": Case("explain web-log", ("wanted",)),
    "check": Case("check", (), 1),
    "audit": Case("audit", ("retagged",), 1),
    "rebalance": Case("rebalance", ("moving",), 1),
    "rebalance_drain": Case("rebalance --drain kvm-02 --drain nas-1", (), 1),
    "pools": Case("list pools"),
    "pools_tree": Case("list pools --tree"),
    "hosts": Case("list hosts"),
    "volumes": Case("list volumes"),
    "offerings": Case("list offerings"),
    "drivers": Case("drivers"),
}


def printed(allocator: Allocator, case: Case, *more: str) -> str:
    files = [] if case.words == "drivers" else ["fleet", *case.documents]
    given = [word for name in files for word in ("-f", str(GOLDEN / f"{name}.yaml"))]
    run = allocator(*case.words.split(), *given, *more)
    assert (run.code, run.err) == (case.code, "")
    return SECONDS.sub("0", run.out)


def compare(path: Path, found: str) -> None:
    if os.environ.get("ALLOCATOR_GOLDEN") == "write":
        path.write_text(found)
    assert found == path.read_text()


@pytest.mark.parametrize("name", CASES)
def test_text(allocator: Allocator, name: str) -> None:
    """R02, R03, R05, R07, R15: refusals, checks, drift, what is left and vendor details, for people."""
    text = printed(allocator, CASES[name])
    compare(GOLDEN / f"{name}.txt", text)
    assert all(line.isprintable() for line in text.splitlines())


@pytest.mark.parametrize("name", CASES)
def test_json(allocator: Allocator, name: str) -> None:
    """The same for programs, in a shape that does not change."""
    text = printed(allocator, CASES[name], "--json")
    compare(GOLDEN / f"{name}.json", text)
    assert json.loads(text)["version"] == 1


def test_schema(allocator: Allocator) -> None:
    """Too long for a golden file: its sections, and that every definition that is named is there."""
    run = allocator("schema", "--json")
    schema = json.loads(run.out)
    assert (run.code, run.err) == (0, "")
    assert list(schema["properties"]) == [
        *("version", "drivers", "agents", "tenants", "pools", "hosts", "offerings", "vms", "requests", "volumes")
    ]
    assert schema["required"] == ["version"]
    assert set(re.findall(r"#/\$defs/(\w+)", run.out)) == set(schema["$defs"])


def test_plan_is_the_same_again(allocator: Allocator, tmp_path: Path) -> None:
    """The file of `-o` holds what `--json` prints, and a second decision gives the same plan."""
    given = ["-f", GOLDEN / "fleet.yaml", "-f", GOLDEN / "wanted.yaml"]
    first = json.loads(allocator("place", *given, "--json", "-o", tmp_path / "plan.json").out)
    assert json.loads((tmp_path / "plan.json").read_text()) == first
    assert json.loads(allocator("place", *given, "--json", "--seed", "1").out)["plan"] == first["plan"]
    assert [path.name for path in tmp_path.iterdir()] == ["plan.json"]

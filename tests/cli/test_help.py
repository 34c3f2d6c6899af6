"""Help answers at once, since nothing of weight is imported for it; it teaches by examples."""

from __future__ import annotations

import subprocess
import sys

import pytest

from allocator.cli.questions import cli
from tests.cli.running import Allocator

HEAVY = {"ortools", "pandas", "pydantic", "numpy", "sqlalchemy", "yaml", "networkx", "rich", "asyncio", "jinja2"}


@pytest.mark.parametrize("words", [("-m", "allocator.cli", "--help"), ("-c", "import allocator")])
def test_nothing_heavy_is_imported(words: tuple[str, ...]) -> None:
    """R24: a control plane that imports the engine, and a person who asks for help, wait for nothing."""
    command = [sys.executable, "-X", "importtime", *words]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    imported = {line.split("|")[-1].strip() for line in run.stderr.splitlines() if line.startswith("import time:")}
    assert "allocator" in imported
    assert {name.partition(".")[0] for name in imported} & HEAVY == set()


def test_every_command_is_listed_in_order(allocator: Allocator) -> None:
    run = allocator("--help")
    listed = [line.split()[0] for line in run.out.split("Commands:")[1].splitlines() if line.strip()]
    assert run.code == 0
    assert listed == list(cli.commands)
    assert "..." not in run.out.split("Commands:")[1]


@pytest.mark.parametrize("name", list(cli.commands))
def test_every_command_has_an_example_and_json(name: str, allocator: Allocator) -> None:
    run = allocator(name, "--help")
    assert (run.code, run.err) == (0, "")
    assert f"allocator {name}" in run.out.partition("\n")[2]
    assert "--json" in run.out


def test_version(allocator: Allocator) -> None:
    assert allocator("--version").out.startswith("allocator, version ")


def test_demo_gets_its_option(allocator: Allocator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("allocator.demo.main", lambda as_json: 1 if as_json else 0)
    assert (allocator("demo").code, allocator("demo", "--json").code) == (0, 1)

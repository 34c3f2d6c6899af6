"""Which commands make a ledger, and what the others say where there is none."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from allocator.ledger import Ledger
from tests.cli.site import Site


@pytest.fixture
def elsewhere(site: Site) -> Path:
    """Where the path to the ledger is mistyped to."""
    site.url = f"sqlite:///{site.directory}/legder.db"
    return site.directory / "legder.db"


@pytest.mark.parametrize(
    "words",
    [
        "status",
        "status --observe",
        "list volumes",
        "explain",
        "audit",
        "check",
        "attach root --host h2",
        "detach root",
        "delete root",
        "apply 0123456789abcdef",
    ],
)
def test_who_only_looks_or_changes_makes_none(site: Site, elsewhere: Path, words: str) -> None:
    before = sorted(site.directory.iterdir())
    run = site.run(*words.split())
    assert (run.code, run.out) == (2, "")
    assert run.err == (
        f"There is no ledger {elsewhere}. Maybe the path is mistyped, or make one with `allocator ledger init`.\n"
    )
    assert sorted(site.directory.iterdir()) == before


def test_who_places_makes_one_and_says_so_once(site: Site, elsewhere: Path) -> None:
    run = site.run("place", "-o", site.plan)
    assert (run.code, run.err) == (0, f"Ledger {elsewhere} was made.\n")
    assert site.run("place").err == ""


def test_an_empty_ledger_elsewhere_takes_over_a_plan(site: Site, elsewhere: Path) -> None:
    """A decision that was taken without a ledger is reserved when it is applied, and that needs one."""
    assert site._allocator("place", "-f", site.fleet, "-o", site.plan).code == 0
    run = site.apply()
    assert (run.code, run.err.splitlines()[0]) == (0, f"Ledger {elsewhere} was made.")


def test_the_history_names_who_typed_it(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given by the option, else by the environment."""
    site.run("place", "--actor", "alice")
    monkeypatch.setenv("ALLOCATOR_ACTOR", "bob")
    site.run("delete", "root")
    with closing(Ledger.open(site.url, make=False)) as ledger:
        told = [(event.kind, event.actor) for event in ledger.events()]
    assert told == [("reserved", "alice"), *[("placed", "alice")] * 3, ("released", "bob")]

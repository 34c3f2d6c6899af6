"""`ledger prune`: counted first, taken away when asked, and what is needed stays."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.cli.running import Allocator
from tests.cli.site import Site

DAY = 24 * 60 * 60


@pytest.fixture
def aged(site: Site) -> Site:
    """Three volumes, one of them deleted, all of it a hundred days ago."""
    site.place()
    assert site.apply().code == 0
    assert site.run("delete", "spare").code == 0
    with sqlite3.connect(site.directory / "ledger.db") as connection:
        connection.execute(f"UPDATE allocator_event SET at = at - {100 * DAY}")
    connection.close()
    return site


def pruned(site: Site, *words: str) -> str:
    run = site._allocator("ledger", "prune", *words, "--ledger", site.url)
    assert (run.code, run.err) == (0, "")
    return run.out


def subjects(site: Site) -> set[str]:
    return {event["subject"] for event in site.told("status", "--events", "1000")["events"]}


def test_it_is_counted_and_only_then_taken_away(aged: Site) -> None:
    """The volume that was deleted is forgotten: 2 steps of its deletion, and its lines. The others are explained."""
    before = subjects(aged)
    assert {"root", "log", "spare"} < before
    shown = pruned(aged, "--older-than", "90d")
    assert shown.splitlines()[0].endswith("lines of the history and 2 steps are older and not needed.")
    assert shown.splitlines()[1] == "Nothing was changed. Maybe --delete takes them away."
    assert subjects(aged) == before
    assert pruned(aged, "--older-than", "1y").startswith("0 lines")
    assert pruned(aged, "--older-than", "12w", "--delete").splitlines()[1] == "They are gone."
    assert "spare" not in subjects(aged)
    assert {"root", "log"} < subjects(aged)
    assert pruned(aged, "--older-than", "90d", "--json").split() == (
        ["{", '"version":', "1,", '"days":', "90,", '"deleted":', "false,", '"events":', "0,", '"steps":', "0", "}"]
    )
    assert aged.run("why", "root").code == 0
    assert "Maybe place again: what is there stays." in aged.run("apply", aged.plan).err


@pytest.mark.parametrize("words", ["90", "d", "-1d", "1e3d", "90 d", "٣d", "99999999d"])
def test_what_is_no_age_is_refused(words: str, allocator: Allocator, tmp_path: Path) -> None:
    run = allocator("ledger", "prune", "--older-than", words, "--ledger", f"sqlite:///{tmp_path}/none.db")
    assert run.code == 2
    assert "Maybe" in run.err

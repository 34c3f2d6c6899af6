"""Plans are files that anybody may have edited: what does not hold is refused before anything is touched."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from allocator.domain.plan import Step, plan_id
from tests.cli.running import Allocator
from tests.cli.site import Site

Edit = Callable[[dict[str, Any]], object]


def first(**values: object) -> Edit:
    """Change the document of the first volume, `root` of 10 MiB."""
    return lambda plan: plan["volumes"][0].update(values)


def drop_reservations(plan: dict[str, Any]) -> None:
    plan["steps"] = [step for step in plan["steps"] if step["kind"] != "reserve"]


def move(plan: dict[str, Any]) -> None:
    for part in (*plan["steps"], *plan["volumes"]):
        part["pool"] = "p2"


class Edited:
    """An edit, whether the plan then bears the id of what it says, and what is said about it."""

    def __init__(self, edit: Edit, says: str, *, sealed: bool = True) -> None:
        self.edit, self.says, self.sealed = edit, says, sealed


EDITS = {
    "larger": Edited(first(size=90 * 2**20), "is not what its id says", sealed=False),
    "larger, with the id of that": Edited(first(size=90 * 2**20), "would break rule capacity"),
    "without its reservations": Edited(drop_reservations, "steps that do not belong to its volumes"),
    "on two hosts": Edited(first(hosts=["h1", "h2"]), "steps that do not belong to its volumes"),
    "on a pool that is not there": Edited(move, "no pool named 'p2'"),
    "another id": Edited(lambda plan: plan.update(id="0" * 16), "is not what its id says", sealed=False),
    "an id that steers terminals": Edited(
        lambda plan: plan.update(id="\x1b[31m\u202e"), r"\x1b[31m\u202e", sealed=False
    ),
    "no steps": Edited(lambda plan: plan.pop("steps"), "wrong at steps", sealed=False),
    "an unknown key": Edited(lambda plan: plan.update({"\x1b[2J": 1}), r"wrong at \x1b[2J", sealed=False),
    "a size as text": Edited(first(size="5 parsecs"), "'5 parsecs'"),
    "a name that leads out": Edited(first(name="../../etc"), "not a name"),
    "a name that steers terminals": Edited(first(name="\x1b]0;owned\x07"), r"\x1b]0;owned\x07"),
    "a secret in its details": Edited(first(details={"local": {"password": "hunter2"}}), "details"),
}


@pytest.mark.parametrize("edited", EDITS.values(), ids=EDITS.keys())
def test_an_edited_plan_is_refused(edited: Edited, site: Site, allocator: Allocator) -> None:
    """R06: 10 + 20 + 5 of 100 MiB were placed; 90 + 20 + 5 are refused, whatever id the plan bears."""
    assert allocator("place", "-f", site.fleet, "-o", site.plan).code == 0
    outcome = json.loads(site.plan.read_text())
    plan = outcome["plan"]
    edited.edit(plan)
    if edited.sealed:
        steps = [Step(**{**step, "after": tuple(step["after"])}) for step in plan["steps"]]
        plan["id"] = plan_id(steps, plan["volumes"])
    site.plan.write_text(json.dumps(outcome))
    run = site.apply()
    assert (run.code, run.out, run.err.count("\n")) == (2, "", 1)
    assert edited.says in run.err
    assert " Maybe " in run.err
    assert run.err[:-1].isprintable()
    assert "hunter2" not in run.err
    assert site.files() == []
    if (site.directory / "ledger.db").exists():
        held = site.told("status")
        assert (held["volumes"], held["unfinished"], held["events"]) == ({}, [], [])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no JSON"),
        ("{", "no JSON"),
        ("[]", "wrong at"),
        ("null", "wrong at"),
        ('{"plan": 5}', "wrong at"),
        ("[" * 100_000, "no JSON"),
        ('{"version": 1e999}', "wrong at"),
        ("\x00\x1b[31m", "no JSON"),
    ],
)
def test_what_is_no_plan_is_refused(text: str, says: str, site: Site) -> None:
    site.plan.write_text(text)
    for path in site.directory.glob("ledger.db*"):
        path.unlink()
    run = site.apply()
    assert (run.code, run.out, run.err.count("\n")) == (2, "", 1)
    assert says in run.err
    assert " Maybe " in run.err
    assert sorted(path.name for path in site.directory.iterdir()) == ["fleet.yaml", "p1", "plan.json"]


def test_bytes_are_no_plan(site: Site) -> None:
    site.plan.write_bytes(b"\xff\xfe")
    run = site.apply()
    assert (run.code, run.out, run.err.count("\n")) == (2, "", 1)
    assert "cannot be read" in run.err


def test_a_plan_that_no_longer_fits_is_refused(site: Site, allocator: Allocator) -> None:
    """R06: room that was free when it was decided may be sold by now: 35 + 70 = 105 MiB of 100."""
    assert allocator("place", "-f", site.fleet, "-o", site.plan).code == 0
    other = site.directory / "other.yaml"
    other.write_text("version: 1\nrequests: [{name: large, size: 70MiB}]\n")
    text = site.fleet.read_text()
    site.fleet.write_text(text[: text.index("requests:")])
    assert site.run("place", "-f", other).code == 0
    run = site.apply()
    assert run.code == 2
    assert "would break rule capacity" in run.err
    assert site.states() == {"large": "reserved"}

"""`reconcile` on a real directory, word for word: what is told first, what is mended, and its exit codes."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from pathlib import Path

import pytest

from tests.cli.running import Allocator, Run
from tests.cli.site import Site
from tests.cli.test_golden import GOLDEN, compare


@pytest.fixture
def broken(site: Site) -> Site:
    """Volume `log` is lost by the ledger, `root` has lost its grant, `spare` was cut short, and something is there."""
    site.place()
    assert site.apply().code == 0
    ids = identities(site)
    (site.pool / "granted" / "h1" / ids["root"]).unlink()
    (site.pool / "granted" / "h2").mkdir()
    (site.pool / "granted" / "h2" / ids["root"]).hardlink_to(site.pool / "volumes" / ids["root"])
    (site.pool / "theirs").write_bytes(b"1234")
    with (site.pool / "volumes" / ids["spare"]).open("r+b") as file:
        file.truncate(2**20)
    with sqlite3.connect(site.directory / "ledger.db") as connection:
        connection.execute("DELETE FROM allocator_access WHERE volume = 'log'")
        connection.execute("DELETE FROM allocator_volume WHERE name = 'log'")
        connection.execute("UPDATE allocator_meta SET changes = changes + 1")
    connection.close()
    return site


def identities(site: Site) -> dict[str, str]:
    return {volume["name"]: volume["volume_id"] for volume in site.told("list", "volumes")["volumes"]}


def plain(site: Site, run: Run) -> str:
    """What is printed, without what differs from ledger to ledger."""
    assert run.err == ""
    text = run.out.replace(str(site.directory), "/site")
    return re.sub(r"(vol-|plan )[0-9a-f]{16}", r"\g<1>0123456789abcdef", text)


def test_text_and_json(broken: Site, tmp_path: Path) -> None:
    """R07, R18-R20: told first, mended then; what nobody can mend stays told."""
    before = broken.files()
    shown = broken.run("reconcile")
    assert shown.code == 1
    compare(GOLDEN / "reconcile.txt", plain(broken, shown))
    as_json = broken.run("reconcile", "--json")
    assert (as_json.code, json.loads(as_json.out)["version"]) == (1, 1)
    compare(GOLDEN / "reconcile.json", plain(broken, as_json))
    assert broken.files() == before
    fixed = broken.run("reconcile", "--fix")
    assert fixed.code == 1
    compare(GOLDEN / "reconcile_fix.txt", plain(broken, fixed))
    assert broken.files() == ["granted/h1", "volumes", "volumes"]
    with (broken.pool / "volumes" / identities(broken)["spare"]).open("r+b") as file:
        file.truncate(5 * 2**20)
    again = broken.run("reconcile", "--fix")
    assert (again.code, again.out) == (0, "Nothing found.\n")


def test_what_is_mended_ends_well(broken: Site) -> None:
    """The exit code after --fix is about what is left."""
    with (broken.pool / "volumes" / identities(broken)["spare"]).open("r+b") as file:
        file.truncate(5 * 2**20)
    told = broken.told("reconcile", "--fix")
    assert [(finding["kind"], finding["left"]) for finding in told["findings"]] == [
        ("foreign", False),
        ("orphan", False),
        ("extra_grant", False),
        ("missing_grant", False),
    ]
    assert (told["fix"], told["left"], told["unmended"], told["skipped"]) == (True, [], [], [])
    assert broken.run("reconcile").code == 0


def test_a_gone_volume_is_listed_as_such_and_can_be_deleted(site: Site) -> None:
    site.place()
    site.apply()
    shutil.rmtree(site.pool / "volumes")
    assert site.run("reconcile", "--fix").code == 0
    assert site.states() == dict.fromkeys(["log", "root", "spare"], "gone")
    assert site.run("status").out.startswith("volumes: 3 gone\n")
    assert site.run("delete", "spare").code == 0
    assert site.states() == dict.fromkeys(["log", "root"], "gone")


def test_without_a_ledger_there_is_nothing_to_compare(site: Site, allocator: Allocator) -> None:
    run = allocator("reconcile", "-f", site.fleet, "--ledger", f"sqlite:///{site.directory}/none.db")
    assert (run.code, "Maybe" in run.err, (site.directory / "none.db").exists()) == (2, True, False)


def test_what_an_unfinished_plan_works_on_is_skipped(site: Site) -> None:
    plan = site.place()
    run = site.run("reconcile")
    assert run.code == 0
    skipped = f"Skipped, since plan {plan} works on it: log, root, spare. Maybe apply that plan first."
    assert run.out == f"{skipped}\nNothing found.\n"

"""`ledger`: made once, upgraded when asked, written down whole and read back as the same ledger."""

from __future__ import annotations

import json
import os
import re
import threading
import tracemalloc
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from alembic import command

from allocator.ledger import Entry, Ledger, Mark
from allocator.ledger.naming import USUAL
from allocator.ledger.schema import _configured
from allocator.ledger.sqlite import SqliteStore
from allocator.ledger.tables import SCHEMA
from tests.cli.running import Allocator
from tests.cli.site import Site
from tests.ledger.plans import claimed, step_of


def old_ledger(path: Path) -> None:
    store = SqliteStore.of_file(path, None)
    with store.upgrading() as connection:
        config = _configured()
        config.attributes |= {"connection": connection, "naming": USUAL}
        command.upgrade(config, "0002")
    store.close()


def test_init_makes_one_once(allocator: Allocator, ledger_url: str) -> None:
    origins = [
        json.loads(allocator("ledger", "init", "--ledger", ledger_url, "--json").out)["origin"] for _ in range(2)
    ]
    assert origins == ["made", "found"]
    told = allocator("ledger", "init", "--ledger", ledger_url)
    assert (told.code, told.err) == (0, "")
    assert re.fullmatch(rf"Ledger .* is there already, with schema {SCHEMA}\.\n", told.out)


def test_upgrade_says_what_it_would_do_and_does_it(allocator: Allocator, tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    old_ledger(path)
    before = path.read_bytes()
    words = ("ledger", "upgrade", "--ledger", f"sqlite:///{path}")
    told = allocator(*words, "--check")
    assert told.code == 1
    assert told.out.startswith("To do: 0003 By which plan a thing came about")
    assert told.out.endswith("It has schema 0002.\n")
    assert path.read_bytes() == before
    done = json.loads(allocator(*words, "--json").out)
    assert (done["found"], done["schema"], done["done"]) == ("0002", SCHEMA, True)
    assert done["migrations"][0]["version"] == "0003"
    assert allocator(*words, "--check").out == f"It has schema {SCHEMA}, and is up to date.\n"
    assert allocator(*words, "--check").code == 0


def test_upgrade_of_no_ledger_makes_none(allocator: Allocator, tmp_path: Path) -> None:
    for more in ((), ("--check",)):
        run = allocator("ledger", "upgrade", "--ledger", f"sqlite:///{tmp_path}/legder.db", *more)
        assert (run.code, run.out) == (2, "")
        assert run.err.startswith(f"There is no ledger {tmp_path}/legder.db. Maybe ")
    assert list(tmp_path.iterdir()) == []


def placed(site: Site, *requests: str) -> Any:
    """The plan by which further requests are placed, as it is printed."""
    more = site.directory / "more.yaml"
    more.write_text(f"version: 1\nrequests: [{', '.join(requests)}]\n")
    return json.loads(site.run("place", "-f", more, "--json").out)["plan"]


def lived_in(site: Site) -> str:
    """Made, attached, deleted, and what a device showed; the id of a plan that is half run."""
    site.place()
    assert site.apply().code == 0
    assert site.run("delete", "log").code == 0
    site.fleet.write_text(site.fleet.read_text().partition("requests:")[0])
    half = str(placed(site, "{name: half, vm: late, size: 1MiB}")["id"])
    with closing(Ledger.open(site.url)) as ledger:
        (plan,) = ledger.unfinished()
        claim = claimed(ledger, plan)
        ledger.record(claim, [Entry((Mark(step_of(plan, "create", "half"), "intent"),))])
        ledger.finish(claim, "running")
        ledger.foreign("p1", [{"name": "theirs", "pool": "p1", "size": 4096, "foreign": True}])
        ledger.event("note", "p1", 'Quotes "\'", \u2028 a line, \x7f, \N{GRINNING FACE}: #no comment\\u0041')
    return half


def exported(allocator: Allocator, url: str) -> str:
    run = allocator("ledger", "export", "--ledger", url)
    assert (run.code, run.err) == (0, "")
    return run.out


def test_what_was_exported_is_the_same_ledger_elsewhere(site: Site, allocator: Allocator, ledger_url: str) -> None:
    """The same text once more, the same plan for the same request, byte for byte, and the half-run plan goes on."""
    half = lived_in(site)
    text = exported(allocator, site.url)
    assert all(line.isprintable() for line in text.splitlines())
    (site.directory / "ledger.yaml").write_text(text)
    there = ledger_url.replace("ledger.db", "other.db")
    run = allocator("ledger", "import", site.directory / "ledger.yaml", "--ledger", there)
    assert (run.code, run.err) == (0, "")
    assert re.fullmatch(r"Ledger .* holds 3 volumes, 3 plans, \d+ events\.\n", run.out)
    assert exported(allocator, there) == text
    plans = []
    for url in (site.url, there):
        site.url = url
        plans.append(placed(site, "{name: more, vm: web, size: 1MiB}", "{name: other, size: 2MiB}"))
        with closing(Ledger.open(site.url)) as ledger:
            assert {plan.id for plan in ledger.unfinished()} == {half, plans[-1]["id"]}
    assert plans[0] == plans[1]
    assert site.run("apply", half).code == 0
    assert site.states()["half"] == "available"


def test_a_ledger_that_was_imported_goes_on_by_itself(site: Site, allocator: Allocator, ledger_url: str) -> None:
    """Its volumes are deleted as what they are, and its history is continued, not begun anew."""
    lived_in(site)
    path = site.directory / "ledger.yaml"
    assert site._allocator("ledger", "export", "--ledger", site.url, "-o", path).code == 0
    site.url = ledger_url.replace("ledger.db", "other.db")
    assert allocator("ledger", "import", path, "--ledger", site.url).code == 0
    before = len(json.loads(site.run("status", "--json", "--events", "10000").out)["events"])
    assert site.run("delete", "root").code == 0
    events = json.loads(site.run("status", "--json", "--events", "10000").out)["events"]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert len(events) > before


def test_any_yaml_that_says_the_same_is_read(site: Site, allocator: Allocator) -> None:
    """Somebody's editor has laid it out anew; a sign beyond U+FFFF that nobody can print is read back as well."""
    site.place()
    with closing(Ledger.open(site.url)) as ledger:
        ledger.event("note", "p1", "a tag \U000e0041 that no JSON can escape like this")
    text = exported(allocator, site.url)
    assert "\\U000e0041" in text
    path = site.directory / "ledger.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(text)))
    there = f"sqlite:///{site.directory}/other.db"
    assert allocator("ledger", "import", path, "--ledger", there).code == 0
    assert exported(allocator, there) == text


def test_what_comes_through_a_pipe_and_what_is_json_is_read(site: Site, allocator: Allocator) -> None:
    """As in `allocator ledger export ... | ssh ... allocator ledger import /dev/stdin ...`, laid out anew or not."""
    site.place()
    text = exported(allocator, site.url)
    as_json = allocator("ledger", "export", "--ledger", site.url, "--json").out
    assert json.loads(as_json) == yaml.safe_load(text)
    for number, told in enumerate((text, as_json)):
        pipe = site.directory / f"pipe{number}"
        os.mkfifo(pipe)
        writer = threading.Thread(target=pipe.write_text, args=(told,))
        writer.start()
        there = f"sqlite:///{site.directory}/other{number}.db"
        run = allocator("ledger", "import", pipe, "--ledger", there)
        writer.join()
        assert (run.code, run.err) == (0, "")
        assert exported(allocator, there) == text


def test_memory_does_not_grow_with_the_ledger(site: Site, allocator: Allocator) -> None:
    """10,000 lines of history: their text alone has 6 MB, and as objects they would take twice that."""
    head, _, tail = exported(allocator, site.url).partition("event: []\n")
    row = {"actor": "me", "at": 1, "details": None, "kind": "note", "plan": None, "subject": "p1", "text": "x" * 500}
    path = site.directory / "ledger.yaml"
    path.write_text(
        f"{head}event:\n"
        + "".join(f"- {json.dumps({**row, 'seq': seq}, sort_keys=True)}\n" for seq in range(1, 10_001))
        + tail
    )
    text, there = path.read_text(), f"sqlite:///{site.directory}/other.db"
    tracemalloc.start()
    assert allocator("ledger", "import", path, "--ledger", there).code == 0
    path.unlink()
    assert allocator("ledger", "export", "--ledger", there, "-o", path).code == 0
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert path.read_text() == text
    assert most < 4 * 2**20 < len(text), most


def test_no_secret_is_written_down(site: Site, allocator: Allocator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a host that has one: neither where all is written down, nor where a volume's story is told."""
    monkeypatch.setenv("ALLOCATOR_SECRET_H1", "correct-horse")
    chap = "{address: 10.0.0.1, iqn: 'iqn.2026-01.org.site:h1', chap: {user: h1, secret: {env: ALLOCATOR_SECRET_H1}}}"
    fleet = site.fleet.read_text()
    site.fleet.write_text(fleet.replace("{name: h1, zone: z1}", f"{{name: h1, zone: z1, endpoints: [{chap}]}}"))
    site.place()
    assert site.apply().code == 0
    told = [exported(allocator, site.url), site.run("why", "root").out, site.run("why", "root", "--json").out]
    assert "ALLOCATOR_SECRET" not in "".join(told)
    assert "correct-horse" not in "".join(told)


def test_import_is_into_an_empty_ledger(site: Site, allocator: Allocator) -> None:
    """And what is refused changes nothing."""
    site.place()
    path = site.directory / "ledger.yaml"
    path.write_text(exported(allocator, site.url))
    run = allocator("ledger", "import", path, "--ledger", site.url)
    assert (run.code, run.out) == (2, "")
    assert re.match(r"The ledger is not empty, it has \d+ of \w+\. Maybe import into a new one\.", run.err)
    assert exported(allocator, site.url) == path.read_text()


@pytest.mark.parametrize(
    ("found", "instead", "says"),
    [
        ("schema: ", 'schema: "9999" # ', "schema 9999, and this code reads form 1 and schema"),
        ("meta:", "rest: []\nmeta:", "is wrong at rest: is no part of a ledger"),
        ("meta:", "meta: []\nrest:", "is wrong at meta: has 0 rows, not one"),
        ('"pool": "p1", "state"', '"pool": 5, "state"', r"at volume\[\d\]\.pool: '5' cannot be"),
        ('"pool": "p1", "state"', '"pool": "' + "p" * 64 + '", "state"', r"at volume\[\d\]\.pool"),
        ('"pool": "p1", "state"', '"state"', r"at volume\[\d\]: must have name, volume_id, pool"),
        ('"state": "reserved"', '"state": "happy"', "at volume: rows contradict each other"),
        ('"changes": ', '"changes": true, "logged": 1} #', r"at meta\[0\]"),
        ("version: 1", "version: 2", "are of form 2"),
    ],
)
def test_what_was_changed_by_hand_is_refused(
    found: str, instead: str, says: str, site: Site, allocator: Allocator
) -> None:
    site.place()
    text = exported(allocator, site.url)
    assert found in text
    path = site.directory / "ledger.yaml"
    path.write_text(text.replace(found, instead, 1))
    site.url = f"sqlite:///{site.directory}/other.db"
    run = allocator("ledger", "import", path, "--ledger", site.url)
    assert (run.code, run.out) == (2, "")
    assert re.search(says, run.err), run.err
    assert " Maybe " in run.err
    assert site.states() == {}

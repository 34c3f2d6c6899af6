"""`status`, `explain`, `check`, `audit` and the environment: what is shown of a ledger and of storage."""

from __future__ import annotations

import pytest

from tests.cli.running import Allocator
from tests.cli.site import Site


def test_status_counts_what_others_made(site: Site) -> None:
    """R07: 30 MiB that somebody put on the pool count from the next look on: 100 - 35 - 30 = 35 are left."""
    site.place()
    site.apply()
    assert site.told("status", "--observe")["findings"] == []
    (site.pool / "theirs").write_bytes(b"")
    with (site.pool / "theirs").open("r+b") as file:
        file.truncate(30 * 2**20)
    seen = site.told("status", "--observe")
    assert [(pool["pool"], pool["foreign"]) for pool in seen["pools"]] == [("p1", 1)]
    assert seen["pools"][0]["used_bytes"] > 0
    assert site.told("list", "pools")["pools"][0]["capacity"]["left"] == 35 * 2**20
    listed = site.run("list", "volumes").out
    assert "foreign-" in listed
    assert "theirs" not in listed


def test_status_finds_what_is_gone(site: Site) -> None:
    site.place()
    site.apply()
    next((site.pool / "volumes").glob("vol-*")).unlink()
    run = site.run("status", "--observe")
    assert run.code == 1
    assert "gone: Volume " in run.out
    assert run.out.startswith("volumes: 3 available\n")
    told = site.told("status", "--observe", "--events", "2")
    assert [finding["kind"] for finding in told["findings"]] == ["gone"]
    assert len(told["events"]) == 2


def test_status_needs_documents_only_to_ask_drivers(site: Site, allocator: Allocator) -> None:
    site.place()
    run = allocator("status", "--ledger", site.url)
    assert run.code == 0
    assert run.out.startswith("volumes: 3 reserved\nUNFINISHED PLAN   STEPS  VOLUMES\n")
    asked = allocator("status", "--ledger", site.url, "--observe")
    assert (asked.code, asked.err) == (2, "Without documents nobody knows which drivers to ask. Maybe add -f.\n")


def test_status_shows_what_was_done_however_long_the_name_of_who_did_it(site: Site) -> None:
    """32 signs of 199; the JSON has all."""
    name = "operator-" + "x" * 180 + "@site/4711"
    assert site.run("place", "--actor", name).code == 0
    (line,) = [line for line in site.run("status").out.splitlines() if "on p1" in line and "spare" in line]
    assert line.split()[2] == "operator-xxxxxxxxxxx...site/4711"
    assert site.told("status")["events"][-1]["actor"] == name


def test_explain_reserves_nothing(site: Site) -> None:
    """R02: each by itself, on what the ledger holds now."""
    site.run("place", "-f", _more(site, "first: 60MiB"))
    before = site.told("status")
    told = site.told("explain", "-f", _more(site, "second: 60MiB"))
    assert [(each["request"], each["state"]) for each in told["requests"]] == [
        ("second", "refused"),
        *[(name, "placed") for name in ("root", "log", "spare")],
    ]
    second = told["requests"][0]
    assert (second["pools"], second["placed"]) == ({"open": 0, "of": 1}, None)
    assert second["histogram"][0]["text"] == "have < 60 MiB of space left, most on p1: 5 MiB"
    assert second["refused"]["because"] == ["capacity"]
    assert site.told("status") == before


def _more(site: Site, request: str) -> str:
    name, _, size = request.partition(": ")
    path = site.directory / f"{name}.yaml"
    path.write_text(f"version: 1\nrequests: [{{name: {name}, size: {size}}}]\n")
    return str(path)


def test_explain_of_nothing(allocator: Allocator, site: Site) -> None:
    text = site.fleet.read_text()
    site.fleet.write_text(text[: text.index("requests:")])
    assert allocator("explain", "-f", site.fleet).out == "Nothing was asked for.\n"
    assert allocator("list", "volumes", "-f", site.fleet).out == "There are no volumes.\n"


def test_clean_fleets_have_no_findings(allocator: Allocator, site: Site) -> None:
    for command in ("check", "audit"):
        assert allocator(command, "-f", site.fleet)[:2] == (0, "Nothing found.\n")


def test_options_from_the_environment(allocator: Allocator, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    more = _more(site, "extra: 1MiB")
    monkeypatch.setenv("ALLOCATOR_FILES", f"{site.fleet}:{more}")
    monkeypatch.setenv("ALLOCATOR_LEDGER", site.url)
    monkeypatch.setenv("ALLOCATOR_POLICY", "compact")
    assert allocator("place").code == 0
    assert len(site.states()) == 4


def test_a_ledger_owns_its_volumes(site: Site) -> None:
    """Volumes in documents beside a ledger would be counted by nobody: they are refused."""
    site.fleet.write_text(site.fleet.read_text() + "volumes: [{name: v, pool: p1, size: 1MiB}]\n")
    run = site.run("place")
    assert (run.code, run.out) == (2, "")
    assert run.err == "With a ledger the volumes are the ledger's. Maybe take `volumes` out of the documents.\n"

"""Logs of the command: one JSON object a line with all that programs need, and never a secret."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from allocator.driver import Access, Client, DriverError, ErrorCode, Handle
from drivers.storage.tgt import TgtDriver
from tests.cli.running import Allocator, Run
from tests.cli.site import Site
from tests.drivers.tgtd import Tgtd

SECRET = "correct-horse-battery"
ARRAY = """
version: 1
drivers: {{array: {{driver: tgt, config: {{control: {control}, portal: "{portal}"}}}}}}
hosts:
  - name: h1
    zone: z1
    protocols: [iscsi]
    endpoints: [{{iqn: "iqn.2026-01.org.site:h1", chap: {{user: h1, secret: {{env: ALLOCATOR_SECRET_H1}}}}}}]
pools: [{{name: p1, driver: array, zone: z1, capacity: 100MiB, details: {{path: {at}/p1}}}}]
requests: [{{name: root, vm: web, size: 8MiB}}]
"""


def lines(run: Run) -> list[dict[str, Any]]:
    """All of standard error as it must be: JSON objects with a time, a level and an event."""
    told = [json.loads(line) for line in run.err.splitlines()]
    assert all({"time", "level", "event", "text"} <= set(line) for line in told)
    return told


def logged(site: Site, *words: str | Path) -> Run:
    return site._allocator("--log-format", "json", *words, "-f", site.fleet, "--ledger", site.url)


def test_nothing_is_logged_unless_it_is_asked_for(site: Site) -> None:
    assert site.run("place").err == ""
    assert site.run("reconcile").err == ""
    assert all(isinstance(handler, logging.NullHandler) for handler in logging.getLogger("allocator").handlers)


def test_a_plan_step_by_step(site: Site) -> None:
    """R18, R19: each step with its plan, volume and host, in place of the lines of progress."""
    decided = lines(logged(site, "place", "-o", site.plan))
    assert [(line["event"], line["placed"], line["refused"]) for line in decided] == [("decided", 3, 0)]
    plan = json.loads(site.plan.read_text())["plan"]["id"]
    run = logged(site, "apply", site.plan)
    done = [(line["step"], line["volume"], line.get("host")) for line in lines(run)]
    assert {line["plan"] for line in lines(run)} == {plan}
    assert ("create", "spare", None) in done
    assert ("grant", "root", "h1") in done
    assert {(line["level"], line["event"]) for line in lines(run)} == {("info", "done")}
    assert json.loads(logged(site, "apply", site.plan, "--json").out)["state"] == "done"


def test_levels(site: Site) -> None:
    """From warnings on a plan that succeeds says nothing; at debug every call of a driver is told."""
    site.place()
    words = ("apply", site.plan, "-f", site.fleet, "--ledger", site.url)
    assert site._allocator("--log-format", "json", "--log-level", "warning", *words).err == ""
    run = site._allocator("--log-format", "json", "--log-level", "debug", "reconcile", *words[2:])
    called = [(line["plugin"], line["call"], line["code"]) for line in lines(run) if line["event"] == "called"]
    assert called == [("disk", call, "ok") for call in ("pool_stats", "list_volumes", "close")]
    plain = site._allocator("--log-level", "debug", "reconcile", *words[2:]).err
    assert [line.split(" ", 1)[1] for line in plain.splitlines()] == [
        f"debug {call} of disk: ok" for call in ("pool_stats", "list_volumes", "close")
    ]


def test_what_ends_a_command_is_a_line_as_well(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the environment too; and whoever mistypes still gets one object."""
    for words in (("delete", "nobody"), ("apply", "no-such-file"), ("list", "nothing")):
        (line,) = lines(logged(site, *words))
        assert (line["level"], line["event"], "Maybe" in line["text"]) == ("error", "complaint", True)
    monkeypatch.setenv("ALLOCATOR_LOG_FORMAT", "json")
    (line,) = lines(site.run("delete", "nobody"))
    assert line["event"] == "complaint"


def test_findings_are_logged(site: Site) -> None:
    site.place()
    site.apply()
    (site.pool / "theirs").write_bytes(b"1")
    (line,) = lines(logged(site, "reconcile"))
    assert (line["level"], line["event"], line["kind"], line["place"]) == ("warning", "found", "foreign", "p1")


def test_no_secret_is_ever_logged(tmp_path: Path, allocator: Allocator, monkeypatch: pytest.MonkeyPatch) -> None:
    """R19: a CHAP secret on a real target, with a driver that says it in its errors, at the lowest level there is."""
    monkeypatch.setenv("ALLOCATOR_SECRET_H1", SECRET)
    grant, failing = TgtDriver.grant_access, [ErrorCode.BUSY, ErrorCode.UNKNOWN_OUTCOME]

    async def telling(driver: TgtDriver, handle: Handle, client: Client) -> Access:
        access = await grant(driver, handle, client)
        if failing:
            raise DriverError(failing.pop(), f"It is {client.chap_secret}, of {access.secrets}.")
        return access

    monkeypatch.setattr(TgtDriver, "grant_access", telling)
    with Tgtd() as tgtd:
        (tmp_path / "fleet.yaml").write_text(ARRAY.format(control=tgtd.control, portal=tgtd.portal, at=tmp_path))
        site = ("-f", tmp_path / "fleet.yaml", "--ledger", f"sqlite:///{tmp_path}/ledger.db")
        said = []
        for form in ("json", "plain"):
            heard = ("--log-level", "debug", "--log-format", form)
            said.append(allocator(*heard, "place", "-o", tmp_path / "plan.json", *site))
            said.append(allocator(*heard, "apply", tmp_path / "plan.json", *site))
            tgtd.kill()
            said.append(allocator(*heard, "reconcile", *site))
            tgtd.start()
            said.append(allocator(*heard, "reconcile", "--fix", *site))
    everything = "".join(run.out + run.err for run in said)
    assert "It is ***" in everything
    assert "missing_grant" in everything
    assert SECRET not in everything
    kept = [path for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size < 1024**2]
    assert [path.name for path in kept if SECRET.encode() in path.read_bytes()] == []

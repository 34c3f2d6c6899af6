"""`plan list | show | resume | cancel | retry`: what an operator sees of plans that are not over, and can do."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from contextlib import closing

import pytest

from allocator.driver import Access, Client, DriverError, ErrorCode, Handle
from allocator.execution.owner import may_live, this_process
from allocator.ledger import Ledger
from drivers.storage.local import LocalDriver
from tests.cli.site import Site
from tests.cli.test_lifecycle import WEB, interrupt
from tests.cli.test_terminal import terminal

NO = DriverError(ErrorCode.DENIED, "The licence is over.")


class Array:
    """The driver `local`, which neither grants nor deletes anything until it is mended."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.broken = True
        grant, delete = LocalDriver.grant_access, LocalDriver.delete_async

        async def grant_access(driver: LocalDriver, handle: Handle, client: Client) -> Access:
            self._refuse()
            return await grant(driver, handle, client)

        async def delete_async(driver: LocalDriver, handle: Handle) -> None:
            self._refuse()
            await delete(driver, handle)

        monkeypatch.setattr(LocalDriver, "grant_access", grant_access)
        monkeypatch.setattr(LocalDriver, "delete_async", delete_async)

    def _refuse(self) -> None:
        if self.broken:
            raise NO


@pytest.fixture
def array(monkeypatch: pytest.MonkeyPatch) -> Array:
    return Array(monkeypatch)


def look(site: Site, *words: str) -> str:
    """What a command prints that needs the ledger only."""
    run = site.ledger_only(*words)
    assert run.code == 0, run.err
    return run.out


def listed(site: Site) -> list[dict[str, object]]:
    return list(json.loads(look(site, "plan", "list", "--json"))["plans"])


def test_a_planned_plan_waits_to_be_applied_and_can_be_given_up(site: Site) -> None:
    plan = site.place()
    (told,) = listed(site)
    assert (told["plan"], told["state"], told["owner"]) == (plan, "planned", None)
    assert 3500 < int(str(told["lease_seconds"])) <= 3600, "an hour, and then the reservation is let go"
    assert (told["waits_for"], told["volumes"]) == ("somebody to apply it", ["root", "log", "spare"])
    assert site.run("plan", "cancel", plan).code == 0
    assert (site.states(), site.files(), listed(site)) == ({}, [], [])
    assert look(site, "plan", "list") == "Every plan is over.\n"


def test_a_stuck_plan_keeps_its_room_until_it_is_retried(site: Site, array: Array) -> None:
    """R06: 30 of 100 MiB are held by what could neither be granted nor deleted; mended, it goes forward again."""
    plan = site.place()
    applied = site.apply()
    assert applied.code == 1
    assert f"Maybe mend that, then `allocator plan retry {plan}`" in applied.out
    (told,) = listed(site)
    assert told["state"] == "stuck"
    assert str(told["waits_for"]).startswith("an operator: delete ")
    assert "The licence is over. (denied)" in str(told["reason"])
    assert site.told("list", "pools")["pools"][0]["capacity"]["sold"] == 35 * 2**20
    array.broken = False
    assert site.run("plan", "retry", plan).code == 0
    assert (site.files(), listed(site)) == (WEB, [])
    assert set(site.states().values()) == {"available"}


def test_a_stuck_plan_goes_back_once_that_is_possible(site: Site, array: Array) -> None:
    plan = site.place()
    site.apply()
    assert site.run("plan", "resume", plan).code == 1, "still broken, still stuck"
    array.broken = False
    assert site.run("plan", "cancel", plan).code == 0
    assert (site.states(), site.files()) == ({"spare": "available"}, ["volumes"])
    over = site.run("plan", "retry", plan)
    assert (over.code, over.err.count("\n")) == (2, 1)
    assert f"Plan {plan} is over: failed." in over.err


def test_a_plan_that_was_stopped_is_resumed_or_cancelled(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = site.place()
    interrupt(monkeypatch, "grant_access")
    stopped = site.apply()
    assert stopped.code == 130
    assert f"`allocator plan cancel {plan}` takes it back." in stopped.err
    (told,) = listed(site)
    assert (told["state"], told["waits_for"]) == ("running", "somebody to resume it")
    steps = json.loads(look(site, "plan", "show", plan, "--json"))["steps"]
    assert [step["state"] for step in steps if step["kind"] == "reserve"] == ["done"] * 3
    assert {step["state"] for step in steps} - {"done"}
    assert site.run("plan", "resume", plan).code == 0
    assert site.files() == WEB


def test_a_deletion_that_is_cancelled_stops(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """R20: what is gone stays gone, what is left can be deleted by another plan."""
    site.place()
    site.apply()
    interrupt(monkeypatch, "delete_async")
    assert site.run("delete", "log").code == 130
    (told,) = listed(site)
    assert site.run("plan", "cancel", str(told["plan"])).code == 0
    assert (listed(site), "log" in site.states()) == ([], True)
    assert site.run("delete", "log").code == 0
    assert "log" not in site.states()


def test_who_runs_a_plan_is_told_and_whether_that_lives(site: Site) -> None:
    """A process that claims the plan, and is then killed."""
    plan = site.place()
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        with closing(Ledger.open(site.url)) as ledger:
            ledger.claim(ledger.unfinished()[0], owner=this_process(), lease_seconds=60, alive=may_live)
            os.write(writing, b"claimed")
            signal.pause()
    os.read(reading, 10)
    (told,) = listed(site)
    owner = told["owner"]
    assert isinstance(owner, dict)
    assert owner["lives"] is True
    assert str(owner["process"]).endswith(f":{process}")
    assert 0 < int(str(told["lease_seconds"])) <= 60
    busy = site.run("plan", "cancel", plan)
    assert (busy.code, "is being run by" in busy.err) == (2, True)
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    assert f":{process} (dead)" in look(site, "plan", "list")
    assert "somebody to resume it" in look(site, "plan", "show", plan)
    assert site.run("plan", "cancel", plan).code == 0
    assert site.states() == {}


def test_a_plan_that_is_not_there_is_told(site: Site) -> None:
    site.place()
    for word in ("show", "resume", "cancel", "retry"):
        run = site.run("plan", word, "\x1b[2Jnothing")
        assert (run.code, run.out, run.err.count("\n")) == (2, "", 1)
        assert r"There is no plan '\x1b[2Jnothing' in the ledger." in run.err


@pytest.mark.parametrize("words", [("list",), ("show",)])
def test_no_line_is_wider_than_the_terminal(
    words: tuple[str, ...], site: Site, array: Array, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = site.place()
    site.apply()
    stream = terminal(monkeypatch)
    monkeypatch.setenv("COLUMNS", "60")
    site.ledger_only("plan", *words, *([plan] if words == ("show",) else []))
    lines = re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue()).splitlines()
    assert sys.stdout is stream
    assert any(plan[:6] in line for line in lines)
    assert max(map(len, lines)) <= 60

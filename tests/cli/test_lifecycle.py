"""From a plan to files and back, by commands only (R18-R21), and going on after an interruption."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from allocator.driver import DriverError, ErrorCode, Handle, VolumeWish
from drivers.storage.local import LocalDriver
from tests.cli.site import Site

WEB = ["granted/h1", "granted/h1", "volumes", "volumes", "volumes"]
"""Two volumes that a host reaches, and one that none does."""


def test_place_apply_attach_detach_delete(site: Site) -> None:
    """R18-R21: each verb acts at once, and what is listed is what is there."""
    site.place()
    assert (site.states(), site.files()) == (dict.fromkeys(["log", "root", "spare"], "reserved"), [])
    applied = site.apply()
    assert applied.code == 0
    assert applied.err.splitlines()[-1].startswith("10/10 attach ")
    assert (site.states(), site.files()) == (dict.fromkeys(["log", "root", "spare"], "available"), WEB)
    assert site.run("attach", "spare", "--host", "h2").code == 0
    assert site.files() == ["granted/h1", "granted/h1", "granted/h2", "volumes", "volumes", "volumes"]
    assert site.run("detach", "spare").code == 0
    assert site.run("delete", "root").code == 0
    assert (site.states(), site.files()) == (
        {"log": "available", "spare": "available"},
        ["granted/h1", "volumes", "volumes"],
    )


def test_report_as_json(site: Site) -> None:
    """R19: pool, host and the URI by which it is reached."""
    plan = site.place()
    report = site.told("apply", site.plan)
    assert (report["version"], report["plan"], report["state"]) == (1, plan, "done")
    root = next(volume for volume in report["volumes"] if volume["volume"] == "root")
    assert (root["pool"], root["state"], root["error"]) == ("p1", "done", None)
    assert [(reached["host"], reached["device"]) for reached in root["reached"]] == [("h1", None)]
    assert root["reached"][0]["uri"].startswith(f"file://{site.pool}/granted/h1/vol-")
    assert Path(root["native_id"]).stat().st_size == 10 * 2**20
    listed = next(volume for volume in site.told("list", "volumes")["volumes"] if volume["name"] == "root")
    assert listed["reached"] == root["reached"]
    assert listed["native_id"] == root["native_id"]


def test_apply_again_makes_nothing_twice(site: Site) -> None:
    site.place()
    first = site.told("apply", site.plan)
    assert site.told("apply", site.plan) == first
    assert site.files() == WEB


def test_place_again_keeps_what_is_placed(site: Site) -> None:
    site.place()
    again = site.told("place")
    assert [placed["request"] for placed in again["placed"]] == ["root", "log", "spare"]
    assert again["plan"]["steps"] == []


def test_capacity_is_what_is_left(site: Site) -> None:
    """R07: 10 + 20 + 5 MiB of 100 are sold."""
    site.place()
    pool = site.told("list", "pools")["pools"][0]
    assert pool["capacity"] == {"sold": 35 * 2**20, "sellable": 100 * 2**20, "left": 65 * 2**20}
    assert pool["volumes"] == {"sold": 3, "sellable": None, "left": None}
    assert "35 MiB of 100 MiB" in site.run("list", "pools").out


def test_a_step_that_fails_is_told(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was done for the VM is undone; the rest goes on; exit code 1."""

    async def full(self: LocalDriver, wish: VolumeWish) -> Handle:
        if wish.size_bytes == 20 * 2**20:
            raise DriverError(ErrorCode.NO_SPACE, "The \x1b[31mdisk is full.")
        return await made(self, wish)

    made = LocalDriver.create_async
    monkeypatch.setattr(LocalDriver, "create_async", full)
    site.place()
    run = site.apply()
    assert run.code == 1
    assert "log: The  [31mdisk is full. Nothing else fits: " in run.out
    assert "\x1b" not in run.out + run.err
    assert site.states() == {"spare": "available"}
    assert site.files() == ["volumes"]


def interrupt(monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    """Ctrl-C, once, while the driver is called."""
    real = getattr(LocalDriver, call)

    async def interrupted(self: LocalDriver, *given: object) -> object:
        monkeypatch.setattr(LocalDriver, call, real)
        os.kill(os.getpid(), signal.SIGINT)
        return await real(self, *given)

    monkeypatch.setattr(LocalDriver, call, interrupted)


@pytest.mark.parametrize("call", ["create_async", "grant_access"])
def test_ctrl_c_and_the_same_command_again(call: str, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.place()
    interrupt(monkeypatch, call)
    stopped = site.apply()
    assert (stopped.code, stopped.out) == (130, "")
    assert stopped.err.splitlines()[-1].endswith("The same command goes on from there.")
    assert "Traceback" not in stopped.err
    assert site.apply().code == 0
    assert site.files() == WEB


def test_an_interrupted_plan_goes_on_by_its_id(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = site.place()
    interrupt(monkeypatch, "create_async")
    assert site.apply().code == 130
    unfinished = site.told("status")["unfinished"]
    assert unfinished == [{"plan": plan, "steps": 10, "volumes": ["root", "log", "spare"]}]
    site.plan.unlink()
    assert site.run("apply", plan).code == 0
    assert site.files() == WEB
    assert site.told("status")["unfinished"] == []
    gone = site.run("apply", plan)
    assert (gone.code, gone.err) == (2, f"There is no unfinished plan {plan}. Maybe `allocator status` shows its id.\n")


@pytest.mark.parametrize(
    ("words", "call"),
    [("attach spare --host h1", "grant_access"), ("detach log", "revoke_access"), ("delete log", "delete_async")],
)
def test_a_verb_goes_on_after_ctrl_c(words: str, call: str, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.place()
    site.apply()
    interrupt(monkeypatch, call)
    assert site.run(*words.split()).code == 130
    assert len(site.told("status")["unfinished"]) == 1
    assert site.run(*words.split()).code == 0
    assert site.told("status")["unfinished"] == []
    there = {"attach": ["granted/h1", *WEB], "detach": WEB[1:], "delete": WEB[1:-1]}
    assert site.files() == there[words.split()[0]]


def test_another_verb_waits_for_an_unfinished_plan(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.place()
    site.apply()
    interrupt(monkeypatch, "revoke_access")
    assert site.run("detach", "log").code == 130
    run = site.run("delete", "log")
    assert run.code == 2
    assert run.err.startswith("Volume log is being changed by plan ")
    attached = site.run("attach", "log", "--host", "h2")
    assert attached.code == 2


def test_a_reservation_is_given_back(site: Site) -> None:
    """A volume that was never made is released; what else the plan places can still be made."""
    site.place()
    run = site.run("delete", "spare", "--json")
    assert run.code == 0
    assert json.loads(run.out)["volumes"][0]["state"] == "done"
    assert site.states() == {"log": "reserved", "root": "reserved"}
    assert site.apply().code == 1
    assert site.states() == {"log": "available", "root": "available"}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("attach nothing --host h1", "There is no volume nothing in the ledger."),
        ("attach spare --host h9", "There is no host h9 in the documents."),
        ("attach log --host h1", "Volume log is attached to h1 already."),
        ("attach log --host h2", "one host, not 2"),
        ("detach spare", "Volume spare is attached to no host."),
        ("detach log --host h2", "Volume log is attached to h1, not to h2."),
        ("delete nothing", "There is no volume nothing in the ledger."),
        ("apply 0123456789abcdef", "There is no unfinished plan 0123456789abcdef."),
        ("apply nothing.json", "cannot be read"),
    ],
)
def test_what_cannot_be_done_is_told(words: str, says: str, site: Site) -> None:
    site.place()
    site.apply()
    before = site.told("status")
    run = site.run(*words.split())
    assert (run.code, run.out, run.err.count("\n")) == (2, "", 1)
    assert says in run.err
    assert site.told("status") == before

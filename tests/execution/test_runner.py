"""Running a plan: what drivers and agents are told, and what is on record."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import pytest

from allocator.documents.writing import volume_document
from allocator.domain.plan import Plan
from allocator.driver import DriverError, ErrorCode
from allocator.execution.connect import PluginError
from allocator.execution.report import Failure, Reached, Report
from allocator.execution.runner import run
from allocator.ledger import Claim, Entry, PlanBusy, UnknownPlan
from allocator.planning.steps import attach_steps, delete_steps, detach_steps
from tests.execution.plugins import Fault, calls, there
from tests.execution.world import (
    AT_ONCE,
    MADE_BYTES,
    PROVISIONED,
    SECRET,
    THROTTLED,
    World,
    connections,
    fleet,
    placement,
    volume,
)


def test_a_volume_is_made_granted_and_attached(world: World) -> None:
    """R18, R19, R21: the identifier is recorded, the granted string reaches the agent."""
    report = world.place(volume("v", hosts=("h1", "h2")))
    stored = world.ledger.volumes()[0]
    uri = f"iscsi://10.0.0.1/{stored.volume_id}/0"
    device = f"/dev/{stored.volume_id}"
    assert report.state == "done"
    assert report.volumes[0].native_id == stored.native_id == str(world.root / "p1" / stored.volume_id)
    assert report.volumes[0].reached == (Reached("h1", uri, device), Reached("h2", uri, device))
    assert stored.state == "available"
    assert stored.plan is None
    assert [granted.iqn for granted in stored.access] == [
        "iqn.2001-04.com.example:h1",
        "iqn.2001-04.com.example:h2",
    ]
    assert [(attached.host, attached.device) for attached in stored.attachments] == [
        ("h1", device),
        ("h2", device),
    ]
    assert calls(world.root) == ["create", "grant", "attach", "grant", "attach", "close", "close", "close"]
    assert [event.kind for event in world.ledger.events("v")] == [
        "placed",
        "create done",
        "grant done",
        "attach done",
        "grant done",
        "attach done",
    ]


def test_the_storage_gets_its_qos_and_details_and_no_other(world: World) -> None:
    """R09, R14: exactly one side enforces; each driver sees its own group of details only."""
    details = (("files", (("cache", "none"),)), ("solidfire", (("enable512e", True),)))
    world.place(
        volume("kept", way=PROVISIONED, provisioning="thick", details=details),
        volume("held", way=THROTTLED),
    )
    kept = json.loads((world.root / "p1" / world.id_of("kept")).read_text())
    held = json.loads((world.root / "p1" / world.id_of("held")).read_text())
    assert kept[:2] == [MADE_BYTES, True]
    assert held[:2] == [MADE_BYTES, False]
    assert (kept[2]["iops"]["total"]["floor"], kept[2]["iops"]["total"]["ceiling"]) == (500, 1000)
    assert held[2]["iops"]["total"]["ceiling"] is None
    assert (kept[3], held[3]) == ({"cache": "none"}, {})
    at_kept = json.loads((world.root / "h1" / world.id_of("kept")).read_text())
    at_held = json.loads((world.root / "h1" / world.id_of("held")).read_text())
    assert (at_kept["ceiling"], at_held["ceiling"]) == (None, 800)
    assert at_kept["managed"] is True
    assert at_kept["initiator"] == "iqn.2001-04.com.example:h1"
    assert at_kept["secrets"] == {"chap": SECRET}


def test_no_secret_is_written_or_told(world: World, tmp_path: Path) -> None:
    """A driver that tells its secret in an error does not get it into ledger, report or progress."""
    leak = DriverError(ErrorCode.DENIED, f"Login with {SECRET} failed.\nTry again.")
    world.faults.coming = [Fault("attach", leak)]
    report = world.place(volume("v"))
    world.ledger.close()
    content = b"".join(path.read_bytes() for path in tmp_path.glob("ledger.db*"))
    assert report.volumes[0].error == Failure("denied", "Login with *** failed. Try again.")
    assert SECRET.encode() not in content
    assert b"Login with *** failed. Try again." in content
    assert SECRET not in repr(report) + repr(world.news)
    assert "***" in repr(world.news)


def test_a_plan_that_is_over_is_only_reported(world: World) -> None:
    wanted = volume("v")
    first = world.place(wanted)
    assert world.apply(placement(wanted), wanted) == first
    assert [kind for kind in calls(world.root) if kind != "close"] == ["create", "grant", "attach"]
    assert json.loads(json.dumps(asdict(first)))["volumes"][0]["reached"][0]["host"] == "h1"


def test_attach_detach_and_delete_go_the_whole_way(world: World) -> None:
    """R20, R21: detach revokes, delete deletes; the documents follow."""
    one, two = volume("v"), volume("v", hosts=("h1", "h2"))
    world.place(one)
    known = world.id_of("v")
    attached = Plan.of(attach_steps([two], "h2"), [volume_document(two)])
    assert world.apply(attached, two).state == "done"
    assert there(world.root) == [
        f"h1/{known}",
        f"h2/{known}",
        f"p1/{known}",
        f"p1/{known}@h1",
        f"p1/{known}@h2",
    ]
    assert world.ledger.volumes()[0].document["hosts"] == ["h1", "h2"]
    detached = Plan.of(detach_steps([two], "h2"), [volume_document(one)])
    assert world.apply(detached, one).state == "done"
    assert there(world.root) == [f"h1/{known}", f"p1/{known}", f"p1/{known}@h1"]
    assert world.ledger.volumes()[0].document["hosts"] == ["h1"]
    assert world.apply(attached, two).state == "done"
    deleted = Plan.of(delete_steps([two]), [volume_document(two)])
    assert world.apply(deleted, two).state == "done"
    assert (there(world.root), world.names()) == ([], {})


def test_access_is_revoked_from_whom_it_was_granted(world: World) -> None:
    """R20: the documents may give the host another name by then; the old one must not keep access."""
    wanted = volume("v")
    world.place(wanted)
    plan = Plan.of(delete_steps([wanted]), [volume_document(wanted)])
    world.ledger.reserve(plan, seen=world.ledger.changes())

    async def renamed() -> Report:
        inventory = fleet(world.root, world.faults, [wanted])
        inventory.hosts["h1"] = fleet(world.root, world.faults).hosts["h2"]
        async with connections(inventory) as connected:
            return await run(plan, world.ledger, inventory, connected, patience=AT_ONCE)

    report = asyncio.run(renamed())
    assert (report.state, [line for line in there(world.root) if "@" in line]) == ("done", [])


def test_a_host_without_an_agent_is_granted_and_not_attached(world: World) -> None:
    report = world.place(volume("v", hosts=("h3",)))
    known = world.id_of("v")
    assert report.volumes[0].reached == (Reached("h3", f"iscsi://10.0.0.1/{known}/0", None),)
    assert there(world.root) == [f"p1/{known}", f"p1/{known}@h3"]
    assert world.ledger.volumes()[0].attachments == ()


def test_only_one_process_runs_a_plan(world: World, tmp_path: Path) -> None:
    wanted = volume("v")
    plan = placement(wanted)
    world.ledger.reserve(plan, seen=0)

    async def twice() -> None:
        first = asyncio.create_task(world.run(plan, wanted))
        await asyncio.sleep(0)
        with pytest.raises(PlanBusy, match="is being run by"):
            await world.run(plan, wanted)
        await first

    asyncio.run(twice())
    assert calls(world.root, "create") == ["create"]


def test_a_missing_plug_in_is_found_before_anything_is_touched(world: World) -> None:
    wanted = volume("v")
    plan = placement(wanted)
    world.ledger.reserve(plan, seen=0)

    async def unplugged() -> Report:
        inventory = fleet(world.root, world.faults, [wanted])
        del inventory.agents["a1"]
        async with connections(inventory) as connected:
            return await run(plan, world.ledger, inventory, connected)

    with pytest.raises(PluginError, match="There is no agent named a1"):
        asyncio.run(unplugged())
    assert (there(world.root), world.names()) == ([], {"v": "reserved"})


def test_a_plan_must_be_reserved_and_unaltered(world: World) -> None:
    wanted = volume("v")
    plan = placement(wanted)
    with pytest.raises(UnknownPlan, match="is not in the ledger"):
        asyncio.run(world.run(plan, wanted))
    world.ledger.reserve(plan, seen=0)
    larger = {**plan.volumes[0], "size": 10**12}
    with pytest.raises(UnknownPlan, match="does not match its id"):
        asyncio.run(world.run(Plan(plan.id, plan.steps, (larger,)), wanted))


def test_progress_tells_each_step(world: World) -> None:
    world.place(volume("v", hosts=()))
    assert [(news.kind, news.state, news.done, news.of) for news in world.news] == [
        ("create", "started", 1, 2),
        ("create", "done", 1, 2),
    ]


def test_entries_that_come_together_share_a_commit(world: World, tmp_path: Path) -> None:
    """200 volumes, 16 calls at once: the 600 entries take less than a third as many commits."""
    volumes = [volume(f"v{number}", hosts=()) for number in range(200)]
    commits = 0
    record = world.ledger.record

    def counted(claim: Claim, entries: Iterable[Entry], number: int | None = None) -> None:
        nonlocal commits
        commits += 1
        record(claim, entries, number)

    world.ledger.record = counted  # type: ignore[method-assign]
    assert world.place(*volumes).state == "done"
    assert commits < 200
    with sqlite3.connect(tmp_path / "ledger.db") as found:
        assert found.execute("select count(*) from allocator_step where state = 'done'").fetchone() == (400,)
    found.close()

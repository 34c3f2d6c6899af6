"""Waiting between attempts, over processes and beside other calls; and plans that wait for an operator."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from allocator.domain.plan import Plan
from allocator.driver import DriverError, ErrorCode
from allocator.execution.attempts import Patience
from allocator.execution.report import Failure, Report
from allocator.execution.runner import run
from tests.execution.plugins import Fault, calls, there
from tests.execution.world import AT_ONCE, World, connections, fleet, placement, volume

BUSY = DriverError(ErrorCode.BUSY, "Busy.")
LOST = DriverError(ErrorCode.UNKNOWN_OUTCOME, "The answer was lost.")
DOWN = DriverError(ErrorCode.UNAVAILABLE, "Out of reach.")


def attempts_left(world: World, plan: Plan) -> int:
    """Of the four that patience allows; whoever ran the plan has let go of it."""
    claim = world.ledger.claim(plan, owner="nobody", lease_seconds=60, alive=lambda _: True)
    world.ledger.finish(claim, "running")
    waiting = claim.steps[2].waiting
    return AT_ONCE.attempts - (0 if waiting is None else waiting.attempts)


def test_a_resumed_run_does_not_start_over(world: World) -> None:
    """Three of four attempts failed before the run was stopped: one more is made, and then it is over."""
    wanted = volume("v", hosts=())
    plan = placement(wanted)
    world.ledger.reserve(plan, seen=0)
    world.faults.coming = [Fault("create", BUSY, times=99)]
    count = 0

    async def stopped() -> None:
        task = asyncio.create_task(world.run(plan, wanted))

        def third(point: str) -> None:
            nonlocal count
            count += point == "before create"
            if count == 3:
                task.cancel()

        world.faults.around = third
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(stopped())
    world.faults.around = lambda _: None
    assert attempts_left(world, plan) == 1
    report = asyncio.run(world.run(plan, wanted))
    assert (report.state, report.volumes[0].error) == ("rolled_back", Failure("busy", "Busy."))
    assert calls(world.root, "create") == ["create"] * 4


def test_a_resumed_run_waits_out_the_rest(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """9 s of a wait are left on record; the run that goes on waits for these, and for no more than patience knows."""
    wanted = volume("v", hosts=())
    plan = placement(wanted)
    world.ledger.reserve(plan, seen=0)
    world.faults.coming = [Fault("create", BUSY, times=1)]
    interrupted_at_pause(world, plan, monkeypatch)
    slept: list[float] = []
    real = asyncio.sleep

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        await real(0)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    assert asyncio.run(patiently(world, plan)).state == "done"
    waited = [seconds for seconds in slept if seconds > 0]
    assert len(waited) == 1
    assert 5 < waited[0] <= 9


SLOW = Patience(attempts=4, first_delay_seconds=9, longest_delay_seconds=60)


async def patiently(world: World, plan: Plan) -> Report:
    inventory = fleet(world.root, world.faults, [volume("v", hosts=())])
    async with connections(inventory) as connected:
        return await run(plan, world.ledger, inventory, connected, patience=SLOW)


def interrupted_at_pause(world: World, plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop the run once it waits for its second attempt."""

    async def stopped() -> None:
        task = asyncio.create_task(patiently(world, plan))
        while not calls(world.root, "create") or world.ledger.events("v")[-1:] == []:
            await asyncio.sleep(0.005)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(stopped())


def test_what_nobody_can_tell_is_stuck_and_settled_by_asking(world: World) -> None:
    """The answer to create is lost, and the device cannot be asked: nothing is done until it can."""
    wanted = volume("v", hosts=())
    world.faults.coming = [Fault("create", LOST, late=True), Fault("inspect", DOWN, times=4)]
    report = world.place(wanted)
    assert (report.state, report.volumes[0].state) == ("stuck", "unfinished")
    assert report.reason == "create v on p1: Out of reach. (unknown_outcome)"
    assert world.names() == {"v": "creating"}
    assert calls(world.root, "create") == ["create"]
    assert calls(world.root, "delete") == []
    report = asyncio.run(world.run(placement(wanted), wanted))
    assert (report.state, report.reason) == ("done", None)
    assert calls(world.root, "create") == ["create"], "asked, not made again"


def test_a_volume_of_a_vm_waits_where_another_is_open(world: World) -> None:
    """R23: while nobody knows of one volume, the plan holds the other of the VM as well."""
    a, b = volume("a", vm="m"), volume("b", "p2", vm="m")
    world.faults.coming = [
        Fault("create", LOST, pool="p1"),
        Fault("inspect", DOWN, times=4, pool="p1"),
    ]
    report = world.place(a, b)
    assert report.state == "stuck"
    assert {stored.plan for stored in world.ledger.volumes()} == {report.plan}
    assert calls(world.root, "delete") == []
    assert asyncio.run(world.run(placement(a, b), a, b)).state == "done"
    assert len(there(world.root)) == 2 * 3


@pytest.mark.parametrize(("allowed", "seen"), [(3, 3), (None, 8)])
def test_a_driver_gets_no_more_calls_at_once_than_its_manifest_allows(
    world: World, allowed: int | None, seen: int
) -> None:
    """Eight volumes, 16 calls of the run at once, 3 of the driver if its manifest says so."""
    volumes = [volume(f"v{number}", hosts=()) for number in range(8)]
    plan = placement(*volumes)
    world.ledger.reserve(plan, seen=0)
    answered = most = 0

    def watch(point: str) -> None:
        nonlocal answered, most
        if point == "after create":
            most = max(most, len(calls(world.root, "create")) - answered)
            answered += 1

    async def bounded() -> Report:
        inventory = fleet(world.root, world.faults, volumes)
        files = inventory.drivers["files"]
        inventory.drivers["files"] = replace(files, manifest=replace(files.manifest, parallel_calls=allowed))
        async with connections(inventory) as connected:
            return await run(plan, world.ledger, inventory, connected, patience=AT_ONCE)

    world.faults.around = watch
    assert asyncio.run(bounded()).state == "done"
    assert most == seen

"""What happens when a driver or an agent fails while a plan runs."""

from __future__ import annotations

import asyncio

import pytest

from allocator.documents.writing import volume_document
from allocator.domain.plan import Plan
from allocator.driver import DriverError, ErrorCode
from allocator.execution.report import Failure
from allocator.ledger import AlreadyHeld, LostLease
from allocator.planning.steps import attach_steps, delete_steps
from tests.execution.plugins import Fault, calls, there
from tests.execution.world import World, interrupt, placement, volume


def lost(call: str, *, late: bool, times: int = 1) -> Fault:
    return Fault(call, DriverError(ErrorCode.UNKNOWN_OUTCOME, "The answer was lost."), late=late, times=times)


def full(pool: str) -> Fault:
    return Fault("create", DriverError(ErrorCode.NO_SPACE, f"Pool {pool} is full."), pool=pool, times=99)


@pytest.mark.parametrize("call", ["create", "grant", "attach"])
def test_a_lost_answer_is_looked_into_and_nothing_is_made_twice(world: World, call: str) -> None:
    """R18: after UNKNOWN_OUTCOME the engine inspects; what was made is taken, what was not is made."""
    world.faults.coming = [lost(call, late=True)]
    assert world.place(volume("v")).state == "done"
    made = {
        "create": ["create", "inspect", "grant", "attach"],
        "grant": ["create", "grant", "inspect", "grant", "attach"],
        "attach": ["create", "grant", "attach", "devices", "attach"],
    }
    assert [kind for kind in calls(world.root) if kind != "close"] == made[call]
    known = world.id_of("v")
    assert there(world.root) == [f"h1/{known}", f"p1/{known}", f"p1/{known}@h1"]


def test_a_lost_answer_to_nothing_is_asked_again(world: World) -> None:
    world.faults.coming = [lost("create", late=False)]
    assert world.place(volume("v", hosts=())).state == "done"
    assert calls(world.root) == ["create", "inspect", "create", "close"]


def test_a_busy_device_is_asked_again_a_bounded_number_of_times(world: World) -> None:
    """Four attempts: three failures are overcome, four are not, and then nothing is left behind."""
    busy = DriverError(ErrorCode.BUSY, "Busy.", retry_after_seconds=0.002)
    world.faults.coming = [
        Fault("create", busy, times=3, pool="p1"),
        Fault("create", busy, times=9, pool="p2"),
    ]
    report = world.place(volume("a", "p1", ()), volume("b", "p2", ()))
    assert [(told.volume, told.state) for told in report.volumes] == [("a", "done"), ("b", "rolled_back")]
    assert report.volumes[1].error == Failure("busy", "Busy.")
    assert (report.state, world.names()) == ("failed", {"a": "available"})
    assert calls(world.root, "create") == ["create"] * 8
    assert calls(world.root, "delete") == []


def test_a_failed_volume_goes_with_its_vm_and_the_rest_go_on(world: World) -> None:
    """R23: the volumes of one VM are placed together or not at all; other requests are not touched."""
    world.faults.coming = [full("p2")]
    report = world.place(volume("a", vm="m1"), volume("b", "p2", vm="m1"), volume("c", vm="m2"), volume("d"))
    assert {told.volume: told.state for told in report.volumes} == {
        "a": "rolled_back",
        "b": "rolled_back",
        "c": "done",
        "d": "done",
    }
    assert {told.error for told in report.volumes[:2]} == {Failure("no_space", "Pool p2 is full.")}
    assert world.names() == {"c": "available", "d": "available"}
    kept = [world.id_of(name) for name in "cd"]
    assert there(world.root) == sorted(
        f"{where}/{known}{at}" for known in kept for where, at in (("h1", ""), ("p1", ""), ("p1", "@h1"))
    )


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("call", ["create", "grant", "attach"])
def test_a_failure_at_any_step_leaves_nothing_behind(world: World, call: str, late: bool) -> None:
    """R20: whether or not the failing call had its effect, all is undone and the room is free again."""
    world.faults.coming = [Fault(call, TypeError("broken"), late=late)]
    before = world.ledger.changes()
    report = world.place(volume("v"))
    error = report.volumes[0].error
    assert (report.state, report.volumes[0].reached) == ("rolled_back", ())
    assert error is not None
    assert error.text.startswith("TypeError: broken. Maybe a defect")
    assert (there(world.root), world.names()) == ([], {})
    assert world.ledger.changes() == before + 2


def test_what_cannot_be_undone_now_is_undone_later(world: World) -> None:
    """The reservation stays until the device has let go: then the plan is over, and can be had again."""
    down = DriverError(ErrorCode.UNAVAILABLE, "Out of reach.")
    refused = DriverError(ErrorCode.DENIED, "No.")
    world.faults.coming = [Fault("attach", refused), Fault("delete", down, times=4)]
    wanted = volume("v")
    report = world.place(wanted)
    first = world.id_of("v")
    assert (report.state, report.volumes[0].state) == ("stuck", "unfinished")
    assert report.reason == "delete v on p1: Out of reach. (unavailable)"
    assert (there(world.root), world.names()) == ([f"p1/{first}"], {"v": "available"})
    assert world.ledger.unfinished() == [placement(wanted)]
    report = asyncio.run(world.run(placement(wanted), wanted))
    assert (report.state, world.names(), there(world.root)) == ("rolled_back", {}, [])
    assert report.volumes[0].error == Failure("denied", "No.")
    assert world.place(wanted).state == "done"
    assert world.id_of("v") != first


def test_a_request_to_go_back_undoes_what_is_not_done(world: World) -> None:
    """One volume is done, one is half made when the run is cancelled; the way back takes the second only."""
    a, b = volume("a", hosts=()), volume("b")
    plan = placement(a, b)
    world.ledger.reserve(plan, seen=0)
    interrupt(world, plan, "before grant", a, b)
    assert world.names() == {"a": "available", "b": "available"}
    report = asyncio.run(world.run(plan, a, b, back=True))
    assert {told.volume: told.state for told in report.volumes} == {"a": "done", "b": "rolled_back"}
    assert report.volumes[1].error == Failure("cancelled", "Rolled back on request.")
    assert there(world.root) == [f"p1/{world.id_of('a')}"]


@pytest.mark.parametrize("call", ["create", "grant", "attach"])
def test_a_cancelled_run_stops_cleanly_and_goes_on_later(world: World, call: str) -> None:
    wanted = volume("v")
    plan = placement(wanted)
    world.ledger.reserve(plan, seen=0)
    interrupt(world, plan, f"before {call}", wanted)
    assert world.ledger.unfinished() == [plan]
    assert asyncio.run(world.run(plan, wanted)).state == "done"
    known = world.id_of("v")
    assert there(world.root) == [f"h1/{known}", f"p1/{known}", f"p1/{known}@h1"]


def test_a_failed_attachment_gives_the_document_back(world: World) -> None:
    """R08: what was charged to the second host from the reservation on is free again."""
    one, two = volume("v"), volume("v", hosts=("h1", "h2"))
    world.place(one)
    world.faults.coming = [Fault("attach", DriverError(ErrorCode.DENIED, "No."), host="h2")]
    plan = Plan.of(attach_steps([two], "h2"), [volume_document(two)])
    world.ledger.reserve(plan, seen=world.ledger.changes())
    assert world.ledger.volumes()[0].document["hosts"] == ["h1", "h2"]
    assert asyncio.run(world.run(plan, two)).state == "rolled_back"
    stored = world.ledger.volumes()[0]
    assert (stored.document["hosts"], stored.state, stored.plan) == (["h1"], "available", None)
    assert [granted.host for granted in stored.access] == ["h1"]


def test_a_volume_in_use_stays_and_can_be_deleted_later(world: World) -> None:
    """R20: what takes away is never undone: it fails, the rest go on, and it is asked again."""
    a, b = volume("a"), volume("b", "p2", ("h2",))
    world.place(a, b)
    world.faults.coming = [Fault("detach", DriverError(ErrorCode.IN_USE, "In use."), times=4, host="h1")]
    plan = Plan.of(delete_steps([a, b]), [volume_document(a), volume_document(b)])
    report = world.apply(plan, a, b)
    assert {told.volume: told.state for told in report.volumes} == {"a": "failed", "b": "done"}
    assert report.volumes[0].error == Failure("in_use", "In use.")
    assert (report.state, world.names()) == ("failed", {"a": "available"})
    again = Plan.of(delete_steps([a]), [volume_document(a)])
    assert (world.apply(again, a).state, there(world.root)) == ("done", [])


def test_whoever_lost_the_plan_stops_at_once(world: World) -> None:
    """Another process takes the plan over while a call is under way: the first stops."""
    wanted = volume("v")
    plan = placement(wanted)
    world.ledger.reserve(plan, seen=0)

    def take_over(point: str) -> None:
        if point == "after create":
            world.ledger.claim(plan, owner="other", lease_seconds=60, alive=lambda _: False)

    world.faults.around = take_over
    with pytest.raises(LostLease, match="was taken over"):
        asyncio.run(world.run(plan, wanted))
    assert [kind for kind in calls(world.root) if kind != "close"] == ["create"]


def test_steps_wait_for_those_of_other_volumes(world: World) -> None:
    """`after` holds across volumes: b is made only once a is attached, and not at all if a fails."""
    a, b = volume("a"), volume("b", hosts=())
    steps = placement(a, b).steps
    late = tuple(
        step.__class__(step.number, step.kind, step.volume, step.pool, step.host, (*step.after, 4))
        if (step.kind, step.volume) == ("create", "b")
        else step
        for step in steps
    )
    documents = [volume_document(a), volume_document(b)]
    world.faults.coming = [Fault("attach", DriverError(ErrorCode.DENIED, "No."))]
    plan = Plan.of(late, documents)
    report = world.apply(plan, a, b)
    assert [told.state for told in report.volumes] == ["rolled_back", "rolled_back"]
    assert report.volumes[1].error == Failure("blocked", "Step 4 was not done.")
    assert world.apply(plan, a, b).state == "done"
    made = [kind for kind in calls(world.root) if kind in ("create", "attach")]
    assert made == ["create", "attach", "create", "attach", "create"]


def test_a_plan_that_failed_in_part_is_reported_again_and_done_again_once_nothing_of_it_is_left(world: World) -> None:
    """R18: one VM's volume was made, the other's refused: the same plan again is no fight over the first one's name."""
    placed = (volume("a"), volume("b", hosts=("h2",)))
    plan = placement(*placed)
    world.faults.coming = [Fault("grant", DriverError(ErrorCode.DENIED, "No."), host="h2")]
    first = world.apply(plan, *placed)
    assert [(told.volume, told.state) for told in first.volumes] == [("a", "done"), ("b", "rolled_back")]
    assert world.apply(plan, *placed) == first
    assert world.names() == {"a": "available"}
    gone = Plan.of(delete_steps([placed[0]]), [volume_document(placed[0])])
    assert world.apply(gone, placed[0]).state == "done"
    assert world.apply(plan, *placed).state == "done"
    assert world.names() == {"a": "available", "b": "available"}


def test_a_plan_that_was_done_and_of_which_some_was_deleted_says_so(world: World) -> None:
    """To make all of it again would be another decision; nothing is touched."""
    placed = (volume("a", hosts=()), volume("b", hosts=()))
    plan = placement(*placed)
    assert world.apply(plan, *placed).state == "done"
    assert world.apply(Plan.of(delete_steps([placed[1]]), [volume_document(placed[1])]), placed[1]).state == "done"
    with pytest.raises(AlreadyHeld, match=rf"Plan {plan.id} was carried out, and of its volumes b was deleted since\."):
        world.apply(plan, *placed)
    assert world.names() == {"a": "available"}

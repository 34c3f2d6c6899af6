"""`kill -9` of a real process at every boundary of a run, and then going on from there (R18, R20).

The process kills itself before and after each call of a plug-in, and before and after each commit: at no
other moment does anything change, outside or on disk.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from allocator.documents.writing import volume_document
from allocator.domain.inventory import Inventory
from allocator.domain.manifest import Manifest, SizeSupport
from allocator.domain.places import Connection, Pool
from allocator.domain.plan import Plan
from allocator.driver import Access, Client, DriverError, ErrorCode, Handle, VolumeWish
from allocator.execution.connect import Connections, Group
from allocator.execution.report import Report
from allocator.execution.runner import run
from allocator.ledger import Claim, Entry, Ledger
from allocator.planning.steps import delete_steps, placement_steps
from drivers.storage.local import LocalDriver
from tests.execution.plugins import Fault, Faults, FileAgent
from tests.execution.world import AT_ONCE, fleet, volume

LOCAL = Manifest("local", "real", size=SizeSupport(4096, None, 4096), provisioning=frozenset({"thin", "thick"}))
VOLUMES = (volume("a", vm="m"), volume("b", vm="m"))
LAST_BOUNDARY = 400


class WatchedLocal(LocalDriver):
    """The real driver, with something happening around each call that changes anything."""

    around: Callable[[str], None] = staticmethod(lambda _: None)
    refusal: DriverError | None = None

    async def create_async(self, wish: VolumeWish) -> Handle:
        self.around("before create")
        if self.refusal is not None:
            raise self.refusal
        handle = await super().create_async(wish)
        self.around("after create")
        return handle

    async def delete_async(self, handle: Handle) -> None:
        self.around("before delete")
        await super().delete_async(handle)
        self.around("after delete")

    async def grant_access(self, handle: Handle, client: Client) -> Access:
        self.around("before grant")
        access = await super().grant_access(handle, client)
        self.around("after grant")
        return access

    async def revoke_access(self, handle: Handle, client: Client) -> None:
        self.around("before revoke")
        await super().revoke_access(handle, client)
        self.around("after revoke")


def loaded(group: Group, plugin: str) -> Callable[..., object]:
    return {"local": WatchedLocal, "devices": FileAgent}[plugin]


class World:
    """A ledger and a pool of the real local driver; the agents are plain files."""

    def __init__(self, tmp: Path) -> None:
        self.url = f"sqlite:///{tmp}/ledger.db"
        self.root = tmp / "devices"
        self.pool = tmp / "pool"

    def inventory(self, faults: Faults) -> Inventory:
        base = fleet(self.root, faults)
        pool = Pool("p1", "disk", LOCAL, "zone", "z1", details={"path": str(self.pool)})
        return Inventory(
            [pool],
            base.hosts.values(),
            VOLUMES,
            drivers=[Connection("disk", "local", {}, LOCAL)],
            agents=base.agents.values(),
        )

    def run(self, plan: Plan, faults: Faults) -> Report:
        """Reserve and run, in this process."""
        ledger = Ledger.open(self.url)

        async def carried_out() -> Report:
            inventory = self.inventory(faults)
            async with Connections(inventory, load=loaded) as connections:
                return await run(plan, ledger, inventory, connections, patience=AT_ONCE, parallel=1)

        try:
            record = ledger.record

            def watched(claim: Claim, entries: Iterable[Entry], number: int | None = None) -> None:
                faults.around("before commit")
                record(claim, entries, number)
                faults.around("after commit")

            ledger.record = watched  # type: ignore[method-assign]
            ledger.reserve(plan, seen=ledger.changes())
            return asyncio.run(carried_out())
        finally:
            ledger.close()

    def killed(self, plan: Plan, boundary: int | str, *coming: Fault) -> bool:
        """Run the plan in a process that dies at the n-th boundary or the first so named; False if not."""
        process = os.fork()
        if process:
            return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == -signal.SIGKILL
        passed = 0

        def count(point: str) -> None:
            nonlocal passed
            passed += 1
            if boundary in (passed, point):
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            WatchedLocal.around = staticmethod(count)
            self.run(plan, Faults(list(coming), count))
        except BaseException:
            traceback.print_exc(file=sys.__stderr__)
            os._exit(1)
        os._exit(0)

    def there(self) -> list[str]:
        """Every volume, grant and device that is really there."""
        found = [str(path.relative_to(self.pool)) for path in self.pool.rglob("*") if path.is_file()]
        return sorted([*found, *(f"{path.parent.name}/{path.name}" for path in self.root.glob("*/*"))])


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """A directory in memory where there is one: a killed process loses nothing of it, and no disk is slow."""
    shared = Path("/dev/shm")
    if not (shared.is_dir() and os.access(shared, os.W_OK)):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=shared) as made:
        yield Path(made)


def placement() -> Plan:
    return Plan.of(placement_steps(VOLUMES), [volume_document(volume) for volume in VOLUMES])


def expected(world: World) -> list[str]:
    """What is there when both are made, granted to h1 and attached there."""
    ledger = Ledger.open(world.url)
    ids = {stored.name: stored.volume_id for stored in ledger.volumes()}
    ledger.close()
    return sorted(f"{where}/{ids[name]}" for name in "ab" for where in ("volumes", "granted/h1", "h1"))


def at_every_boundary(at: Path, go: Callable[[World, int], bool], check: Callable[[World, int], None]) -> int:
    """Kill at the first boundary, the second and so on, each in a fresh world; the number of boundaries."""
    empty = at / "empty.db"
    Ledger.open(f"sqlite:///{empty}").close()
    for boundary in range(1, LAST_BOUNDARY):
        tmp = at / str(boundary)
        tmp.mkdir()
        shutil.copyfile(empty, tmp / "ledger.db")
        world = World(tmp)
        died = go(world, boundary)
        check(world, boundary)
        if not died:
            return boundary - 1
    raise AssertionError(f"The run passes more than {LAST_BOUNDARY} boundaries.")


def test_a_placement_survives_kill_9_anywhere(memory: Path) -> None:
    """Nothing is lost, nothing is made twice, and a resume comes to the same end."""

    def check(world: World, boundary: int) -> None:
        report = world.run(placement(), Faults())
        assert report.state == "done", boundary
        assert world.there() == expected(world), boundary
        ledger = Ledger.open(world.url)
        assert [(stored.state, stored.plan) for stored in ledger.volumes()] == [("available", None)] * 2
        assert [len(stored.attachments) for stored in ledger.volumes()] == [1, 1]
        assert ledger.unfinished() == []
        ledger.close()

    passed = at_every_boundary(memory, lambda world, boundary: world.killed(placement(), boundary), check)
    # 2 creates, 2 grants, 2 attaches and a commit before each, each with a before and an after.
    assert passed >= 2 * 2 * (2 + 2 + 2)


def test_a_rollback_survives_kill_9_anywhere(memory: Path) -> None:
    """The host refuses: both volumes of the VM go again, whenever the process dies on the way."""

    def refused() -> Fault:
        return Fault("attach", DriverError(ErrorCode.DENIED, "No."), times=99)

    def check(world: World, boundary: int) -> None:
        report = world.run(placement(), Faults([refused()]))
        assert report.state == "rolled_back", (boundary, report)
        assert world.there() == [], boundary
        ledger = Ledger.open(world.url)
        assert (ledger.volumes(), ledger.unfinished()) == ([], [])
        ledger.close()

    passed = at_every_boundary(memory, lambda world, boundary: world.killed(placement(), boundary, refused()), check)
    # 2 creates and 2 grants, undone again, and a commit for each.
    assert passed >= 2 * 2 * 2 * (2 + 2)


def test_what_was_made_before_a_crash_goes_although_it_is_refused_afterwards(
    memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal says that this call had no effect; the one that the crash cut off had one."""
    world = World(memory)
    assert world.killed(placement(), "after create")
    assert len(world.there()) == 1
    monkeypatch.setattr(WatchedLocal, "refusal", DriverError(ErrorCode.DENIED, "No."))
    assert world.run(placement(), Faults()).state == "rolled_back"
    assert world.there() == []


def test_a_deletion_survives_kill_9_anywhere(memory: Path) -> None:
    """R20: whatever was taken away already, the rest follows."""
    plan = Plan.of(delete_steps(VOLUMES), [volume_document(volume) for volume in VOLUMES])

    def go(world: World, boundary: int) -> bool:
        assert world.run(placement(), Faults()).state == "done"
        return world.killed(plan, boundary)

    def check(world: World, boundary: int) -> None:
        ledger = Ledger.open(world.url)
        held = ledger.volumes()
        ledger.close()
        if held:
            assert world.run(plan, Faults()).state == "done", boundary
        assert world.there() == [], boundary

    assert at_every_boundary(memory, go, check) >= 2 * 2 * (2 + 2 + 2)

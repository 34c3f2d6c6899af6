"""The agent for QEMU when things go wrong: crashes at any step, a daemon that dies, others at one QEMU."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from allocator.agent import Access, Attachment, DriverError, ErrorCode
from allocator.testing.agent_contract import shown
from allocator.testing.refusing import refused
from drivers.hypervisor.qemu import QemuAgent
from drivers.hypervisor.qmp import Qmp
from tests.drivers.qemu_agents import HOST, LIMIT, NOTHING, on_file, plain, read_back, run, serving, volume
from tests.drivers.qsd import Qemu, held, paused_machine, storage_daemon
from tests.drivers.tgtadm import CHAP, add_target, admit, demand_chap
from tests.drivers.tgtd import Tgtd


@pytest.fixture
def daemon() -> Iterator[Qemu]:
    with storage_daemon() as qemu:
        yield qemu


@pytest.fixture
def machine() -> Iterator[Qemu]:
    with paused_machine("virtio-scsi-pci") as qemu:
        yield qemu


class Crash(BaseException):
    """kill -9 between two commands."""


async def dies(call: Awaitable[object], after: int) -> bool:
    """Run a call whose process dies once `after` commands have changed something; False if it lived on."""
    act, done = Qmp.act, 0

    async def counted(self: Qmp, *arguments: Any) -> None:
        nonlocal done
        if done == after:
            raise Crash
        await act(self, *arguments)
        done += 1

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Qmp, "act", counted)
        try:
            await call
        except Crash:
            return True
    return False


async def attach_patiently(agent: QemuAgent, attachment: Attachment) -> str:
    """Attach as the engine does, again while BUSY."""
    for _ in range(100):
        try:
            return await agent.attach(attachment)
        except DriverError as error:
            if error.code is not ErrorCode.BUSY:
                raise
        await asyncio.sleep(0.05)
    raise AssertionError("busy for 5 s")


@pytest.mark.parametrize(("dying", "least"), [("attach", 5), ("detach", 3)])
@pytest.mark.parametrize("then", ["attach", "detach"])
@pytest.mark.parametrize(("kind", "make"), [("daemon", serving), ("machine", plain)])
def test_a_crash_at_any_step_is_settled_by_the_next_call(
    kind: str,
    make: Callable[[Qemu], QemuAgent],
    then: str,
    dying: str,
    least: int,
    tgtd: Tgtd,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    """R20, R21: whatever a process left when it died is listed; attach completes and detach removes it."""
    qemu: Qemu = request.getfixturevalue(kind)
    attachment = Attachment("vol-1", Access(add_target(tgtd, 1, volume(tmp_path)), CHAP), True, HOST, LIMIT)
    admit(tgtd, 1, HOST)
    demand_chap(tgtd, 1)

    async def scenario(agent: QemuAgent) -> None:
        before = await held(qemu)
        name = await agent.attach(attachment)
        whole = await held(qemu)
        await agent.detach("vol-1")
        for after in range(least + 2):
            if dying == "detach":
                await agent.attach(attachment)
            died = await dies(agent.attach(attachment) if dying == "attach" else agent.detach("vol-1"), after)
            await agent.close()
            if died and (dying == "detach" or after > 0):
                assert list(await shown(agent)) == ["vol-1"]
            if then == "attach":
                assert await attach_patiently(agent, attachment) == name
                assert await shown(agent) == {"vol-1": LIMIT}
                now = await held(qemu)
                assert (now.objects, now.exports, now.disks) == (whole.objects, whole.exports, whole.disks)
                assert len(now.nodes) == len(whole.nodes)
            await agent.detach("vol-1")
            assert await held(qemu) == before
            if not died:
                break
        assert not died
        assert after >= least

    run(make(qemu), scenario)


def test_a_machine_without_a_scsi_bus_is_left_as_it_was(tmp_path: Path) -> None:
    with paused_machine() as machine:

        async def scenario(agent: QemuAgent) -> None:
            before = await held(machine)
            error = await refused(agent.attach(on_file(volume(tmp_path))), ErrorCode.BUSY)
            assert "No 'SCSI' bus found" in str(error)
            assert "Maybe the VM was started without" in str(error)
            assert await held(machine) == before

        run(plain(machine), scenario)


def test_what_others_made_is_neither_listed_nor_touched(daemon: Qemu, tmp_path: Path) -> None:
    async def scenario(agent: QemuAgent) -> None:
        view = Qmp(daemon.view)
        foreign = {"driver": "file", "node-name": "vol-1", "filename": str(volume(tmp_path, "foreign"))}
        await view.act("blockdev-add", foreign, ErrorCode.INVALID, "Maybe not.")
        await view.act("object-add", {"qom-type": "iothread", "id": "vol-1"}, ErrorCode.INVALID, "Maybe not.")
        await view.close()
        before = await held(daemon)
        assert await shown(agent) == {}
        await refused(agent.attach(on_file(volume(tmp_path))), ErrorCode.CONFLICT)
        await refused(agent.throttle("vol-1", LIMIT), ErrorCode.NOT_FOUND)
        await agent.detach("vol-1")
        assert await held(daemon) == before

    run(serving(daemon), scenario)


def test_an_nbd_server_on_another_socket_is_refused(daemon: Qemu, tmp_path: Path) -> None:
    async def scenario(agent: QemuAgent) -> None:
        view = Qmp(daemon.view)
        address = {"type": "unix", "data": {"path": str(daemon.directory / "other")}}
        await view.act("nbd-server-start", {"addr": address}, ErrorCode.INVALID, "Maybe not.")
        await view.close()
        error = await refused(agent.attach(on_file(volume(tmp_path))), ErrorCode.INVALID)
        assert "Maybe QEMU serves NBD on another socket already." in str(error)
        assert await held(daemon) == NOTHING

    run(serving(daemon), scenario)


def test_an_export_that_others_could_enter_is_refused(daemon: Qemu, tmp_path: Path) -> None:
    tmp_path.chmod(0o711)
    agent = QemuAgent({"qmp": str(daemon.qmp), "export": {"nbd": str(tmp_path / "nbd")}})

    async def scenario(agent: QemuAgent) -> None:
        error = await refused(agent.attach(on_file(volume(tmp_path))), ErrorCode.INVALID)
        assert "mode 0711" in str(error)
        assert await held(daemon) == NOTHING

    run(agent, scenario)


def test_a_daemon_that_died_is_unavailable_until_it_returns(daemon: Qemu, tmp_path: Path) -> None:
    async def scenario(agent: QemuAgent) -> None:
        attachment = on_file(volume(tmp_path))
        await agent.attach(attachment)
        daemon.kill()
        for call in (
            agent.attach(attachment),
            agent.throttle("vol-1", LIMIT),
            agent.detach("vol-1"),
            shown(agent),
        ):
            error = await refused(call, ErrorCode.UNAVAILABLE)
            assert str(daemon.qmp) in str(error)
        daemon.start()
        assert await shown(agent) == {}
        assert read_back(await agent.attach(attachment), 0xA5)
        await agent.detach("vol-1")

    run(serving(daemon), scenario)

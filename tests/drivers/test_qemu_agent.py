"""The agent for QEMU on a real qemu-storage-daemon and a real VM, with volumes on tgtd, NBD and files."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from allocator.agent import Access, Attachment, DriverError, ErrorCode, HypervisorAgent
from allocator.domain.qos import Band, Bands, Qos
from allocator.testing.agent_contract import AgentContract
from allocator.testing.refusing import refused
from drivers.hypervisor.qemu import QemuAgent
from drivers.hypervisor.qmp import Qmp
from tests.drivers.qemu_agents import (
    HOST,
    LIMIT,
    MIB,
    NOTHING,
    on_file,
    plain,
    read_back,
    run,
    serving,
    volume,
)
from tests.drivers.qsd import Qemu, held, paused_machine, storage_daemon
from tests.drivers.tgtadm import CHAP, add_target, admit, cut_connections, demand_chap
from tests.drivers.tgtd import Tgtd, needed


@pytest.fixture
def daemon() -> Iterator[Qemu]:
    with storage_daemon() as qemu:
        yield qemu


@pytest.fixture
def machine() -> Iterator[Qemu]:
    with paused_machine("virtio-scsi-pci") as qemu:
        yield qemu


class TestStorageDaemonOverIscsi(AgentContract):
    """R21: the contract, with volumes of a real tgtd, served over NBD; after each test QEMU holds nothing."""

    limits = Qos(
        iops=Bands(read=Band(ceiling=600, burst=900, burst_seconds=5), write=Band(ceiling=200)),
        bandwidth=Bands(total=Band(ceiling=8 * MIB)),
        io_size_bytes=8192,
    )

    @pytest.fixture(autouse=True)
    def rig(self, daemon: Qemu, tgtd: Tgtd, tmp_path: Path) -> Iterator[None]:
        self.daemon = daemon
        self.uris = [add_target(tgtd, number, volume(tmp_path, f"volume-{number}")) for number in (1, 2, 3)]
        for number in (1, 2):
            admit(tgtd, number, HOST)
        demand_chap(tgtd, 1)
        yield
        assert asyncio.run(held(daemon)) == NOTHING

    def make_agent(self) -> HypervisorAgent:
        return serving(self.daemon)

    def granted(self) -> Attachment:
        return Attachment("vol-1", Access(self.uris[0], CHAP), managed=True, initiator=HOST)

    def other(self) -> Attachment:
        return Attachment("vol-2", Access(self.uris[1]), managed=True, initiator=HOST)

    def ungranted(self) -> Attachment:
        return Attachment("vol-3", Access(self.uris[2], CHAP), managed=True, initiator=HOST)


class TestMachineOverFiles(AgentContract):
    """R21: the contract, with disks of a VM over files."""

    @pytest.fixture(autouse=True)
    def rig(self, machine: Qemu, tmp_path: Path) -> Iterator[None]:
        self.machine, self.directory = machine, tmp_path
        volume(tmp_path, "one")
        volume(tmp_path, "two")
        before = asyncio.run(held(machine))
        yield
        assert asyncio.run(held(machine)) == before

    def make_agent(self) -> HypervisorAgent:
        return plain(self.machine)

    def granted(self) -> Attachment:
        return on_file(self.directory / "one", "vol-1", Qos())

    def other(self) -> Attachment:
        return on_file(self.directory / "two", "vol-2", Qos())

    def ungranted(self) -> Attachment:
        return on_file(self.directory / "none", "vol-3", Qos())


def test_attach_follows_the_grant(daemon: Qemu, tgtd: Tgtd, tmp_path: Path) -> None:
    """R19, R21: refused before the grant, let in after it, and never by another host's name."""
    access = Access(add_target(tgtd, 1, volume(tmp_path)))
    attachment = Attachment("vol-1", access, managed=True, initiator=HOST)

    async def scenario(agent: QemuAgent) -> None:
        error = await refused(agent.attach(attachment), ErrorCode.DENIED)
        assert f"vol-1: QEMU cannot open {access.uri}" in str(error)
        assert "Target not found(515). Maybe this host was not granted access" in str(error)
        assert await held(daemon) == NOTHING
        admit(tgtd, 1, HOST)
        uri = await agent.attach(attachment)
        assert uri == f"nbd+unix:///vol-1?socket={daemon.nbd}"
        assert read_back(uri, 0xA5)
        await agent.detach("vol-1")
        await refused(agent.attach(replace(attachment, initiator=f"{HOST}2")), ErrorCode.DENIED)

    run(serving(daemon), scenario)


def test_chap_is_used_and_its_secret_does_not_stay(daemon: Qemu, tgtd: Tgtd, tmp_path: Path) -> None:
    """R19: a wrong secret is refused; a right one leaves QEMU after the login, and a cut session returns."""
    uri = add_target(tgtd, 1, volume(tmp_path))
    admit(tgtd, 1, HOST)
    demand_chap(tgtd, 1)
    attachment = Attachment("vol-1", Access(uri, CHAP), managed=True, initiator=HOST)
    wrong = CHAP | {"chap_secret": "hunter3hunter3"}

    async def scenario(agent: QemuAgent) -> None:
        for secrets in ({}, wrong):
            error = await refused(agent.attach(replace(attachment, access=Access(uri, secrets))), ErrorCode.DENIED)
            assert "Authentication failure(513)" in str(error)
            assert "hunter" not in f"{error!r} {error}"
            assert await held(daemon) == NOTHING
        export = await agent.attach(attachment)
        assert (await held(daemon)).objects == {"vol-1": "child<throttle-group>"}
        assert cut_connections(tgtd, 1) == 1
        assert read_back(export, 0xA5)
        await agent.detach("vol-1")

    run(serving(daemon), scenario)
    assert "hunter" not in daemon.log()


def test_a_portal_that_is_gone_is_unavailable(daemon: Qemu, tgtd: Tgtd, tmp_path: Path) -> None:
    access = Access(add_target(tgtd, 1, volume(tmp_path)))
    tgtd.kill()

    async def scenario(agent: QemuAgent) -> None:
        attachment = Attachment("vol-1", access, managed=True, initiator=HOST)
        error = await refused(agent.attach(attachment), ErrorCode.UNAVAILABLE)
        assert "Maybe the storage is down" in str(error)
        assert await held(daemon) == NOTHING

    run(serving(daemon), scenario)


def test_volumes_behind_an_nbd_server(daemon: Qemu, tmp_path: Path) -> None:
    """R21: before its server exports the volume, attach is refused and leaves nothing."""
    with storage_daemon() as server:
        attachment = Attachment("vol-1", Access(f"nbd+unix:///remote?socket={server.nbd}"), managed=False)

        async def scenario(agent: QemuAgent) -> None:
            await refused(agent.attach(attachment), ErrorCode.UNAVAILABLE)
            assert await held(daemon) == NOTHING
            origin = serving(server)
            await origin.attach(on_file(volume(tmp_path), "remote", Qos()))
            assert read_back(await agent.attach(attachment), 0xA5)
            other = Access(f"nbd+unix:///other?socket={server.nbd}")
            await refused(agent.attach(Attachment("vol-2", other, managed=True)), ErrorCode.UNAVAILABLE)
            await agent.detach("vol-1")
            await origin.detach("remote")
            await origin.close()
            assert await held(daemon) == NOTHING
            assert await held(server) == NOTHING

        run(serving(daemon), scenario)


def test_detach_takes_a_device_from_its_users(daemon: Qemu, tmp_path: Path) -> None:
    """R20: a client that is connected does not hold the device."""

    async def scenario(agent: QemuAgent) -> None:
        uri = await agent.attach(on_file(volume(tmp_path)))
        command = ["stdbuf", "-oL", needed("qemu-io", "qemu-utils"), "-f", "raw"]
        command += ["-c", "read 0 4k", "-c", "sleep 20000", uri]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as client:
            assert client.stdout is not None
            assert client.stdout.readline() == b"read 4096/4096 bytes at offset 0\n"
            await agent.detach("vol-1")
            assert await held(daemon) == NOTHING
            assert client.poll() is None
            client.kill()

    run(serving(daemon), scenario)


def test_discarded_blocks_reach_a_thin_volume(daemon: Qemu, tmp_path: Path) -> None:
    path = volume(tmp_path)
    assert path.stat().st_blocks * 512 >= MIB

    async def scenario(agent: QemuAgent) -> None:
        uri = await agent.attach(on_file(path))
        command = [needed("qemu-io", "qemu-utils"), "-f", "raw", "-c", "discard 0 1M", uri]
        subprocess.run(command, capture_output=True, timeout=20, check=True)
        assert path.stat().st_blocks * 512 < MIB
        await agent.detach("vol-1")

    run(serving(daemon), scenario)


def test_a_machine_gets_a_disk_with_the_device_as_serial_number(machine: Qemu, tmp_path: Path) -> None:
    """R21: the guest finds its volume under /dev/disk/by-id."""

    async def scenario(agent: QemuAgent) -> None:
        before = await held(machine)
        assert await agent.attach(on_file(volume(tmp_path))) == "vol-1"
        assert (await held(machine)).disks == before.disks | {"vol-1"}
        view = Qmp(machine.view)
        assert await view.ask("qom-get", path="/machine/peripheral/vol-1", property="serial") == "vol-1"
        await view.close()
        await agent.detach("vol-1")
        assert await held(machine) == before

    run(plain(machine), scenario)


def test_without_an_export_a_storage_daemon_keeps_the_node(daemon: Qemu, tmp_path: Path) -> None:
    async def scenario(agent: QemuAgent) -> None:
        assert await agent.attach(on_file(volume(tmp_path))) == "vol-1"
        now = await held(daemon)
        assert "vol-1" in now.nodes
        assert not now.exports
        await agent.detach("vol-1")
        assert await held(daemon) == NOTHING

    run(plain(daemon), scenario)


@pytest.mark.parametrize("device", ["", "1vol", "Vol-1", "vol_1", "vol-1\n", "vol-1/..", "v" * 32])
def test_a_device_that_is_no_node_name_is_refused(device: str, tmp_path: Path) -> None:
    async def scenario(agent: QemuAgent) -> None:
        for call in (
            agent.attach(on_file(tmp_path / "volume", device)),
            agent.throttle(device, LIMIT),
            agent.detach(device),
        ):
            await refused(call, ErrorCode.INVALID)

    run(QemuAgent({"qmp": "/nowhere/qmp"}), scenario)


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"qmp": "relative"},
        {"qmp": 5},
        {"qmp": "/" + "a" * 107},
        {"qmp": "/run/q", "vm": True},
        {"qmp": "/run/q", "export": "/run/nbd"},
        {"qmp": "/run/q", "export": {"fuse": "/run/fuse"}},
        {"qmp": "/run/q", "export": {"nbd": "relative"}},
    ],
)
def test_a_config_that_is_wrong_is_refused_at_once(config: dict[str, object]) -> None:
    with pytest.raises(DriverError, match="Maybe ") as caught:
        QemuAgent(config)
    assert caught.value.code is ErrorCode.INVALID

"""Copies by QEMU on real storage: between tgtd and files, offline and while a client writes."""

from __future__ import annotations

import asyncio
import os
from abc import abstractmethod
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from random import Random

import pytest

from allocator.agent import Access, Attachment, Copying, CopyingAgent, Side
from allocator.domain.qos import Qos
from allocator.testing.copying_contract import CopyingContract
from tests.drivers.qemu_agents import HOST, LIMIT, MIB, NOTHING, serving
from tests.drivers.qsd import Qemu, held, storage_daemon
from tests.drivers.tgtadm import CHAP, add_target, admit, demand_chap, thin
from tests.drivers.tgtd import Tgtd, needed


@pytest.fixture
def daemon() -> Iterator[Qemu]:
    with storage_daemon() as qemu:
        yield qemu
        assert asyncio.run(held(qemu)) == NOTHING


class QemuCopies(CopyingContract):
    """Volumes of 4 MiB, the target 1 MiB larger, over one daemon."""

    throttle = Qos()

    @pytest.fixture(autouse=True)
    def rig(self, daemon: Qemu, tgtd: Tgtd, tmp_path: Path) -> None:
        self.daemon, self.files = daemon, {"source": tmp_path / "one,two", "target": tmp_path / "target"}
        self.files["source"].write_bytes(Random(1).randbytes(4 * MIB))
        self.files["target"].write_bytes(bytes(5 * MIB))
        self.sides = self.granted(tgtd)

    @abstractmethod
    def granted(self, tgtd: Tgtd) -> tuple[Side, Side]:
        """Source and target, on one kind of storage."""

    def make_agent(self) -> CopyingAgent:
        return serving(self.daemon)

    def copying(self) -> Copying:
        return Copying("vol-1", *self.sides, size_bytes=4 * MIB)

    def attachment(self) -> Attachment:
        source = self.sides[0]
        return Attachment("vol-1", source.access, managed=True, initiator=source.initiator, throttle=self.throttle)

    def bytes_of(self, side: str) -> bytes:
        return self.files[side].read_bytes()

    async def write(self, name: str, byte: int) -> None:
        command = [needed("qemu-io", "qemu-utils"), "-f", "raw", "-c", f"write -P {byte} 0 64k", "-c", "flush", name]
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        said, _ = await process.communicate()
        assert process.returncode == 0, said
        assert b"wrote 65536/65536" in said, said


class TestFromIscsiToAFile(QemuCopies):
    """With CHAP, which must be neither on a command line nor left in QEMU."""

    throttle = LIMIT

    def granted(self, tgtd: Tgtd) -> tuple[Side, Side]:
        plain = self.files["source"].rename(self.files["source"].with_name("source"))
        self.files["source"] = plain
        uri = add_target(tgtd, 1, plain)
        admit(tgtd, 1, HOST)
        demand_chap(tgtd, 1)
        return Side(Access(uri, CHAP), HOST), Side(Access(self.files["target"].as_uri()))


class TestFromAFileToIscsi(QemuCopies):
    """The file's name holds what QEMU's notation divides by."""

    def granted(self, tgtd: Tgtd) -> tuple[Side, Side]:
        uri = add_target(tgtd, 1, self.files["target"])
        admit(tgtd, 1, HOST)
        return Side(Access(self.files["source"].as_uri())), Side(Access(uri), HOST)


def test_a_device_may_move_again_and_again(daemon: Qemu, tmp_path: Path) -> None:
    """From a file to the next and back: nothing that a mirror opened stays open."""
    paths = [tmp_path / name for name in ("a", "b")]
    for path in paths:
        path.write_bytes(bytes(MIB))
    paths[0].write_bytes(b"\x55" * MIB)
    sides = [Side(Access(path.as_uri())) for path in paths]

    async def scenario() -> None:
        agent = serving(daemon)
        await agent.attach(Attachment("vol-1", sides[0].access, managed=True))
        for number in range(3):
            copying = Copying("vol-1", sides[number % 2], sides[(number + 1) % 2], MIB)
            await agent.mirror(copying)
            await agent.pivot(copying)
            assert len((await held(daemon)).nodes) == 3
        await agent.detach("vol-1")
        await agent.close()

    asyncio.run(scenario())
    assert paths[1].read_bytes() == b"\x55" * MIB


def test_no_write_is_lost_that_is_under_way_when_a_mirror_begins(daemon: Qemu, tgtd: Tgtd, tmp_path: Path) -> None:
    """Between thin volumes, to and fro, while a client writes each block once: an old one shows for good (R20)."""
    blocks = 16 * MIB // 4096
    files = [tmp_path / name for name in ("a", "b")]
    sides = []
    for number, path in enumerate(files, 1):
        path.touch()
        os.truncate(path, 16 * MIB)
        sides.append(Side(Access(add_target(tgtd, number, path)), HOST))
        admit(tgtd, number, HOST)
        thin(tgtd, number)
    files[0].write_bytes(b"\x11" * 16 * MIB)

    async def client(uri: str) -> None:
        writes = (("-c", f"write -P 0x22 {block * 4096} 4k") for block in range(blocks))
        command = [needed("qemu-io", "qemu-utils"), "-f", "raw", *chain.from_iterable(writes), uri]
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        said, _ = await process.communicate()
        assert said.count(b"wrote 4096/4096") == blocks, said[-300:]

    async def scenario() -> None:
        agent = serving(daemon)
        uri = await agent.attach(Attachment("vol-1", sides[0].access, managed=True, initiator=HOST))
        writing = asyncio.create_task(client(uri))
        while not writing.done():
            copying = Copying("vol-1", sides[0], sides[1], 16 * MIB)
            await agent.mirror(copying)
            await agent.pivot(copying)
            sides.reverse()
            files.reverse()
        await writing
        await agent.detach("vol-1")
        await agent.close()

    asyncio.run(scenario())
    content = files[0].read_bytes()
    assert [block for block in range(blocks) if content[block * 4096] != 0x22] == []


def test_what_a_thin_source_has_not_the_target_gets_not_and_discards_reach_it(daemon: Qemu, tmp_path: Path) -> None:
    """1 MiB of 64 is copied; what began as zeroes, 16 MiB at most, may be filled; a discarded MiB is freed (R20)."""
    files = [tmp_path / name for name in ("a", "b")]
    for path in files:
        path.touch()
        os.truncate(path, 64 * MIB)
    with files[0].open("r+b") as volume:
        volume.write(b"\x55" * MIB)
    sides = [Side(Access(path.as_uri())) for path in files]

    def used() -> int:
        return files[1].stat().st_blocks * 512

    async def scenario() -> None:
        agent = serving(daemon)
        uri = await agent.attach(Attachment("vol-1", sides[0].access, managed=True))
        copying = Copying("vol-1", sides[0], sides[1], 64 * MIB)
        await agent.mirror(copying)
        await agent.pivot(copying)
        before = used()
        assert MIB <= before <= 17 * MIB
        command = [needed("qemu-io", "qemu-utils"), "-f", "raw", "-d", "unmap", "-c", "discard 0 1M", uri]
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        said, _ = await process.communicate()
        assert b"discard 1048576/1048576" in said, said
        assert used() == before - MIB
        await agent.detach("vol-1")
        await agent.close()

    asyncio.run(scenario())

"""What a throttled device does when it is driven as hard as fio can, on real QEMU, over whole seconds."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from allocator.agent import Access, Attachment
from allocator.domain.qos import Band, Bands, Qos
from drivers.hypervisor.qemu import QemuAgent
from tests.drivers.qemu_agents import HOST, serving
from tests.drivers.qsd import storage_daemon
from tests.drivers.tgtadm import add_target, admit
from tests.drivers.tgtd import Tgtd, needed

VOLUME_BYTES = 32 * 1024**2


def filled(directory: Path) -> Path:
    """A volume of random data: QEMU's NBD server answers reads of holes without asking the throttle."""
    path = directory / "volume"
    path.write_bytes(os.urandom(VOLUME_BYTES))
    return path


def total(ceiling: int) -> Qos:
    return Qos(iops=Bands(total=Band(ceiling=ceiling)))


async def fio(uri: str, seconds: int, block_bytes: int, directory: Path) -> list[int]:
    """Random reads, 16 at a time; how many were done in each second."""
    process = await asyncio.create_subprocess_exec(
        needed("fio", "fio"),
        *(
            "--name=job",
            "--ioengine=nbd",
            f"--uri={uri}",
            "--rw=randread",
            f"--bs={block_bytes}",
            "--iodepth=16",
        ),
        *("--time_based", f"--runtime={seconds}", "--write_iops_log=rate", "--log_avg_msec=1000"),
        cwd=directory,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, complaint = await process.communicate()
    assert process.returncode == 0, complaint.decode()
    return [int(line.split(",")[1]) for line in (directory / "rate_iops.1.log").read_text().splitlines()]


def test_a_rate_holds_and_changes_while_the_device_is_in_use(tmp_path: Path) -> None:
    """R21: 800 IOPS within 10 % for five seconds over iSCSI, then 200 for four; the client never pauses."""

    async def scenario(agent: QemuAgent, access: Access) -> None:
        uri = await agent.attach(Attachment("vol-1", access, True, HOST, total(800)))
        load = asyncio.create_task(fio(uri, 11, 4096, tmp_path))
        await asyncio.sleep(6)
        await agent.throttle("vol-1", total(200))
        rates = await load
        first, last = rates[:5], rates[-4:]
        assert 720 * 5 <= sum(first) <= 880 * 5, rates
        assert 180 * 4 <= sum(last) <= 220 * 4, rates
        await agent.detach("vol-1")
        await agent.close()

    with Tgtd() as tgtd, storage_daemon() as daemon:
        access = Access(add_target(tgtd, 1, filled(tmp_path)))
        admit(tgtd, 1, HOST)
        asyncio.run(scenario(serving(daemon), access))


def test_a_large_request_counts_as_several(tmp_path: Path) -> None:
    """R10: at an I/O size of 4 KiB, 400 IOPS are 100 requests of 16 KiB, so they bound bandwidth too."""

    async def scenario(agent: QemuAgent) -> None:
        access = Access(filled(tmp_path).as_uri())
        uri = await agent.attach(Attachment("vol-1", access, True, None, total(400)))
        rates = await fio(uri, 6, 4 * 4096, tmp_path)
        assert 90 * 5 <= sum(rates[:5]) <= 110 * 5, rates
        await agent.detach("vol-1")
        await agent.close()

    with storage_daemon() as daemon:
        asyncio.run(scenario(serving(daemon)))

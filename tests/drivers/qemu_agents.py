"""Agents for QEMU as the tests make them, and the volumes that they attach."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

from allocator.agent import Access, Attachment
from allocator.domain.qos import Band, Bands, Qos
from drivers.hypervisor.qemu import QemuAgent
from tests.drivers.qsd import Held, Qemu
from tests.drivers.tgtd import needed

HOST = "iqn.1994-05.com.redhat:kvm-01"
NOTHING = Held(frozenset(), {}, frozenset(), frozenset())
LIMIT = Qos(iops=Bands(total=Band(ceiling=500)))
MIB = 1024**2


def serving(qemu: Qemu) -> QemuAgent:
    return QemuAgent({"qmp": str(qemu.qmp), "export": {"nbd": str(qemu.nbd)}})


def plain(qemu: Qemu) -> QemuAgent:
    return QemuAgent({"qmp": str(qemu.qmp)})


def volume(directory: Path, name: str = "volume", byte: bytes = b"\xa5") -> Path:
    path = directory / name
    path.write_bytes(byte * MIB)
    return path


def on_file(path: Path, device: str = "vol-1", throttle: Qos = LIMIT) -> Attachment:
    return Attachment(device, Access(path.as_uri()), managed=True, throttle=throttle)


def read_back(uri: str, byte: int) -> bool:
    """Whether the first MiB behind a URI consists of this byte."""
    command = [needed("qemu-io", "qemu-utils"), "-f", "raw", "-c", f"read -P {byte} 0 1M", uri]
    result = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    return result.returncode == 0 and "read 1048576/1048576" in result.stdout and "failed" not in result.stdout


def run(agent: QemuAgent, scenario: Callable[[QemuAgent], Awaitable[None]]) -> None:
    """Run a scenario with an agent that is closed after it and leaves no task behind."""

    async def whole() -> None:
        try:
            await scenario(agent)
        finally:
            await agent.close()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(whole())

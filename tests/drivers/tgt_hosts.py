"""Hosts, a driver on a test's tgtd, and whether the ones reach the other's volumes."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from allocator.domain.places import Endpoint
from allocator.driver import Client, Handle, PoolConfig, VolumeWish
from drivers.storage.tgt import TgtDriver
from tests.drivers.tgtd import Tgtd, logs_in

MIB = 1024**2
IQN = "iqn.2026-01.org.allocator.test"
PREFIX = "iqn.2026-01.org.allocator"
WISH = VolumeWish("v-1", "pool", 8 * MIB)


def host_with(host: str, secret: str | None = None) -> Client:
    """A host that names itself, and proves it where a secret is given."""
    return Client(host, Endpoint(iqn=f"{IQN}:{host}"), host if secret else None, secret)


A, B, C = host_with("host-a"), host_with("host-b"), host_with("host-c")


def make(tgtd: Tgtd, directory: Path, **details: bool) -> TgtDriver:
    config = {"control": tgtd.control, "portal": tgtd.portal}
    pools = [PoolConfig(name, details={"path": str(directory / name), **details}) for name in ("pool", "other")]
    return TgtDriver(config, pools)


def reaches(tgtd: Tgtd, handle: Handle, host: Client, secret: str | None = None) -> bool:
    user = f"{host.chap_user}.{handle.volume_id}" if secret else None
    return logs_in(f"iscsi://{tgtd.portal}/{handle.native_id}/1", host.endpoint.iqn or "", user, secret)


async def eventually_sessions(driver: TgtDriver, count: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        seen = await driver.inspect("pool", "v-1")
        if seen is not None and seen.sessions == count:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"never {count} sessions")

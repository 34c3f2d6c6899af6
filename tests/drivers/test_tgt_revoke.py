"""Driver `tgt` puts clients out: under load, half-way into a login, and where they forge what tgtd shows."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from allocator.driver import ErrorCode
from allocator.testing.refusing import refused
from drivers.storage.tgt import TgtDriver
from drivers.storage.tgt_control import Control
from tests.drivers.iscsi_login import IscsiLogin
from tests.drivers.tgt_hosts import IQN, PREFIX, WISH, A, B, eventually_sessions, reaches
from tests.drivers.tgtd import Tgtd, needed


@contextmanager
def writing(tgtd: Tgtd, host: str) -> Iterator[subprocess.Popen[bytes]]:
    """A QEMU that writes to the volume at queue depth 64 until it is killed."""
    options = f"driver=iscsi,transport=tcp,portal={tgtd.portal},target={PREFIX}:v-1,lun=1,initiator-name={IQN}:{host}"
    bench = [needed("qemu-img", "qemu-utils"), "bench", "-t", "none", "-w", "-d", "64", "-c", "100000000"]
    with subprocess.Popen(
        [*bench, "--image-opts", options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as qemu:
        try:
            yield qemu
        finally:
            qemu.kill()


def test_revoking_ends_a_session_under_load(driver: TgtDriver, tgtd: Tgtd, tmp_path: Path) -> None:
    """R20: after revokeAccess QEMU is out and cannot come back; for 1.5 s not a byte changes."""
    file = tmp_path / "pool/volumes/v-1"

    async def scenario() -> None:
        handle = await driver.create_async(WISH)
        await driver.grant_access(handle, A)
        with writing(tgtd, "host-a") as qemu:
            await eventually_sessions(driver, 1)
            await driver.revoke_access(handle, A)
            await asyncio.sleep(0.1)
            written = file.stat().st_mtime_ns
            await asyncio.sleep(1.5)
            assert file.stat().st_mtime_ns == written
            seen = await driver.inspect("pool", "v-1")
            assert seen is not None
            assert (seen.granted, seen.sessions) == ((), 0)
            assert qemu.poll() is None

    asyncio.run(scenario())


def test_the_other_host_comes_back_by_itself(driver: TgtDriver, tgtd: Tgtd, tmp_path: Path) -> None:
    """R20: revoking one of two hosts breaks the other's session; its QEMU logs in again and writes on."""
    file = tmp_path / "pool/volumes/v-1"

    async def scenario() -> None:
        handle = await driver.create_async(WISH)
        await driver.grant_access(handle, A)
        await driver.grant_access(handle, B)
        with writing(tgtd, "host-b") as qemu:
            await eventually_sessions(driver, 1)
            await driver.revoke_access(handle, A)
            await eventually_sessions(driver, 1)
            written = file.stat().st_mtime_ns
            await asyncio.sleep(0.3)
            assert file.stat().st_mtime_ns > written
            assert qemu.poll() is None

    asyncio.run(scenario())


def test_a_login_that_has_begun_cannot_end_after_revoke(driver: TgtDriver, tgtd: Tgtd) -> None:
    """R20: tgtd asks who is admitted at the first step of a login only; a half-made one is listed nowhere."""

    async def scenario() -> None:
        handle = await driver.create_async(WISH)
        await driver.grant_access(handle, A)
        await driver.grant_access(handle, B)
        with (
            IscsiLogin(tgtd.port, f"{IQN}:host-a", handle.native_id, session=1) as half,
            IscsiLogin(tgtd.port, f"{IQN}:host-a", handle.native_id, session=2) as whole,
        ):
            assert half.begin()
            assert whole.log_in()
            await driver.revoke_access(handle, A)
            assert not half.finish()
            assert whole.ended()
        assert not reaches(tgtd, handle, A)
        assert reaches(tgtd, handle, B)

    asyncio.run(scenario())


def test_dismissing_alone_would_let_a_begun_login_in(driver: TgtDriver, tgtd: Tgtd, control: Control) -> None:
    """Why a target is built anew: with tgtd's own unbind, the client is in after it was put out."""

    async def scenario() -> None:
        handle = await driver.create_async(WISH)
        await driver.grant_access(handle, A)
        number = (await control.numbers())[handle.native_id]
        with IscsiLogin(tgtd.port, f"{IQN}:host-a", handle.native_id) as half:
            assert half.begin()
            await control.dismiss(number, f"{IQN}:host-a")
            assert not reaches(tgtd, handle, A)
            assert half.finish()
            await eventually_sessions(driver, 1)
            await driver.revoke_access(handle, A)
            await eventually_sessions(driver, 0)

    asyncio.run(scenario())


def test_a_login_on_a_deleted_volume_never_ends_on_another(driver: TgtDriver, tgtd: Tgtd) -> None:
    """R19: with the smallest free number, the next volume would be open to whoever was half-way into the last."""

    async def scenario() -> None:
        handle = await driver.create_async(WISH)
        await driver.grant_access(handle, A)
        with IscsiLogin(tgtd.port, f"{IQN}:host-a", handle.native_id) as half:
            assert half.begin()
            await driver.revoke_access(handle, A)
            await driver.delete_async(handle)
            for index in range(20):
                await driver.create_async(replace(WISH, volume_id=f"next-{index}"))
            assert not half.finish()
        assert sum([volume.sessions async for volume in driver.list_volumes("pool")]) == 0

    asyncio.run(scenario())


def test_an_alias_that_forges_the_listing_is_found_out_and_put_out(driver: TgtDriver, tgtd: Tgtd) -> None:
    """R20: a granted host hides its own session and admits a friend, on paper; to revoke it still works."""
    forged = (
        "x\n    LUN information:\n    Account information:\n    ACL information:\n"
        f"Target 4711: {PREFIX}:v-9\n    System information:\n    I_T nexus information:"
    )

    async def scenario() -> None:
        handle = await driver.create_async(WISH)
        await driver.grant_access(handle, A)
        with IscsiLogin(tgtd.port, f"{IQN}:host-a", handle.native_id, alias=forged) as login:
            assert login.log_in()
            error = await refused(driver.inspect("pool", "v-1"), ErrorCode.UNAVAILABLE)
            assert "Maybe a connected initiator forges it" in str(error)
            await driver.revoke_access(handle, A)
            assert login.ended()
        seen = await driver.inspect("pool", "v-1")
        assert seen is not None
        assert (seen.granted, seen.sessions) == ((), 0)
        assert await driver.inspect("pool", "v-9") is None

    asyncio.run(scenario())

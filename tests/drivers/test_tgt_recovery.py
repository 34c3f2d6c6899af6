"""Driver `tgt` after crashes: of tgtd, and of the engine between any two steps."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from allocator.driver import ErrorCode, Handle
from allocator.testing.refusing import refused
from drivers.storage import tgt_control
from drivers.storage.tgt import TgtDriver
from drivers.storage.tgt_control import Control
from drivers.storage.tgt_wire import Mode, Op, request
from tests.drivers.tgt_hosts import IQN, PREFIX, WISH, A, B, C, host_with, reaches
from tests.drivers.tgtd import Tgtd, serial_number


def test_a_restart_of_tgtd_is_mended(driver: TgtDriver, tgtd: Tgtd, control: Control) -> None:
    """R20: kill -9 forgets everything; restore brings targets, accounts and grants back, and the disk is the same."""
    secret = host_with("host-c", "0123456789abcdef")
    wishes = [replace(WISH, volume_id=f"v-{index}", thick=index == 3) for index in (1, 2, 3)]
    known = [(wishes[0], [A, B]), (wishes[1], []), (wishes[2], [secret])]

    async def before() -> tuple[list[Handle], str]:
        handles = []
        for wish, clients in known:
            handles.append(await driver.create_async(wish))
            for each in clients:
                await driver.grant_access(handles[-1], each)
        return handles, serial_number(f"iscsi://{tgtd.portal}/{handles[0].native_id}/1", f"{IQN}:host-a")

    async def after(handles: list[Handle], serial: str) -> None:
        await refused(driver.restore(known), ErrorCode.UNAVAILABLE)
        tgtd.start()
        assert not reaches(tgtd, handles[0], A)
        assert await driver.restore(known) == 3
        assert await driver.restore(known) == 0
        assert reaches(tgtd, handles[0], A)
        assert reaches(tgtd, handles[0], B)
        assert not reaches(tgtd, handles[0], C)
        assert reaches(tgtd, handles[2], secret, secret.chap_secret)
        assert not reaches(tgtd, handles[2], secret)
        assert serial_number(f"iscsi://{tgtd.portal}/{handles[0].native_id}/1", f"{IQN}:host-a") == serial
        listing = await control.listing()
        units = [target.units[1] for handle in handles if (target := listing.find(handle.native_id))]
        assert [unit.thin for unit in units] == [True, True, False]
        number = (await control.numbers())[handles[0].native_id]
        await control.dismiss(number, f"{IQN}:host-b")
        assert await driver.restore(known) == 1
        assert reaches(tgtd, handles[0], B)

    handles, serial = asyncio.run(before())
    tgtd.kill()
    asyncio.run(after(handles, serial))


def test_a_lost_file_is_not_replaced_by_an_empty_one(driver: TgtDriver, tgtd: Tgtd, tmp_path: Path) -> None:
    """R20: what can be mended is mended, then the loss is told; neither create nor grant makes an empty disk of it."""
    other = replace(WISH, volume_id="v-2")

    async def scenario() -> None:
        handle = await driver.create_async(WISH)
        await driver.create_async(other)
        (tmp_path / "pool/volumes/v-1").unlink()
        await refused(driver.create_async(WISH), ErrorCode.NOT_FOUND)
        tgtd.kill()
        tgtd.start()
        error = await refused(driver.restore([(WISH, [A]), (other, [A])]), ErrorCode.NOT_FOUND)
        assert "1 of 2 volumes mended" in str(error)
        assert "v-1" in str(error)
        await refused(driver.grant_access(handle, A), ErrorCode.NOT_FOUND)
        seen = await driver.inspect("pool", "v-2")
        assert seen is not None
        assert seen.granted == (f"{IQN}:host-a",)

    asyncio.run(scenario())
    assert not (tmp_path / "pool/volumes/v-1").exists()


def test_a_grant_after_a_restart_builds_the_target(driver: TgtDriver, tgtd: Tgtd) -> None:
    """R19: whoever comes first after tgtd forgot, restore or grant, the client gets in."""

    async def scenario() -> None:
        handle = await driver.create_async(WISH)
        tgtd.kill()
        tgtd.start()
        await driver.revoke_access(handle, A)
        await driver.grant_access(handle, A)
        assert reaches(tgtd, handle, A)

    asyncio.run(scenario())


class Crash(BaseException):
    """The process dies here."""


def crash_after(monkeypatch: pytest.MonkeyPatch, steps: int) -> list[str]:
    """Let the given number of changes reach tgtd, then die; what was changed."""
    changes: list[str] = []

    async def counted(control: str, mode: Mode, op: Op, *text: str, **numbers: Any) -> str:
        if op is Op.SHOW:
            return await request(control, mode, op, *text, **numbers)
        if len(changes) == steps:
            raise Crash
        changes.append(f"{mode.name} {op.name}")
        return await request(control, mode, op, *text, **numbers)

    monkeypatch.setattr(tgt_control, "request", counted)
    return changes


def test_a_crash_after_each_step_of_create_and_grant_is_made_good(
    driver: TgtDriver, tgtd: Tgtd, monkeypatch: pytest.MonkeyPatch, control: Control
) -> None:
    """R20: 0 to 6 of the 7 changes happen, then the calls are repeated; nothing is reachable before the last."""
    expected = [
        "TARGET NEW",
        "UNIT NEW",
        "UNIT UPDATE",
        "ACCOUNT DELETE",
        "ACCOUNT NEW",
        "ACCOUNT BIND",
        "TARGET BIND",
    ]
    host = host_with("host-a", "0123456789abcdef")

    async def both(volume_id: str) -> Handle:
        handle = await driver.create_async(replace(WISH, volume_id=volume_id))
        await driver.grant_access(handle, host)
        return handle

    for steps in range(len(expected)):
        with monkeypatch.context() as patch:
            changes = crash_after(patch, steps)
            with pytest.raises(Crash):
                asyncio.run(both(f"v-{steps}"))
            assert changes == expected[:steps]
        halfway = Handle(f"v-{steps}", "pool", f"{PREFIX}:v-{steps}")
        assert not reaches(tgtd, halfway, host, host.chap_secret)
        assert reaches(tgtd, asyncio.run(both(f"v-{steps}")), host, host.chap_secret)
    assert len(asyncio.run(control.numbers())) == len(expected)


def test_a_crash_after_each_step_of_revoke_and_delete_is_made_good(
    driver: TgtDriver, tgtd: Tgtd, monkeypatch: pytest.MonkeyPatch, control: Control
) -> None:
    """R20: whatever step is the last, the repeated calls leave no target, no account and no file."""
    host = host_with("host-a", "0123456789abcdef")
    expected = ["TARGET DELETE", "TARGET NEW", "UNIT NEW", "UNIT UPDATE", "ACCOUNT DELETE", "TARGET DELETE"]

    async def away(handle: Handle) -> None:
        await driver.revoke_access(handle, host)
        await driver.delete_async(handle)

    async def scenario(steps: int) -> Handle:
        handle = await driver.create_async(replace(WISH, volume_id=f"v-{steps}"))
        await driver.grant_access(handle, host)
        return handle

    for steps in range(len(expected)):
        handle = asyncio.run(scenario(steps))
        with monkeypatch.context() as patch:
            changes = crash_after(patch, steps)
            with pytest.raises(Crash):
                asyncio.run(away(handle))
            assert changes == expected[:steps]
        asyncio.run(away(handle))
        assert asyncio.run(control.numbers()) == {}
        assert asyncio.run(control.accounts()) == []
        assert asyncio.run(driver.inspect("pool", handle.volume_id)) is None


def test_a_crash_after_each_step_of_revoke_is_made_good(
    driver: TgtDriver, monkeypatch: pytest.MonkeyPatch, control: Control
) -> None:
    """R20: whatever step is the last, the repeated call leaves the LUN, and neither access nor account."""
    host = host_with("host-a", "0123456789abcdef")
    expected = ["TARGET DELETE", "TARGET NEW", "UNIT NEW", "UNIT UPDATE", "ACCOUNT DELETE"]

    async def granted(volume_id: str) -> Handle:
        handle = await driver.create_async(replace(WISH, volume_id=volume_id))
        await driver.grant_access(handle, host)
        return handle

    for steps in range(len(expected)):
        handle = asyncio.run(granted(f"v-{steps}"))
        with monkeypatch.context() as patch:
            changes = crash_after(patch, steps)
            with pytest.raises(Crash):
                asyncio.run(driver.revoke_access(handle, host))
            assert changes == expected[:steps]
        asyncio.run(driver.revoke_access(handle, host))
        target = asyncio.run(control.listing()).find(handle.native_id)
        assert target is not None, steps
        assert (list(target.units)[-1], target.admitted, target.accounts) == (1, (), ()), steps
        assert asyncio.run(control.accounts()) == [], steps

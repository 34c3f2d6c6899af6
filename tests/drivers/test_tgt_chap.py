"""Driver `tgt` with CHAP: secrets by host and volume, rotated and taken away, on a real tgtd."""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import replace

from allocator.driver import ErrorCode
from allocator.testing.refusing import refused
from drivers.storage.tgt import TgtDriver
from drivers.storage.tgt_control import Control
from tests.drivers.iscsi_login import IscsiLogin
from tests.drivers.tgt_hosts import IQN, WISH, A, B, host_with, reaches
from tests.drivers.tgtd import Tgtd


def test_chap_is_asked_for(driver: TgtDriver, tgtd: Tgtd, control: Control) -> None:
    """R19: the right name with the wrong secret, or none, stays out; the user is made for this volume."""

    async def scenario() -> None:
        host = host_with("host-a", "0123456789abcdef")
        handle = await driver.create_async(WISH)
        access = await driver.grant_access(handle, host)
        assert access.secrets == {"chap_user": "host-a.v-1", "chap_secret": "0123456789abcdef"}
        assert reaches(tgtd, handle, host, "0123456789abcdef")
        assert not reaches(tgtd, handle, host, "0123456789abcdeF")
        assert not reaches(tgtd, handle, host)
        assert not reaches(tgtd, handle, replace(B, chap_user="host-a"), "0123456789abcdef")
        await driver.revoke_access(handle, host)
        assert not reaches(tgtd, handle, host, "0123456789abcdef")
        assert await control.accounts() == []

    asyncio.run(scenario())


def test_secrets_of_many_lengths_work_as_they_are(driver: TgtDriver, tgtd: Tgtd) -> None:
    """RFC 7143 asks for 96 bits; tgtd compares up to 255 characters: 12 and 255 log in, 11 and 256 are refused."""

    async def scenario() -> None:
        for index, length in enumerate((12, 255)):
            host = host_with("host-a", secrets.token_hex(200)[:length])
            handle = await driver.create_async(replace(WISH, volume_id=f"v-{index}"))
            await driver.grant_access(handle, host)
            assert reaches(tgtd, handle, host, host.chap_secret)
        handle = await driver.create_async(replace(WISH, volume_id="v-9"))
        for length in (11, 256):
            await refused(driver.grant_access(handle, host_with("host-a", "x" * length)), ErrorCode.INVALID)

    asyncio.run(scenario())


def test_a_new_secret_replaces_the_old_one_on_its_volume_only(driver: TgtDriver, tgtd: Tgtd) -> None:
    """R19: tgtd's accounts are global; rotating a host's secret volume by volume breaks no other volume."""
    old, new = host_with("host-a", "old-secret-1234"), host_with("host-a", "new-secret-5678")
    assert old.chap_secret
    assert new.chap_secret

    async def scenario() -> None:
        first = await driver.create_async(WISH)
        second = await driver.create_async(replace(WISH, volume_id="v-2"))
        for handle in (first, second):
            await driver.grant_access(handle, old)
        await driver.grant_access(first, new)
        assert reaches(tgtd, first, new, new.chap_secret)
        assert not reaches(tgtd, first, old, old.chap_secret)
        assert reaches(tgtd, second, old, old.chap_secret)
        await driver.revoke_access(first, new)
        await driver.delete_async(first)
        assert reaches(tgtd, second, old, old.chap_secret)

    asyncio.run(scenario())


def test_granting_again_breaks_no_session(driver: TgtDriver, tgtd: Tgtd) -> None:
    """R19: a grant that is repeated while the VM runs is not felt by it, with CHAP neither."""

    async def scenario() -> None:
        handle = await driver.create_async(WISH)
        await driver.grant_access(handle, A)
        with IscsiLogin(tgtd.port, A.endpoint.iqn or "", handle.native_id) as login:
            assert login.log_in()
            await driver.grant_access(handle, A)
            await driver.grant_access(handle, host_with("host-a", "0123456789abcdef"))
            await driver.grant_access(handle, host_with("host-a", "fedcba9876543210"))
            seen = await driver.inspect("pool", "v-1")
            assert seen is not None
            assert seen.sessions == 1

    asyncio.run(scenario())


def test_revoking_one_of_three_secrets_leaves_two_and_tgtd_alive(driver: TgtDriver, tgtd: Tgtd) -> None:
    """R20: an account taken from the middle of a target's row would kill tgtd when it is next shown."""
    hosts = [host_with(f"host-{letter}", f"secret-of-host-{letter}") for letter in "abc"]

    async def scenario() -> None:
        handle = await driver.create_async(WISH)
        for host in hosts:
            await driver.grant_access(handle, host)
        await driver.grant_access(handle, hosts[1])
        await driver.revoke_access(handle, hosts[0])
        seen = await driver.inspect("pool", "v-1")
        assert seen is not None
        assert seen.granted == (f"{IQN}:host-b", f"{IQN}:host-c")
        assert [reaches(tgtd, handle, host, host.chap_secret) for host in hosts] == [False, True, True]
        assert not reaches(tgtd, handle, replace(hosts[1], chap_user="host-a"), hosts[0].chap_secret)
        without_user = replace(hosts[1], chap_user=None, chap_secret=None)
        await refused(driver.revoke_access(handle, without_user), ErrorCode.INVALID)

    asyncio.run(scenario())
    assert tgtd.alive


def test_the_gap_that_kills_tgtd(driver: TgtDriver, tgtd: Tgtd, control: Control) -> None:
    """Why accounts are never unbound one by one: tgt 1.0.85 follows a null pointer."""

    async def scenario() -> None:
        handle = await driver.create_async(WISH)
        for host in (host_with("host-a", "0123456789abcdef"), host_with("host-b", "0123456789abcdef")):
            await driver.grant_access(handle, host)
        number = (await control.numbers())[handle.native_id]
        await control.unbind_account(number, "host-a.v-1")
        error = await refused(driver.inspect("pool", "v-1"), ErrorCode.UNAVAILABLE)
        assert "Maybe it died" in str(error)

    asyncio.run(scenario())
    time.sleep(0.2)
    assert not tgtd.alive

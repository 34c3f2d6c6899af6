"""Driver `tgt` against a real tgtd: what it makes, whom it admits, what it refuses."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from allocator.domain.places import Chap, Endpoint, SecretRef
from allocator.driver import Client, DriverError, ErrorCode, Handle, PoolConfig, StorageDriver
from allocator.testing.driver_contract import DriverContract
from allocator.testing.refusing import refused
from drivers.storage.tgt import TgtDriver
from drivers.storage.tgt_control import Control
from drivers.storage.tgt_wire import Mode, Op, request
from tests.drivers.tgt_hosts import PREFIX, WISH, A, B, host_with, make, reaches
from tests.drivers.tgtd import Tgtd, needed


class TestTgtContract(DriverContract):
    @pytest.fixture(autouse=True)
    def _device(self, tgtd: Tgtd, tmp_path: Path) -> None:
        self.tgtd, self.directory = tgtd, tmp_path

    def make_driver(self) -> StorageDriver:
        return make(self.tgtd, self.directory)

    async def reaches(self, handle: Handle, client: Client) -> bool:
        needed("iscsi-inq", "libiscsi-bin")
        return reaches(self.tgtd, handle, client)

    def client_with_secret(self, secret: str) -> Client:
        return host_with("host-a", secret)

    def put_foreign_volume(self) -> int:
        (self.directory / "pool" / "golden-image.raw").write_bytes(b"x" * 1000)
        return 1000


def test_the_uri_names_portal_target_and_lun(driver: TgtDriver, tgtd: Tgtd) -> None:
    """R19: the granted string is `iscsi://portal/iqn/lun`."""

    async def scenario() -> None:
        handle = await driver.create_async(WISH)
        assert handle.native_id == f"{PREFIX}:v-1"
        access = await driver.grant_access(handle, A)
        assert access.uri == f"iscsi://{tgtd.portal}/{PREFIX}:v-1/1"
        assert access.secrets == {}

    asyncio.run(scenario())


def test_one_kind_of_identity_for_each_volume(driver: TgtDriver, tgtd: Tgtd, control: Control) -> None:
    """R19: a name and an address on one list let in whoever has either, so the second kind is refused."""
    by_address = Client("host-b", Endpoint(address="127.0.0.1"))

    async def scenario() -> None:
        named = await driver.create_async(WISH)
        await driver.grant_access(named, A)
        error = await refused(driver.grant_access(named, by_address), ErrorCode.CONFLICT)
        assert "127.0.0.1" in str(error)
        assert "Maybe" in str(error)
        await refused(driver.grant_access(named, host_with("host-c", "0123456789abcdef")), ErrorCode.CONFLICT)
        assert not reaches(tgtd, named, B)

        addressed = await driver.create_async(replace(WISH, volume_id="v-2"))
        await driver.grant_access(addressed, replace(by_address, endpoint=Endpoint(address="127.0.0.2")))
        assert not reaches(tgtd, addressed, B)
        await driver.grant_access(addressed, by_address)
        assert reaches(tgtd, addressed, B)
        await refused(driver.grant_access(addressed, A), ErrorCode.CONFLICT)
        await driver.revoke_access(addressed, by_address)
        assert not reaches(tgtd, addressed, B)

        secret = await driver.create_async(replace(WISH, volume_id="v-3"))
        await driver.grant_access(secret, host_with("host-a", "0123456789abcdef"))
        await refused(driver.grant_access(secret, B), ErrorCode.CONFLICT)

        number = (await control.numbers())[named.native_id]
        await request(tgtd.control, Mode.TARGET, Op.BIND, "initiator-address=ALL", target=number)
        error = await refused(driver.grant_access(named, A), ErrorCode.CONFLICT)
        assert "ALL" in str(error)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("endpoint", "code"),
    [
        (Endpoint(), ErrorCode.INVALID),
        (Endpoint(address="ALL"), ErrorCode.INVALID),
        (Endpoint(address="10.0.0.0/8"), ErrorCode.INVALID),
        (Endpoint(address="kvm-1.example.org"), ErrorCode.INVALID),
        (Endpoint(address="10.0.0.1,10.0.0.2"), ErrorCode.INVALID),
        (Endpoint(address="::1"), ErrorCode.UNSUPPORTED),
        (Endpoint(address="::ffff:10.0.0.1"), ErrorCode.UNSUPPORTED),
        (Endpoint(iqn="kvm-1"), ErrorCode.INVALID),
        (Endpoint(iqn="iqn.a:b,initiator-address=ALL"), ErrorCode.INVALID),
        (Endpoint(iqn="iqn.a:b\n"), ErrorCode.INVALID),
        (Endpoint(iqn="iqn." + "a" * 220), ErrorCode.INVALID),
        (
            Endpoint(iqn="iqn.a:b", chap=Chap("host-a", SecretRef("env", "ALLOCATOR_SECRET_A"))),
            ErrorCode.INVALID,
        ),
    ],
)
def test_endpoints_that_admit_too_many_are_refused(
    driver: TgtDriver, tgtd: Tgtd, endpoint: Endpoint, code: ErrorCode
) -> None:
    """R19: everything but one initiator name or one literal IPv4 address; a missing secret is no open door."""

    async def scenario() -> None:
        handle = await driver.create_async(WISH)
        error = await refused(driver.grant_access(handle, Client("host-a", endpoint)), code)
        assert "host-a" in str(error)
        assert "Maybe" in str(error)
        await driver.revoke_access(handle, Client("host-a", endpoint))
        seen = await driver.inspect("pool", "v-1")
        assert seen is not None
        assert seen.granted == ()

    asyncio.run(scenario())


def test_twenty_at_once(driver: TgtDriver, tgtd: Tgtd, tmp_path: Path, control: Control) -> None:
    """R18: each volume is asked for five times at once by five drivers: 100 calls, beyond tgtd's queue of 32."""
    drivers = [make(tgtd, tmp_path) for _ in range(5)]

    async def scenario() -> None:
        wishes = [replace(WISH, volume_id=f"v-{index}") for index in range(20)]
        handles = await asyncio.gather(*(each.create_async(wish) for wish in wishes for each in drivers))
        assert len(set(handles)) == len(await control.numbers()) == 20
        granted = await asyncio.gather(*(driver.grant_access(handle, A) for handle in set(handles)))
        assert len({access.uri for access in granted}) == 20
        assert len([volume async for volume in driver.list_volumes("pool") if volume.granted]) == 20

    asyncio.run(scenario())


def test_a_volume_is_served_from_one_pool(driver: TgtDriver, tmp_path: Path) -> None:
    """R18: the same id on another pool is another wish."""

    async def scenario() -> None:
        await driver.create_async(WISH)
        error = await refused(driver.create_async(replace(WISH, pool="other")), ErrorCode.CONFLICT)
        assert "twice" in str(error)

    asyncio.run(scenario())
    assert not (tmp_path / "other/volumes/v-1").exists()


def test_direct_goes_around_the_page_cache(tgtd: Tgtd, tmp_path: Path) -> None:
    """The pool's detail `direct: true` reaches tgtd."""

    async def scenario() -> str:
        await make(tgtd, tmp_path, direct=True).create_async(WISH)
        return await request(tgtd.control, Mode.TARGET, Op.SHOW, target=-1)

    assert "Backing store flags: direct" in asyncio.run(scenario())


def test_a_detail_that_is_not_understood_is_refused(tgtd: Tgtd, tmp_path: Path) -> None:
    """`direct: "yes"` is no truth value: a promise is never silently ignored."""
    pool = PoolConfig("pool", details={"path": str(tmp_path), "direct": "yes"})
    with pytest.raises(DriverError, match="Maybe true or false"):
        TgtDriver({"control": tgtd.control, "portal": tgtd.portal}, [pool])


def test_a_path_that_tgtd_would_misread_is_refused(tgtd: Tgtd, tmp_path: Path) -> None:
    """A comma in a pool's path would begin another option of tgtd."""
    odd = tmp_path / "a,bstype=null"
    odd.mkdir()
    with pytest.raises(DriverError, match="comma") as caught:
        asyncio.run(make(tgtd, odd).create_async(WISH))
    assert caught.value.code is ErrorCode.INVALID


def test_without_tgtd_everything_is_unavailable(driver: TgtDriver, tgtd: Tgtd) -> None:
    tgtd.kill()
    for call in (
        driver.create_async(WISH),
        driver.grant_access(Handle("v-1", "pool", ""), A),
        driver.revoke_access(Handle("v-1", "pool", ""), A),
        driver.delete_async(Handle("v-1", "pool", "")),
    ):
        with pytest.raises(DriverError) as caught:
            asyncio.run(call)
        assert caught.value.code in (ErrorCode.UNAVAILABLE, ErrorCode.NOT_FOUND)


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"control": "relative/ctl.0", "portal": "10.0.0.1:3260"},
        {"control": "/run/ctl.0", "portal": "10.0.0.1"},
        {"control": "/run/ctl.0", "portal": "10.0.0.1:3260", "iqn_prefix": "org.example"},
        {"control": "/run/ctl.0", "portal": "10.0.0.1:3260", "iqn_prefx": "iqn.2026-01.org.example"},
    ],
)
def test_a_config_that_cannot_be_right_is_refused(config: dict[str, str]) -> None:
    with pytest.raises(DriverError, match="Maybe"):
        TgtDriver(config, [])

"""Driver `local` on a real file system, with a real QEMU that has a volume open."""

from __future__ import annotations

import asyncio
import errno
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from allocator.domain.places import Endpoint
from allocator.domain.qos import Band, Bands, Qos
from allocator.driver import Client, DriverError, ErrorCode, Handle, PoolConfig, StorageDriver, VolumeWish
from allocator.testing.driver_contract import DriverContract
from allocator.testing.refusing import refused
from drivers.storage.local import LocalDriver
from tests.drivers.tgtd import needed

MIB = 1024**2
HOST = Client("host-a", Endpoint(address="10.0.0.1"))
WISH = VolumeWish("v-1", "pool", 4 * MIB)


class TestLocalContract(DriverContract):
    @pytest.fixture(autouse=True)
    def _root(self, tmp_path: Path) -> None:
        self.root = tmp_path / "pool"

    def make_driver(self) -> StorageDriver:
        return local(self.root)

    async def reaches(self, handle: Handle, client: Client) -> bool:
        return (self.root / "granted" / client.host / handle.volume_id).is_file()

    def put_foreign_volume(self) -> int:
        (self.root / "somebody's.img").write_bytes(b"x" * 1000)
        return 1000


def local(root: Path, host: str | None = "host-a") -> LocalDriver:
    return LocalDriver({}, [PoolConfig("pool", host, {"path": str(root)})])


@pytest.fixture
def pool(tmp_path: Path) -> Path:
    return tmp_path / "pool"


@pytest.fixture
def small_pool(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB."""
    pool = tmp_path / "small"
    pool.mkdir()
    if os.geteuid() != 0:
        pytest.skip("Only root may mount a small file system.")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(pool)], check=True)
    yield pool
    subprocess.run(["umount", str(pool)], check=True)


def test_a_thin_volume_takes_no_space_and_a_thick_one_all_of_it(pool: Path) -> None:
    """R18: 4 MiB thin use 0 bytes, 4 MiB thick use at least 4,194,304."""

    async def scenario() -> None:
        driver = local(pool)
        await driver.create_async(WISH)
        thick = replace(WISH, volume_id="v-2", thick=True)
        await driver.create_async(thick)
        await driver.create_async(thick)
        thin_seen, thick_seen = await driver.inspect("pool", "v-1"), await driver.inspect("pool", "v-2")
        assert thin_seen is not None
        assert thin_seen.used_bytes == 0
        assert thick_seen is not None
        assert thick_seen.used_bytes is not None
        assert thick_seen.used_bytes >= 4_194_304
        await refused(driver.create_async(replace(WISH, thick=True)), ErrorCode.CONFLICT)

    asyncio.run(scenario())
    assert (pool / "volumes/v-1").stat().st_mode & 0o777 == 0o600
    assert pool.stat().st_mode & 0o777 == 0o700
    assert (pool / "volumes").stat().st_mode & 0o777 == 0o700


def test_a_thick_volume_that_does_not_fit_leaves_nothing(small_pool: Path) -> None:
    """R20: 8 MiB do not fit on 4 MiB; afterwards 2 MiB do."""

    async def scenario() -> None:
        driver = local(small_pool)
        too_large = VolumeWish("v-1", "pool", 8 * MIB, thick=True)
        error = await refused(driver.create_async(too_large), ErrorCode.NO_SPACE)
        assert "v-1" in str(error)
        assert "pool" in str(error)
        assert [volume async for volume in driver.list_volumes("pool")] == []
        stats = await driver.pool_stats("pool")
        assert stats.total_bytes == 4 * MIB
        assert stats.used_bytes is not None
        assert stats.used_bytes < MIB
        await driver.create_async(VolumeWish("v-1", "pool", 2 * MIB, thick=True))

    asyncio.run(scenario())


@pytest.mark.parametrize("step", ["ftruncate", "fsync", "link"])
def test_a_crash_while_the_file_is_made_leaves_nothing(pool: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """R20: there is never half a volume, whatever step fails."""

    def fails(*arguments: object, **options: object) -> None:
        raise OSError(errno.EIO, "injected")

    with monkeypatch.context() as patch:
        patch.setattr(os, step, fails)
        with pytest.raises(DriverError, match="injected") as caught:
            asyncio.run(local(pool).create_async(WISH))
    assert caught.value.code is ErrorCode.UNAVAILABLE
    assert os.listdir(pool / "volumes") == []
    assert asyncio.run(local(pool).create_async(WISH)).volume_id == "v-1"


def test_a_local_pool_belongs_to_its_host(pool: Path) -> None:
    """R17, R19: no other host can be granted access; to revoke what it cannot have is success."""

    async def scenario() -> None:
        driver = local(pool)
        handle = await driver.create_async(WISH)
        error = await refused(driver.grant_access(handle, replace(HOST, host="host-b")), ErrorCode.DENIED)
        assert "host-a" in str(error)
        assert "host-b" in str(error)
        await driver.revoke_access(handle, replace(HOST, host="host-b"))
        await refused(local(pool, None).grant_access(handle, replace(HOST, host="../x")), ErrorCode.INVALID)

    asyncio.run(scenario())
    assert not (pool / "granted").exists()


def test_access_that_was_made_by_hand_is_revoked(pool: Path) -> None:
    """R20: a host that could not be granted a volume of another host's disk has a link to it all the same."""

    async def scenario() -> None:
        driver = local(pool)
        handle = await driver.create_async(WISH)
        link = pool / "granted" / "host-b" / handle.volume_id
        link.parent.mkdir(parents=True)
        link.hardlink_to(handle.native_id)
        await driver.revoke_access(handle, replace(HOST, host="host-b"))
        assert not link.exists()

    asyncio.run(scenario())


def test_a_shared_directory_is_granted_host_by_host(pool: Path) -> None:
    """R19, R20: the URI names the host's own link to the one file."""

    async def scenario() -> None:
        driver = local(pool, None)
        handle = await driver.create_async(WISH)
        uris = {
            host: (await driver.grant_access(handle, replace(HOST, host=host))).uri for host in ("host-a", "host-b")
        }
        assert uris == {host: f"file://{pool}/granted/{host}/v-1" for host in ("host-a", "host-b")}
        seen = await driver.inspect("pool", "v-1")
        assert seen is not None
        assert seen.granted == ("host-a", "host-b")
        await driver.revoke_access(handle, HOST)
        seen = await driver.inspect("pool", "v-1")
        assert seen is not None
        assert seen.granted == ("host-b",)

    asyncio.run(scenario())


def test_a_volume_that_qemu_has_open_is_not_revoked(pool: Path) -> None:
    """R20: a path that is taken away would leave the process with access, so it is refused until QEMU closes it."""
    qemu_io = needed("qemu-io", "qemu-utils")

    async def scenario() -> None:
        driver = local(pool)
        handle = await driver.create_async(WISH)
        access = await driver.grant_access(handle, HOST)
        with subprocess.Popen(
            [qemu_io, "-f", "raw", access.uri.removeprefix("file://")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as qemu:
            assert qemu.stdin is not None
            assert qemu.stdout is not None
            qemu.stdin.write(b"write 0 4k\n")
            qemu.stdin.flush()
            assert b"wrote 4096" in qemu.stdout.readline()
            error = await refused(driver.revoke_access(handle, HOST), ErrorCode.IN_USE)
            assert "v-1" in str(error)
            seen = await driver.inspect("pool", "v-1")
            assert seen is not None
            assert (seen.granted, seen.sessions) == (("host-a",), 1)
            (pool / "granted/host-a/v-1").unlink()
            await refused(driver.revoke_access(handle, HOST), ErrorCode.IN_USE)
            await refused(driver.delete_async(handle), ErrorCode.IN_USE)
        await driver.revoke_access(handle, HOST)
        await driver.delete_async(handle)
        assert await driver.inspect("pool", "v-1") is None

    asyncio.run(scenario())


def test_links_in_the_way_are_never_followed(pool: Path, tmp_path: Path) -> None:
    """R19: neither a planted symbolic link nor a planted file is taken for a volume or a grant."""
    (tmp_path / "secret").write_text("secret")

    async def scenario() -> None:
        driver = local(pool)
        handle = await driver.create_async(WISH)
        (pool / "volumes/v-2").symlink_to(tmp_path / "secret")
        await refused(driver.create_async(replace(WISH, volume_id="v-2")), ErrorCode.CONFLICT)
        (pool / "granted/host-a").mkdir(parents=True)
        (pool / "granted/host-a/v-1").write_text("another")
        await refused(driver.grant_access(handle, HOST), ErrorCode.CONFLICT)
        (pool / "granted/host-a/v-1").unlink()
        (pool / "granted/host-a").rmdir()
        (pool / "granted/host-a").symlink_to(tmp_path)
        with pytest.raises(DriverError):
            await driver.grant_access(handle, HOST)

    asyncio.run(scenario())
    assert not (tmp_path / "v-1").exists()
    assert (tmp_path / "secret").read_text() == "secret"


def test_a_pool_whose_parent_is_missing_is_not_made_elsewhere(tmp_path: Path) -> None:
    """A file system that is not mounted is UNAVAILABLE, and its directory is not made on the one below."""
    with pytest.raises(DriverError) as caught:
        asyncio.run(local(tmp_path / "not-mounted" / "pool").create_async(WISH))
    assert caught.value.code is ErrorCode.UNAVAILABLE
    assert os.listdir(tmp_path) == []


def test_one_id_is_one_volume_on_all_pools(tmp_path: Path) -> None:
    """R18: the same id on another pool is another wish."""
    pools = [PoolConfig(name, "host-a", {"path": str(tmp_path / name)}) for name in ("pool", "other")]

    async def scenario() -> None:
        driver = LocalDriver({}, pools)
        await driver.create_async(WISH)
        await refused(driver.create_async(replace(WISH, pool="other")), ErrorCode.CONFLICT)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        (replace(WISH, size_bytes=0), ErrorCode.OUT_OF_RANGE),
        (replace(WISH, size_bytes=1000), ErrorCode.OUT_OF_RANGE),
        (replace(WISH, qos=Qos(iops=Bands(total=Band(floor=100)))), ErrorCode.UNSUPPORTED),
        (replace(WISH, details={"enable512e": True}), ErrorCode.UNSUPPORTED),
    ],
)
def test_what_a_file_cannot_keep_is_refused(pool: Path, wish: VolumeWish, code: ErrorCode) -> None:
    """R02: a promise is never silently ignored."""
    with pytest.raises(DriverError) as caught:
        asyncio.run(local(pool).create_async(wish))
    assert caught.value.code is code


@pytest.mark.parametrize("path", [None, 7, "", "relative/pool", "/nul\0"])
def test_a_pool_needs_an_absolute_path(path: str | int | None) -> None:
    with pytest.raises(DriverError, match="`path`"):
        LocalDriver({}, [PoolConfig("pool", "host-a", {} if path is None else {"path": path})])


def test_a_lost_link_is_restored_and_a_lost_file_is_not(pool: Path) -> None:
    """R20: restore mends what was granted; it never makes an empty volume."""

    async def scenario() -> None:
        driver = local(pool)
        handle = await driver.create_async(WISH)
        await driver.grant_access(handle, HOST)
        (pool / "granted/host-a/v-1").unlink()
        assert await driver.restore([(WISH, [HOST])]) == 1
        assert await driver.restore([(WISH, [HOST])]) == 0
        await refused(driver.restore([(replace(WISH, volume_id="v-2"), [HOST])]), ErrorCode.NOT_FOUND)

    asyncio.run(scenario())
    assert os.listdir(pool / "volumes") == ["v-1"]


def test_a_foreign_name_is_shown_harmlessly(pool: Path) -> None:
    """Text from outside is escaped: an escape sequence in a file's name reaches no terminal."""
    pool.mkdir()
    (pool / "red\x1b[31m\xe9\n.img").write_bytes(b"x")
    (pool / "volumes").mkdir()
    (pool / "volumes" / "Not An Id").write_bytes(b"xy")

    async def scenario() -> list[tuple[str, int, bool]]:
        return [
            (volume.handle.volume_id, volume.size_bytes, volume.ours)
            async for volume in local(pool).list_volumes("pool")
        ]

    names = asyncio.run(scenario())
    assert [(size, ours) for _, size, ours in names] == [(1, False), (2, False)]
    assert all(name.isprintable() and name.isascii() for name, _, _ in names)

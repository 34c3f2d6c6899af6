"""What every storage driver promises, as tests that a driver's author inherits.

Subclass `DriverContract` in a test module, under a name that begins with `Test`, and override `make_driver` and
`reaches`; the other methods have defaults that suit most drivers:

    class TestMine(DriverContract):
        def make_driver(self) -> StorageDriver:
            return MyDriver({"address": "10.0.0.5"}, [PoolConfig("pool")])

        async def reaches(self, handle: Handle, client: Client) -> bool:
            return logs_in(client.endpoint.iqn, handle.native_id)

Each test calls `make_driver` anew, as another process would: a driver observes its device and remembers nothing.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from allocator.domain.places import Endpoint
from allocator.driver import Client, ErrorCode, Handle, StorageDriver, VolumeWish
from allocator.testing.refusing import refused

_BAD_IDS: Final = ("", ".", "..", "a/b", "a,b", "a=b", "a b", "A", "ä", "a\n", "a\0", "v" * 65)
_MARKER: Final = "contract-secret-0123456789"


class DriverContract(ABC):
    """The promises of `allocator.driver`, one test each. Requirements R18, R19 and R20."""

    pool = "pool"
    size_bytes = 8 * 1024**2

    @abstractmethod
    def make_driver(self) -> StorageDriver:
        """A new driver on a device that lasts for one test and has the pool named by `pool`."""

    @abstractmethod
    async def reaches(self, handle: Handle, client: Client) -> bool:
        """Whether this client, right now, can read the volume by the device's own access path."""

    def client(self) -> Client:
        """A client that may be granted."""
        return Client("host-a", Endpoint(iqn="iqn.2026-01.org.allocator.test:host-a"))

    def stranger(self) -> Client:
        """A client that is never granted."""
        return Client("host-b", Endpoint(iqn="iqn.2026-01.org.allocator.test:host-b"))

    def client_with_secret(self, secret: str) -> Client | None:
        """The client with this CHAP secret; None where the driver has no use for secrets."""
        return None

    def put_foreign_volume(self) -> int | None:
        """Put something on the pool that the engine did not make; its size in bytes, None where that is impossible."""
        return None

    def wish(self, volume_id: str = "v-1") -> VolumeWish:
        """A volume that the driver can make."""
        return VolumeWish(volume_id, self.pool, self.size_bytes)

    def run(self, scenario: Callable[[StorageDriver], Awaitable[None]]) -> None:
        """Run a scenario with a driver that is closed after it."""

        async def whole() -> None:
            driver = self.make_driver()
            try:
                await scenario(driver)
            finally:
                await driver.close()

        asyncio.run(whole())

    def test_the_same_wish_twice_is_one_volume(self) -> None:
        """R18: createAsync returns an identifier; the volume's id is the idempotency key."""

        async def scenario(driver: StorageDriver) -> None:
            first = await driver.create_async(self.wish())
            assert first.volume_id == "v-1"
            assert first.pool == self.pool
            assert first.native_id
            assert await driver.create_async(self.wish()) == first
            assert await self.make_driver().create_async(self.wish()) == first
            ours = [volume async for volume in driver.list_volumes(self.pool) if volume.ours]
            assert [volume.handle for volume in ours] == [first]

        self.run(scenario)

    def test_the_same_wish_at_once_is_one_volume(self) -> None:
        """R18: two engines that race make one volume."""

        async def scenario(driver: StorageDriver) -> None:
            other = self.make_driver()
            handles = await asyncio.gather(*(each.create_async(self.wish()) for each in (driver, other, driver)))
            await other.close()
            assert len(set(handles)) == 1

        self.run(scenario)

    def test_another_wish_conflicts(self) -> None:
        """R18: an id that is used twice is an error, and the volume stays as it was."""

        async def scenario(driver: StorageDriver) -> None:
            handle = await driver.create_async(self.wish())
            larger = replace(self.wish(), size_bytes=2 * self.size_bytes)
            error = await refused(driver.create_async(larger), ErrorCode.CONFLICT)
            assert "v-1" in str(error)
            seen = await driver.inspect(self.pool, "v-1")
            assert seen is not None
            assert (seen.handle, seen.size_bytes) == (handle, self.size_bytes)

        self.run(scenario)

    def test_bad_ids_are_refused(self) -> None:
        """R18: an id becomes a name on the device, so nothing but `[a-z0-9-]{1,64}` passes."""

        async def scenario(driver: StorageDriver) -> None:
            for bad in _BAD_IDS:
                await refused(driver.create_async(self.wish(bad)), ErrorCode.INVALID)
                await refused(driver.inspect(self.pool, bad), ErrorCode.INVALID)
                await refused(driver.delete_async(Handle(bad, self.pool, bad)), ErrorCode.INVALID)
            assert [volume async for volume in driver.list_volumes(self.pool) if volume.ours] == []

        self.run(scenario)

    def test_an_unknown_pool_is_refused(self) -> None:
        async def scenario(driver: StorageDriver) -> None:
            elsewhere = replace(self.wish(), pool="no-such-pool")
            error = await refused(driver.create_async(elsewhere), ErrorCode.INVALID, ErrorCode.NOT_FOUND)
            assert "no-such-pool" in str(error)

        self.run(scenario)

    def test_only_the_granted_client_reaches_the_volume(self) -> None:
        """R19: nothing is reachable before the grant, and afterwards for nobody else."""

        async def scenario(driver: StorageDriver) -> None:
            handle = await driver.create_async(self.wish())
            assert not await self.reaches(handle, self.client())
            access = await driver.grant_access(handle, self.client())
            assert access.uri
            assert await self.reaches(handle, self.client())
            assert not await self.reaches(handle, self.stranger())

        self.run(scenario)

    def test_granting_twice_gives_the_same_uri(self) -> None:
        """R19: a grant repeated after a crash changes nothing."""

        async def scenario(driver: StorageDriver) -> None:
            handle = await driver.create_async(self.wish())
            access = await driver.grant_access(handle, self.client())
            assert await driver.grant_access(handle, self.client()) == access
            assert await self.make_driver().grant_access(handle, self.client()) == access
            seen = await driver.inspect(self.pool, "v-1")
            assert seen is not None
            assert len(seen.granted) == 1

        self.run(scenario)

    def test_granting_what_is_absent_is_not_found(self) -> None:
        """R19: a lost volume is never replaced by an empty one."""

        async def scenario(driver: StorageDriver) -> None:
            handle = await driver.create_async(self.wish())
            await driver.delete_async(handle)
            await refused(driver.grant_access(handle, self.client()), ErrorCode.NOT_FOUND)
            assert await driver.inspect(self.pool, "v-1") is None

        self.run(scenario)

    def test_revoking_twice_ends_access(self) -> None:
        """R20: after revokeAccess the client is out, whether it was in or not, and may be granted again."""

        async def scenario(driver: StorageDriver) -> None:
            handle = await driver.create_async(self.wish())
            await driver.revoke_access(handle, self.client())
            access = await driver.grant_access(handle, self.client())
            await driver.revoke_access(handle, self.client())
            assert not await self.reaches(handle, self.client())
            await driver.revoke_access(handle, self.client())
            seen = await driver.inspect(self.pool, "v-1")
            assert seen is not None
            assert (seen.granted, seen.sessions) == ((), 0)
            assert await driver.grant_access(handle, self.client()) == access
            assert await self.reaches(handle, self.client())

        self.run(scenario)

    def test_revoking_a_stranger_leaves_the_client_in(self) -> None:
        """R20: revokeAccess takes from one client only."""

        async def scenario(driver: StorageDriver) -> None:
            handle = await driver.create_async(self.wish())
            await driver.grant_access(handle, self.client())
            await driver.revoke_access(handle, self.stranger())
            assert await self.reaches(handle, self.client())

        self.run(scenario)

    def test_deleting_twice_is_success_and_a_granted_volume_is_in_use(self) -> None:
        """R20: deleteAsync takes nothing away under a client."""

        async def scenario(driver: StorageDriver) -> None:
            handle = await driver.create_async(self.wish())
            await driver.grant_access(handle, self.client())
            await refused(driver.delete_async(handle), ErrorCode.IN_USE)
            assert await self.reaches(handle, self.client())
            await driver.revoke_access(handle, self.client())
            await driver.delete_async(handle)
            await driver.delete_async(handle)
            await driver.revoke_access(handle, self.client())
            assert await driver.inspect(self.pool, "v-1") is None
            assert [volume async for volume in driver.list_volumes(self.pool) if volume.ours] == []

        self.run(scenario)

    def test_a_volume_is_seen_as_it_was_made(self) -> None:
        """R18: another process sees the same volume, from the device alone."""

        async def scenario(driver: StorageDriver) -> None:
            assert await driver.inspect(self.pool, "v-1") is None
            handle = await driver.create_async(self.wish())
            await driver.grant_access(handle, self.client())
            for each in (driver, self.make_driver()):
                seen = await each.inspect(self.pool, "v-1")
                assert seen is not None
                assert (seen.handle, seen.size_bytes, seen.ours) == (handle, self.size_bytes, True)
                client = self.client()
                assert len(seen.granted) == 1
                assert seen.granted[0] in (client.host, client.endpoint.iqn, client.endpoint.address)

        self.run(scenario)

    def test_foreign_volumes_are_counted_as_such(self) -> None:
        """R07: what was made outside the engine is listed with its size, and marked."""

        async def scenario(driver: StorageDriver) -> None:
            await driver.create_async(self.wish())
            foreign_bytes = self.put_foreign_volume()
            volumes = [volume async for volume in driver.list_volumes(self.pool)]
            assert [volume.handle.volume_id for volume in volumes if volume.ours] == ["v-1"]
            expected = [] if foreign_bytes is None else [foreign_bytes]
            assert [volume.size_bytes for volume in volumes if not volume.ours] == expected

        self.run(scenario)

    def test_the_pool_tells_its_size(self) -> None:
        async def scenario(driver: StorageDriver) -> None:
            stats = await driver.pool_stats(self.pool)
            assert stats.total_bytes is None or stats.total_bytes > 0
            assert stats.used_bytes is None or stats.used_bytes >= 0

        self.run(scenario)

    def test_restoring_what_is_whole_mends_nothing(self) -> None:
        async def scenario(driver: StorageDriver) -> None:
            handle = await driver.create_async(self.wish())
            await driver.grant_access(handle, self.client())
            assert await driver.restore([(self.wish(), [self.client()])]) == 0
            assert await self.reaches(handle, self.client())

        self.run(scenario)

    def test_a_secret_travels_in_secrets_only(self) -> None:
        """R19: the string that a grant returns is logged and stored; a secret is neither."""

        async def scenario(driver: StorageDriver) -> None:
            client = self.client_with_secret(_MARKER)
            if client is None:
                return
            handle = await driver.create_async(self.wish())
            access = await driver.grant_access(handle, client)
            assert _MARKER in access.secrets.values()
            seen = await driver.inspect(self.pool, "v-1")
            for shown in (access.uri, repr(access), str(access), repr(client), repr(handle), repr(seen)):
                assert _MARKER not in shown
            too_bad = _MARKER + ",\n="
            spoiled = self.client_with_secret(too_bad)
            assert spoiled is not None
            error = await refused(driver.grant_access(handle, spoiled), ErrorCode.INVALID)
            assert _MARKER not in f"{error!r} {error}"

        self.run(scenario)

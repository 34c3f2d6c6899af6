"""Storage driver `local`: volumes are files in a directory, reached by path on the host that the pool belongs to.

    POOL/volumes/VOLUME_ID         the volume; its directory is closed to everyone else
    POOL/granted/HOST/VOLUME_ID    a hard link to it for each host with access: what a grant's URI names

A grant is a link and revoking takes it away, so the directory itself is the record of who has access. A process
that has the file open keeps it, which the kernel cannot take back: where one holds a lock, as QEMU does on its
images, revoking is refused (IN_USE).
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
import struct
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final

from allocator.domain.qos import Qos
from allocator.driver import (
    Access,
    Client,
    DriverError,
    ErrorCode,
    Handle,
    ObservedVolume,
    PoolConfig,
    PoolStats,
    VolumeWish,
)
from drivers.storage.backing import BackingFile, PoolDirectory, check_volume_id

_HOST: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_FLOCK: Final = struct.Struct("hhqqi4x")
"""struct flock on 64-bit Linux: l_type, l_whence, l_start, l_len, l_pid; fcntl(2)."""


class LocalDriver:
    """Files on hosts' own disks. A pool without a host is a directory that every host mounts."""

    def __init__(self, config: Mapping[str, object], pools: Sequence[PoolConfig]) -> None:
        if config:
            raise DriverError(ErrorCode.INVALID, f"driver local takes no config; it has {sorted(config)}.")
        self._directories = {pool.name: PoolDirectory(pool) for pool in pools}
        self._hosts = {pool.name: pool.host for pool in pools}

    async def pool_stats(self, pool: str) -> PoolStats:
        return self._directory(pool).stats()

    async def create_async(self, wish: VolumeWish) -> Handle:
        directory = self._directory(wish.pool)
        for name, other in self._directories.items():
            if name != wish.pool and os.path.lexists(other.path(wish.volume_id)):
                raise DriverError(
                    ErrorCode.CONFLICT,
                    f"volume {wish.volume_id} exists on pool {name}. Maybe the id is used twice.",
                )
        await asyncio.to_thread(directory.create, wish)
        return self._handle(wish.pool, wish.volume_id)

    async def delete_async(self, handle: Handle) -> None:
        directory = self._directory(handle.pool)
        found = directory.find(handle.volume_id)
        if found is None:
            return
        granted = self._granted(directory, found)
        if granted:
            raise DriverError(
                ErrorCode.IN_USE,
                f"volume {handle.volume_id} is granted to {', '.join(granted)}. Maybe revoke access first.",
            )
        self._refuse_open(directory, handle.volume_id)
        directory.delete(handle.volume_id)

    async def grant_access(self, handle: Handle, client: Client) -> Access:
        directory = self._directory(handle.pool)
        host = self._admitted(handle.pool, client)
        if directory.find(handle.volume_id) is None:
            raise DriverError(ErrorCode.NOT_FOUND, f"volume {handle.volume_id} is not on pool {handle.pool}.")
        self._link(directory, handle.volume_id, host)
        return Access(uri=(directory.root / "granted" / host / handle.volume_id).as_uri())

    async def revoke_access(self, handle: Handle, client: Client) -> None:
        """Raises DriverError IN_USE, with everything as it was, where a process holds a lock on the volume."""
        directory = self._directory(handle.pool)
        try:
            host = _host(client)
        except DriverError:
            return
        taken = self._unlink(directory, handle.volume_id, host)
        found = directory.find(handle.volume_id)
        if found is None or (not taken and self._granted(directory, found)):
            return
        try:
            self._refuse_open(directory, handle.volume_id)
        except DriverError:
            if taken:
                self._link(directory, handle.volume_id, host)
            raise

    async def inspect(self, pool: str, volume_id: str) -> ObservedVolume | None:
        directory = self._directory(pool)
        found = directory.find(volume_id)
        return None if found is None else self._observed(directory, found)

    async def list_volumes(self, pool: str) -> AsyncIterator[ObservedVolume]:
        directory = self._directory(pool)
        for found in directory.scan():
            yield self._observed(directory, found)

    async def restore(self, wishes: Sequence[tuple[VolumeWish, Sequence[Client]]]) -> int:
        """Link again what should be granted and is not; the number of volumes mended.

        Raises DriverError NOT_FOUND or CONFLICT for a volume whose file is lost or is another one.
        """
        mended = 0
        for wish, clients in wishes:
            directory = self._directory(wish.pool)
            before = self._granted(directory, directory.require(wish))
            for client in clients:
                await self.grant_access(self._handle(wish.pool, wish.volume_id), client)
            mended += self._granted(directory, directory.require(wish)) != before
        return mended

    async def close(self) -> None:
        """Nothing is kept open."""

    def _directory(self, pool: str) -> PoolDirectory:
        try:
            return self._directories[pool]
        except KeyError:
            raise DriverError(ErrorCode.INVALID, f"driver local does not serve pool {pool[:80]!a}.") from None

    def _handle(self, pool: str, volume_id: str) -> Handle:
        return Handle(volume_id, pool, native_id=str(self._directories[pool].path(volume_id)))

    def _admitted(self, pool: str, client: Client) -> str:
        host = _host(client)
        owner = self._hosts[pool]
        if owner is not None and host != owner:
            raise DriverError(
                ErrorCode.DENIED,
                f"pool {pool} is local to host {owner}; host {host} cannot reach it. Maybe copy the volume to {host}.",
            )
        return host

    def _link(self, directory: PoolDirectory, volume_id: str, host: str) -> None:
        with (
            directory.refusing(f"access of {host}"),
            directory.opened("volumes") as volumes,
            directory.opened(f"granted/{host}") as granted,
        ):
            try:
                os.link(volume_id, volume_id, src_dir_fd=volumes, dst_dir_fd=granted, follow_symlinks=False)
                os.fsync(granted)
            except FileExistsError:
                ours, theirs = (os.lstat(volume_id, dir_fd=at) for at in (volumes, granted))
                if not os.path.samestat(ours, theirs):
                    raise DriverError(
                        ErrorCode.CONFLICT,
                        f"{directory.root}/granted/{host}/{volume_id} is another file. Maybe move it away.",
                    ) from None

    def _unlink(self, directory: PoolDirectory, volume_id: str, host: str) -> bool:
        if not os.path.lexists(directory.root / "granted" / host / check_volume_id(volume_id)):
            return False
        with directory.refusing(f"access of {host}"), directory.opened(f"granted/{host}") as granted:
            try:
                os.unlink(volume_id, dir_fd=granted)
            except FileNotFoundError:
                return False
            os.fsync(granted)
        return True

    def _granted(self, directory: PoolDirectory, found: BackingFile) -> tuple[str, ...]:
        if found.links == 1:
            return ()
        links = (directory.root / "granted").glob(f"*/{found.name}")
        with directory.refusing("the listing of grants"):
            return tuple(sorted(link.parent.name for link in links if _HOST.fullmatch(link.parent.name)))

    def _observed(self, directory: PoolDirectory, found: BackingFile) -> ObservedVolume:
        handle = (
            self._handle(directory.pool, found.name)
            if found.ours
            else Handle(found.name, directory.pool, native_id=found.name)
        )
        granted = self._granted(directory, found) if found.ours else ()
        sessions = int(found.ours and self._locked(directory, found.name))
        return ObservedVolume(handle, found.size_bytes, found.used_bytes, Qos(), granted, sessions, found.ours)

    def _refuse_open(self, directory: PoolDirectory, volume_id: str) -> None:
        if self._locked(directory, volume_id):
            raise DriverError(
                ErrorCode.IN_USE,
                f"volume {volume_id} on pool {directory.pool} is open in a running process. Maybe detach it first.",
            )

    def _locked(self, directory: PoolDirectory, volume_id: str) -> bool:
        """Whether any process holds a lock on the file, shared or exclusive, as QEMU does with `locking=auto`."""
        with directory.refusing(f"volume {volume_id}"), directory.opened("volumes") as volumes:
            try:
                descriptor = os.open(
                    volume_id, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=volumes
                )
            except FileNotFoundError:
                return False
            try:
                whole_file = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
                answer = fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, whole_file)
            finally:
                os.close(descriptor)
        return int(_FLOCK.unpack(answer)[0]) != fcntl.F_UNLCK


def _host(client: Client) -> str:
    if not _HOST.fullmatch(client.host):
        raise DriverError(ErrorCode.INVALID, f"host {client.host[:80]!a} cannot name a directory.")
    return client.host

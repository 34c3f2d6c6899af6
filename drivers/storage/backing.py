"""A pool directory and the file behind each of its volumes: made whole or not at all, named from the volume's id only.

POOL/volumes/VOLUME_ID     one regular file, mode 0600
POOL/anything-else         not ours: counted, never touched
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from allocator.driver import DriverError, ErrorCode, PoolConfig, PoolStats, VolumeWish

SECTOR_BYTES: Final = 512
_BLOCK_BYTES: Final = 512
"""The unit of st_blocks, whatever the file system's own block is: inode(7)."""
_VOLUME_ID: Final = re.compile(r"[a-z0-9-]{1,64}")
_CODES: Final = {
    errno.ENOSPC: ErrorCode.NO_SPACE,
    errno.EDQUOT: ErrorCode.NO_SPACE,
    errno.EFBIG: ErrorCode.OUT_OF_RANGE,
    errno.EACCES: ErrorCode.DENIED,
    errno.EPERM: ErrorCode.DENIED,
    errno.EOPNOTSUPP: ErrorCode.UNSUPPORTED,
}


@dataclass(frozen=True, slots=True)
class BackingFile:
    """A file on a pool. `name` is a volume's id where `ours`, else whatever somebody called it."""

    name: str
    size_bytes: int
    used_bytes: int
    links: int
    ours: bool

    @property
    def thin(self) -> bool:
        """Not all of it is allocated."""
        return self.used_bytes < self.size_bytes


def check_volume_id(volume_id: str) -> str:
    """The id itself. Raises DriverError INVALID unless it is `[a-z0-9-]{1,64}`: it becomes a file's name."""
    if not _VOLUME_ID.fullmatch(volume_id):
        shown = ascii(volume_id[:80])
        raise DriverError(
            ErrorCode.INVALID, f"volume id {shown} is not [a-z0-9-]{{1,64}}. Maybe use a UUID in lower case."
        )
    return volume_id


class PoolDirectory:
    """The files of one pool. Every method raises DriverError for what the file system refuses."""

    def __init__(self, pool: PoolConfig) -> None:
        path = pool.details.get("path")
        if not isinstance(path, str) or not os.path.isabs(path) or "\0" in path:
            raise DriverError(
                ErrorCode.INVALID,
                f"pool {pool.name} needs the detail `path`, an absolute directory; it has {path!r}. "
                "Maybe write it like /srv/volumes.",
            )
        self.pool = pool.name
        self.root = Path(path)

    def path(self, volume_id: str) -> Path:
        """Where a volume's file lies, whether or not it is there."""
        return self.root / "volumes" / check_volume_id(volume_id)

    def create(self, wish: VolumeWish) -> None:
        """Make the file, or find it as wished; may block while space is allocated.

        It has no name until it is complete and on disk, so a crash leaves nothing behind. Raises DriverError:
        INVALID, OUT_OF_RANGE, UNSUPPORTED (QoS, which a file cannot keep), NO_SPACE, CONFLICT (another wish).
        """
        self._check(wish)
        with self.refusing(f"volume {wish.volume_id}"), self.opened("volumes") as at:
            if self._stat(at, wish.volume_id) is None:
                descriptor = os.open(".", os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600, dir_fd=at)
                try:
                    if wish.thick:
                        os.posix_fallocate(descriptor, 0, wish.size_bytes)
                    else:
                        os.ftruncate(descriptor, wish.size_bytes)
                    os.fsync(descriptor)
                    with suppress(FileExistsError):
                        os.link(f"/proc/self/fd/{descriptor}", wish.volume_id, dst_dir_fd=at)
                finally:
                    os.close(descriptor)
                os.fsync(at)
        self.require(wish)

    def require(self, wish: VolumeWish) -> BackingFile:
        """The file of a volume that exists. Raises DriverError NOT_FOUND, or CONFLICT where it is another wish's."""
        found = self.find(wish.volume_id)
        if found is None:
            raise DriverError(
                ErrorCode.NOT_FOUND,
                f"volume {wish.volume_id} has no file in {self.root}. Maybe the file system is not mounted.",
            )
        if found.size_bytes != wish.size_bytes or (wish.thick and found.thin):
            raise DriverError(
                ErrorCode.CONFLICT,
                f"volume {wish.volume_id} on pool {self.pool} exists with {found.size_bytes:,} bytes, "
                f"{found.used_bytes:,} of them allocated; wished for: {wish.size_bytes:,} bytes, "
                f"{'thick' if wish.thick else 'thin'}. Maybe the id is used twice.",
            )
        return found

    def find(self, volume_id: str) -> BackingFile | None:
        """A volume's file as it is now."""
        check_volume_id(volume_id)
        with self.refusing(f"volume {volume_id}"), self.opened("volumes") as at:
            found = self._stat(at, volume_id)
        return None if found is None else _backing_file(volume_id, found, ours=True)

    def delete(self, volume_id: str) -> None:
        """Take a volume's file away; success where there is none."""
        check_volume_id(volume_id)
        with self.refusing(f"volume {volume_id}"), self.opened("volumes") as at, suppress(FileNotFoundError):
            os.unlink(volume_id, dir_fd=at)
            os.fsync(at)

    def scan(self) -> list[BackingFile]:
        """Every regular file in the pool's directory and in `volumes`, ours and foreign, sorted by name."""
        files = []
        for directory in (".", "volumes"):
            with self.refusing("the listing"), self.opened(directory) as at:
                for name in sorted(os.listdir(at)):
                    with suppress(FileNotFoundError):
                        found = os.stat(name, dir_fd=at, follow_symlinks=False)
                        if stat.S_ISREG(found.st_mode):
                            ours = directory == "volumes" and _VOLUME_ID.fullmatch(name) is not None
                            files.append(_backing_file(name, found, ours))
        return files

    def stats(self) -> PoolStats:
        """Bytes as `df` counts them: what the file system keeps for root is not part of the pool."""
        with self.refusing("its statistics"), self.opened(".") as at:
            found = os.fstatvfs(at)
        used = found.f_blocks - found.f_bfree
        return PoolStats(total_bytes=(used + found.f_bavail) * found.f_frsize, used_bytes=used * found.f_frsize)

    @contextmanager
    def opened(self, directory: str) -> Iterator[int]:
        """A descriptor of the pool's directory (`.`) or one below it, made on first use with mode 0700.

        Only the last part of the pool's path is made, so that a file system that is not mounted is an error.
        """
        with suppress(FileExistsError):
            self.root.mkdir(0o700)
        at = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for part in Path(directory).parts:
                with suppress(FileExistsError):
                    os.mkdir(part, 0o700, dir_fd=at)
                below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
                os.close(at)
                at = below
            yield at
        finally:
            os.close(at)

    @contextmanager
    def refusing(self, what: str) -> Iterator[None]:
        """Turn what the file system refuses into a DriverError that names the thing and the pool."""
        try:
            yield
        except OSError as error:
            code = _CODES.get(error.errno or 0, ErrorCode.UNAVAILABLE)
            raise DriverError(code, f"{what} on pool {self.pool} ({self.root}): {error.strerror or error}") from error

    def _check(self, wish: VolumeWish) -> None:
        check_volume_id(wish.volume_id)
        if wish.size_bytes <= 0 or wish.size_bytes % SECTOR_BYTES:
            raise DriverError(
                ErrorCode.OUT_OF_RANGE,
                f"volume {wish.volume_id}: {wish.size_bytes:,} bytes is no positive multiple of {SECTOR_BYTES}. "
                f"Maybe {-(-max(wish.size_bytes, 1) // SECTOR_BYTES) * SECTOR_BYTES:,}.",
            )
        if wish.qos or wish.details:
            asked = "QoS" if wish.qos else f"the detail {min(wish.details)[:80]!a}"
            raise DriverError(
                ErrorCode.UNSUPPORTED,
                f"volume {wish.volume_id} asks pool {self.pool} for {asked}, which a plain file cannot keep. "
                "Maybe let the hypervisor throttle it.",
            )

    def _stat(self, at: int, volume_id: str) -> os.stat_result | None:
        try:
            found = os.stat(volume_id, dir_fd=at, follow_symlinks=False)
        except FileNotFoundError:
            return None
        if not stat.S_ISREG(found.st_mode):
            raise DriverError(ErrorCode.CONFLICT, f"{self.path(volume_id)} is not a regular file.")
        return found


def _backing_file(name: str, found: os.stat_result, ours: bool) -> BackingFile:
    return BackingFile(ascii(name)[1:-1], found.st_size, found.st_blocks * _BLOCK_BYTES, found.st_nlink, ours)

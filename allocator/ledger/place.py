"""Where a SQLite ledger lies: whether a file can be kept there, and whose turn it is to write it."""

from __future__ import annotations

import fcntl
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from allocator.ledger.errors import LedgerDamaged, LedgerError, LedgerLocked, LedgerReadOnly, NotALedger

WAIT_SECONDS: Final = 30
"""How long a write waits for other processes."""
_LOCK: Final = ".lock"
_NETWORK_FILESYSTEMS: Final = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "ceph", "afs", "fuse.sshfs"})


def check_place(path: Path, mounts: str | None = None) -> None:
    """Check that a ledger can be kept at `path`, absolute and without links, and touch nothing there.

    `mounts` is the text of /proc/self/mounts; None reads it. Raises LedgerReadOnly where the directory or the
    file cannot be written, NotALedger where something else than a file lies there, LedgerDamaged for an empty
    file, LedgerError where the directory is missing or lies on a network filesystem, whose locks do not hold.
    """
    directory = path.parent
    if not directory.is_dir():
        raise LedgerError(f"Ledger {path}: there is no directory {directory}. Maybe create it first.")
    filesystem = _filesystem(directory, _mounts() if mounts is None else mounts)
    if filesystem in _NETWORK_FILESYSTEMS:
        raise LedgerError(
            f"Ledger {path} lies on {filesystem}, where SQLite's locks do not hold. "
            "Maybe keep it on a local disk, or use PostgreSQL by URL."
        )
    if not os.access(directory, os.W_OK | os.X_OK):
        raise LedgerReadOnly(f"Ledger {path}: directory {directory} cannot be written. Maybe another user owns it.")
    if path.exists():
        _check_file(path)


def _check_file(path: Path) -> None:
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise NotALedger(f"Ledger {path} is not a regular file. Maybe the path is mistyped.")
    if not os.access(path, os.R_OK | os.W_OK):
        raise LedgerReadOnly(f"Ledger {path} cannot be read and written. Maybe another user owns it.")
    if found.st_size == 0:
        raise LedgerDamaged(
            f"Ledger {path} is empty: no ledger is made empty, so it was cut short or is something else. "
            "Maybe restore it, or remove it to begin a new one."
        )


def _mounts() -> str:
    try:
        return Path("/proc/self/mounts").read_text(errors="replace")
    except OSError:
        return ""


def _filesystem(directory: Path, mounts: str) -> str | None:
    """The type of the filesystem that holds a directory: that of the longest mount point above it."""
    above = {str(place) for place in (directory, *directory.parents)}
    found: dict[str, str] = {}
    for line in mounts.splitlines():
        _, point, kind, *_ = line.split(" ")
        found[point.replace("\\040", " ")] = kind
    return found[max(above & found.keys(), key=len)] if above & found.keys() else None


def lock_beside(path: Path) -> Path:
    """The file by which the writers of a ledger wait in line."""
    return path.with_name(f"{path.name}{_LOCK}")


def file_beside(lock: Path) -> os.stat_result | None:
    """The ledger's file, as it is found beside its lock now; None: there is none."""
    try:
        return os.stat(os.fspath(lock).removesuffix(_LOCK))
    except OSError:
        return None


@contextmanager
def turn(lock: Path, opened: os.stat_result | None = None) -> Iterator[None]:
    """Hold the lock file beside a ledger: writers then wait in line.

    SQLite alone lets them poll, and under load one may not get through for seconds. Raises LedgerReadOnly where there
    can be no lock file, LedgerLocked after WAIT_SECONDS, and LedgerError where the file that was `opened` is there no
    longer, since what is written to it would be lost. SQLite's own locks keep the ledger whole, this one is fair.
    """
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise LedgerReadOnly(
            f"Ledger {lock.with_suffix('')}: its lock file {lock.name} cannot be opened: {error.strerror}. "
            "Maybe another user owns it, its directory was moved, or something else has that name."
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        _wait(descriptor, lock)
    try:
        if opened is not None:
            _check_same(lock, opened)
        yield
    finally:
        os.close(descriptor)


def _check_same(lock: Path, opened: os.stat_result) -> None:
    found = file_beside(lock)
    if found is None or not os.path.samestat(found, opened):
        there = "is not there any more" if found is None else "is another file than was opened"
        raise LedgerError(
            f"Ledger {lock.with_suffix('')} {there}. Maybe it was moved, removed or restored meanwhile: open it again."
        )


def _wait(descriptor: int, lock: Path) -> None:
    """Wait in line in a thread of its own, since flock knows no time limit; the last to leave closes."""
    both = threading.Lock()
    held = threading.Event()
    arrived = given_up = False

    def stand_in_line() -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with both:
            held.set()
            if given_up:
                os.close(descriptor)

    threading.Thread(target=stand_in_line, daemon=True).start()
    try:
        arrived = held.wait(WAIT_SECONDS)
    finally:
        with both:
            given_up = not arrived
            if given_up and held.is_set():
                os.close(descriptor)
    if given_up:
        raise LedgerLocked(
            f"{lock} has been held by another process for more than {WAIT_SECONDS} s. "
            f"Maybe see who holds it with `fuser {lock}`."
        )

"""What a ledger lives through: it says clearly what is wrong, has lost nothing, and goes on once that is mended."""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest

from allocator.ledger import Ledger, LedgerError, LedgerReadOnly
from tests.ledger.plans import placing

SMALL_BYTES = 1024 * 1024


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A filesystem of one MiB."""
    if os.geteuid() != 0:
        pytest.skip("Only root may mount a small tmpfs; the limit of a file's size is tested without.")
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL_BYTES}", "tmpfs", str(place)], check=False)
    if mounted.returncode:
        pytest.skip("No tmpfs can be mounted here, as in most containers; the limit of a file's size is tested.")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(place: Path) -> Path:
    """A file that takes all the space there is."""
    filler = place / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return filler


def reserve_until_it_breaks(ledger: Ledger) -> tuple[list[str], str]:
    """The names that were reserved before the ledger complained, and of what."""
    names = [stored.name for stored in ledger.volumes()]
    for number in range(len(names), 10_000):
        try:
            ledger.reserve(placing(f"v{number:04}"), seen=ledger.changes())
        except LedgerError as error:
            return names, str(error)
        names.append(f"v{number:04}")
    raise AssertionError("It never broke.")


def rows_of(ledger: Ledger) -> dict[str, list[Mapping[str, object]]]:
    with ledger.whole() as whole:
        return {name: list(rows) for name, rows in whole.tables}


def test_a_full_disk_loses_nothing(small: Path) -> None:
    """The main file stays byte for byte; all that was acknowledged is there, and the same ledger goes on."""
    path = small / "ledger.db"
    with closing(Ledger.open(f"sqlite:///{path}")) as ledger:
        ledger.reserve(placing("v0000"), seen=0)
        filler = fill(small)
        before = path.read_bytes()
        names, complaint = reserve_until_it_breaks(ledger)
        assert complaint == f"Ledger {path} cannot grow: the disk is full. Maybe free some space."
        assert path.read_bytes() == before
        assert [stored.name for stored in ledger.volumes()] == names
        assert sorted(str(plan.volumes[0]["name"]) for plan in ledger.unfinished()) == names
        told = rows_of(ledger)
        filler.unlink()
        assert rows_of(ledger) == told
        assert ledger.reserve(placing("after"), seen=ledger.changes())
    with closing(Ledger.open(f"sqlite:///{path}")) as again:
        assert [stored.name for stored in again.volumes()] == sorted([*names, "after"])


def test_a_full_disk_is_told_when_a_ledger_is_made(small: Path) -> None:
    """And nothing is left of it."""
    filler = fill(small)
    with pytest.raises(LedgerError, match=re.escape(f"Ledger {small}/ledger.db ")) as caught:
        Ledger.open(f"sqlite:///{small}/ledger.db")
    assert " Maybe " in str(caught.value)
    assert {path.name for path in small.iterdir()} <= {"filler", "ledger.db.lock"}
    filler.unlink()
    Ledger.open(f"sqlite:///{small}/ledger.db").close()


def test_a_full_disk_is_told_when_a_ledger_is_opened(small: Path) -> None:
    """Its readers too need some space for the index of the log; what is there stays as it is."""
    path = small / "ledger.db"
    with closing(Ledger.open(f"sqlite:///{path}")) as ledger:
        ledger.reserve(placing("v0000"), seen=0)
    filler, before = fill(small), path.read_bytes()
    with pytest.raises(LedgerError, match=re.escape(f"Ledger {path} ")):
        Ledger.open(f"sqlite:///{path}", make=False).reserve(placing("w"), seen=1)
    assert path.read_bytes() == before
    filler.unlink()
    with closing(Ledger.open(f"sqlite:///{path}")) as ledger:
        assert [stored.name for stored in ledger.volumes()] == ["v0000"]


def test_a_filesystem_that_became_read_only(small: Path) -> None:
    path = small / "ledger.db"
    Ledger.open(f"sqlite:///{path}").close()
    before = path.read_bytes()
    subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)
    with pytest.raises(LedgerReadOnly, match=re.escape(f"Ledger {path}: directory {small} cannot be written. Maybe")):
        Ledger.open(f"sqlite:///{path}")
    subprocess.run(["mount", "-o", "remount,rw", str(small)], check=True)
    assert path.read_bytes() == before
    Ledger.open(f"sqlite:///{path}").close()


def test_a_file_that_may_not_grow(tmp_path: Path) -> None:
    """As a user's quota would have it, for everybody and not only root: the write is refused, and goes on later."""
    path = tmp_path / "ledger.db"
    with closing(Ledger.open(f"sqlite:///{path}")) as ledger:
        ledger.reserve(placing("v0000"), seen=0)
        before, usual = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
        largest = max(file.stat().st_size for file in tmp_path.iterdir())
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest + 32 * 1024, usual[1]))
        try:
            names, complaint = reserve_until_it_breaks(ledger)
            assert complaint == (
                f"Ledger {path} cannot be read or written. Maybe its disk fails, or no file may grow so far."
            )
            assert path.read_bytes() == before
            assert [stored.name for stored in ledger.volumes()] == names
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, usual)
        assert ledger.reserve(placing("after"), seen=ledger.changes())
        assert [stored.name for stored in ledger.volumes()] == sorted([*names, "after"])


def test_a_directory_that_vanished(tmp_path: Path) -> None:
    """Nothing is written to a file that nobody will find; when the directory is back, the same ledger goes on."""
    home, away = tmp_path / "home", tmp_path / "away"
    home.mkdir()
    with closing(Ledger.open(f"sqlite:///{home}/ledger.db")) as ledger:
        ledger.reserve(placing("v"), seen=0)
        home.rename(away)
        with pytest.raises(LedgerError, match=r"its lock file ledger\.db\.lock cannot be opened: No such") as caught:
            ledger.reserve(placing("w"), seen=1)
        assert f"Ledger {home}/ledger.db: " in str(caught.value)
        assert "its directory was moved" in str(caught.value)
        with pytest.raises(LedgerError, match=re.escape(f"no directory {home}. Maybe create it first.")):
            Ledger.open(f"sqlite:///{home}/ledger.db")
        away.rename(home)
        assert ledger.reserve(placing("w"), seen=1)
    with closing(Ledger.open(f"sqlite:///{home}/ledger.db")) as again:
        assert [stored.name for stored in again.volumes()] == ["v", "w"]


@pytest.mark.parametrize("instead", ["nothing", "a copy"])
def test_a_file_that_was_replaced_under_an_open_ledger(tmp_path: Path, instead: str) -> None:
    """A commit to a file that was removed would be lost without a word."""
    path = tmp_path / "ledger.db"
    with closing(Ledger.open(f"sqlite:///{path}")) as ledger:
        ledger.reserve(placing("v"), seen=0)
        path.rename(tmp_path / "moved")
        if instead == "a copy":
            shutil.copy(tmp_path / "moved", path)
        words = "is another file than was opened" if instead == "a copy" else "is not there any more"
        with pytest.raises(LedgerError, match=re.escape(f"Ledger {path} {words}. Maybe it was moved, removed or")):
            ledger.reserve(placing("w"), seen=1)
        path.unlink(missing_ok=True)
        (tmp_path / "moved").rename(path)
        assert ledger.reserve(placing("w"), seen=1)


@pytest.mark.parametrize("kind", ["directory", "link"])
def test_a_lock_file_that_cannot_be_made(tmp_path: Path, kind: str) -> None:
    """A directory of that name, or a link to where somebody else's file would be opened."""
    path, lock = tmp_path / "ledger.db", tmp_path / "ledger.db.lock"
    Ledger.open(f"sqlite:///{path}").close()
    before = path.read_bytes()
    lock.unlink()
    if kind == "directory":
        lock.mkdir()
    else:
        lock.symlink_to(tmp_path / "elsewhere")
    with closing(Ledger.open(f"sqlite:///{path}")) as ledger:
        with pytest.raises(LedgerReadOnly, match=r"its lock file ledger\.db\.lock cannot be opened: ") as caught:
            ledger.reserve(placing("v"), seen=0)
        assert "or something else has that name." in str(caught.value)
        assert path.read_bytes() == before
        assert not (tmp_path / "elsewhere").exists()
        lock.rmdir() if kind == "directory" else lock.unlink()
        assert ledger.reserve(placing("v"), seen=0)

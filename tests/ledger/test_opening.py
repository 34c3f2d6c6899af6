"""What may be opened as a ledger, and what is refused and left exactly as it was."""

from __future__ import annotations

import hashlib
import os
import pickle
import sqlite3
import stat
import subprocess
import sys
import traceback
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import gettempdir

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect

from allocator.ledger import (
    Ledger,
    LedgerDamaged,
    LedgerError,
    LedgerReadOnly,
    NewerSchema,
    NotALedger,
    migrations,
)
from allocator.ledger.naming import USUAL
from allocator.ledger.place import check_place
from allocator.ledger.schema import migrate
from allocator.ledger.sqlite import SqliteStore
from allocator.ledger.tables import METADATA, SCHEMA
from tests.ledger.plans import placing

NOBODY = 65534


def made(path: Path) -> Path:
    """A ledger with one volume, closed."""
    ledger = Ledger.open(f"sqlite:///{path}")
    ledger.reserve(placing("v"), seen=0)
    ledger.close()
    return path


def digest(directory: Path) -> dict[str, str]:
    """Every file there but the one by which writers wait in line, with its content."""
    files = (path for path in directory.iterdir() if path.suffix != ".lock")
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def refused(path: Path, kind: type[LedgerError], words: str) -> None:
    """Opening fails with these words, says what might help, and changes nothing."""
    before = digest(path.parent)
    with pytest.raises(kind, match=words) as caught:
        Ledger.open(f"sqlite:///{path}")
    assert " Maybe " in str(caught.value)
    assert str(path) in str(caught.value)
    assert digest(path.parent) == before


def as_nobody(act: Callable[[], object]) -> object:
    """The result of `act`, or the exception it raises, in a process that may write nothing of root's."""
    if os.geteuid() != 0:
        return act()
    reading, writing = os.pipe()
    if os.fork() == 0:
        try:
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            try:
                result = act()
            except LedgerError as error:
                result = error
            os.write(writing, pickle.dumps(result))
        except BaseException:
            traceback.print_exc(file=sys.__stderr__)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        result = pickle.loads(pipe.read())
    os.wait()
    return result


def test_a_ledger_is_made_private_and_opened_again(tmp_path: Path) -> None:
    path = made(tmp_path / "ledger.db")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with closing(Ledger.open(f"sqlite:///{path}")) as ledger:
        assert [(stored.name, stored.state) for stored in ledger.volumes()] == [("v", "reserved")]
        assert {stat.S_IMODE(other.stat().st_mode) for other in tmp_path.iterdir()} == {0o600}
    assert sorted(file.name for file in tmp_path.iterdir()) == ["ledger.db", "ledger.db.lock"]


def test_it_writes_ahead_and_to_the_disk(tmp_path: Path) -> None:
    path = made(tmp_path / "ledger.db")
    store = SqliteStore.of_file(path, None)
    with store.writing() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    store.close()


def test_a_write_locks_at_once(tmp_path: Path) -> None:
    """Also against a writer that does not wait in line: before the first statement, not at a change."""
    path = made(tmp_path / "ledger.db")
    store = SqliteStore.of_file(path, None)
    refusing = pytest.raises(sqlite3.OperationalError, match="database is locked")
    with closing(sqlite3.connect(path, timeout=0)) as other, store.writing(), refusing:
        other.execute("BEGIN IMMEDIATE")
    store.close()


def test_a_restored_copy_writes_ahead_again(tmp_path: Path) -> None:
    with closing(sqlite3.connect(made(tmp_path / "ledger.db"))) as found:
        found.execute(f"VACUUM INTO '{tmp_path}/copy.db'")
    Ledger.open(f"sqlite:///{tmp_path}/copy.db").close()
    with closing(sqlite3.connect(tmp_path / "copy.db")) as found:
        assert found.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_opening_an_existing_ledger_loads_no_alembic(tmp_path: Path) -> None:
    path = made(tmp_path / "ledger.db")
    code = (
        "import sys; from allocator.ledger import Ledger; "
        f"Ledger.open('sqlite:///{path}').close(); print('alembic' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "False\n"


def test_other_files_are_refused(tmp_path: Path) -> None:
    garbage = tmp_path / "a" / "notes.txt"
    garbage.parent.mkdir()
    garbage.write_text("no database at all, but longer than a header of a hundred bytes would be. " * 20)
    refused(garbage, NotALedger, "is not an SQLite file")
    short = tmp_path / "b" / "short"
    short.parent.mkdir()
    short.write_text("short")
    refused(short, NotALedger, "is not an SQLite file")
    foreign = tmp_path / "c" / "app.db"
    foreign.parent.mkdir()
    with closing(sqlite3.connect(foreign)) as other:
        other.execute("create table customers (name text)")
    refused(foreign, NotALedger, r"holds other tables \(customers\)")


def test_a_ledger_cut_short_is_refused(tmp_path: Path) -> None:
    path = made(tmp_path / "ledger.db")
    whole = path.read_bytes()
    for kept in (len(whole) // 2, 4096, 1000):
        path.write_bytes(whole[:kept])
        refused(path, LedgerDamaged, "is damaged or cut short")
    path.write_bytes(b"")
    refused(path, LedgerDamaged, "is empty")


def test_what_breaks_later_is_told_as_well(tmp_path: Path) -> None:
    ledger = Ledger.open(f"sqlite:///{made(tmp_path / 'ledger.db')}")
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as other:
        other.execute("drop table allocator_meta")
    for ask in (ledger.changes, ledger.facts):
        with pytest.raises(LedgerError, match=r"cannot be used: no such table: allocator_meta\. Maybe look there"):
            ask()
    ledger.close()


def test_a_newer_ledger_is_refused(tmp_path: Path) -> None:
    path = made(tmp_path / "ledger.db")
    for version, kind, words in (
        ("9999", NewerSchema, f"has schema 9999; this code knows up to {SCHEMA}"),
        ("abc", NotALedger, "no known schema version"),
    ):
        with closing(sqlite3.connect(path)) as found:
            found.execute(f"update {USUAL.version_table} set version_num = '{version}'")
            found.commit()
        refused(path, kind, words)


def test_what_cannot_even_be_looked_at_is_refused(tmp_path: Path) -> None:
    """A ledger in a directory that is closed to this user."""
    path = made(tmp_path / "ledger.db")
    tmp_path.chmod(0o700)
    error = as_nobody(lambda: Ledger.open(f"sqlite:///{path}").close())
    if os.geteuid() == 0:
        assert isinstance(error, LedgerReadOnly)
        assert f"{path} cannot be reached" in str(error)


def test_what_cannot_be_written_is_refused(tmp_path: Path) -> None:
    """A directory and a file of somebody else's, as a user who may read them only."""
    path = made(tmp_path / "ledger.db")
    path.chmod(0o644)
    for above in (tmp_path, *tmp_path.parents):
        if above.is_relative_to(gettempdir()) and above != Path(gettempdir()):
            above.chmod(0o755)
    tmp_path.chmod(0o555)
    before = digest(tmp_path)
    error = as_nobody(lambda: Ledger.open(f"sqlite:///{path}").close())
    assert isinstance(error, LedgerReadOnly)
    assert f"directory {tmp_path} cannot be written" in str(error)
    error = as_nobody(lambda: Ledger.open(f"sqlite:///{tmp_path}/new.db").close())
    assert isinstance(error, LedgerReadOnly)
    assert "Maybe another user owns it." in str(error)
    tmp_path.chmod(0o777)
    path.chmod(0o444)
    error = as_nobody(lambda: Ledger.open(f"sqlite:///{path}").close())
    assert isinstance(error, LedgerReadOnly)
    assert "cannot be read and written" in str(error)
    assert digest(tmp_path) == before


def test_places_where_no_ledger_can_lie(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="there is no directory"):
        Ledger.open(f"sqlite:///{tmp_path}/missing/ledger.db")
    (tmp_path / "dir").mkdir()
    with pytest.raises(NotALedger, match="is not a regular file"):
        Ledger.open(f"sqlite:///{tmp_path}/dir")
    mounts = f"/dev/sda / ext4 rw 0 0\nserver:/vol {tmp_path} nfs4 rw 0 0\n"
    with pytest.raises(LedgerError, match="lies on nfs4, where SQLite's locks do not hold"):
        check_place(tmp_path / "ledger.db", mounts)
    check_place(tmp_path / "ledger.db", f"server:/vol / nfs4 rw 0 0\n/dev/sda {tmp_path} ext4 rw 0 0\n")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite:///file:x?uri=true", "names no file"),
        ("no url", "cannot be used"),
        ("nosuchdb://host/db", "kept in SQLite or PostgreSQL, not in nosuchdb"),
    ],
)
def test_other_urls_are_refused(url: str, words: str) -> None:
    with pytest.raises(LedgerError, match=words) as caught:
        Ledger.open(url)
    assert "Maybe write sqlite:///ledger.db." in str(caught.value)


def test_a_password_is_not_told() -> None:
    with pytest.raises(LedgerError) as caught:
        Ledger.open("nosuchdb://user:hunter2@host/db")
    assert "hunter2" not in str(caught.value)


def test_the_migrations_make_the_tables_that_the_code_knows(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{made(tmp_path / 'ledger.db')}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": USUAL.version_table})
        assert compare_metadata(context, METADATA) == []
    engine.dispose()
    assert ScriptDirectory(str(Path(migrations.__file__).parent)).get_current_head() == SCHEMA


def test_a_migration_is_all_or_nothing(tmp_path: Path) -> None:
    store = SqliteStore.of_file(tmp_path / "half.db", None)

    def interrupted() -> None:
        with store.upgrading() as connection:
            migrate(connection, USUAL)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert inspect(store.engine).get_table_names() == []
    store.close()


def test_a_half_made_ledger_is_made_anew(tmp_path: Path) -> None:
    """What a crash left of the making is never taken for a ledger."""
    (tmp_path / "ledger.db.new").write_bytes(b"half")
    (tmp_path / "ledger.db.new-wal").write_bytes(b"half")
    made(tmp_path / "ledger.db")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ledger.db", "ledger.db.lock"]


def test_it_lives_in_the_database_of_the_program_that_embeds_it(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/app.db")
    with engine.begin() as connection:
        connection.exec_driver_sql("create table customers (name text)")
    ledger = Ledger.open("the app's ledger", engine=engine)
    ledger.reserve(placing("v"), seen=0)
    assert ([stored.name for stored in ledger.volumes()], ledger.changes()) == (["v"], 1)
    with engine.begin() as connection:
        connection.exec_driver_sql("insert into customers values ('acme')")
    names = inspect(engine).get_table_names()
    assert {name for name in names if not name.startswith("allocator_")} == {"customers"}
    engine.dispose()

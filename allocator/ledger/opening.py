"""From a URL, or from an engine that another program lends, to a store that holds a ledger of our version."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from allocator.ledger.errors import LedgerError, LedgerReadOnly
from allocator.ledger.place import check_place, lock_beside, turn
from allocator.ledger.postgres import PostgresStore
from allocator.ledger.schema import bring_up_to_date
from allocator.ledger.sqlite import SqliteStore
from allocator.ledger.store import Store


def open_store(url: str) -> Store:
    """The ledger at a URL, made where there is none; in a server's database it may lie beside other tables.

    Raises LedgerError, and has then changed nothing.
    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            file = _store_of(_path(parsed))
            _check(file, shared=False, ours=True)
            file.log_ahead()
            return file
        _check_kind(parsed)
        store = PostgresStore.of_url(parsed)
    except (ArgumentError, NoSuchModuleError) as error:
        raise LedgerError(f"The ledger's URL cannot be used: {error}. Maybe write sqlite:///ledger.db.") from None
    except ModuleNotFoundError as error:
        raise LedgerError(
            f"The ledger's database needs a driver: {error}. Maybe `pip install volume-allocator[postgres]`."
        ) from None
    _check(store, shared=True, ours=True)
    return store


def lent_store(engine: Engine, name: str) -> Store:
    """The ledger in another program's database; writers of a SQLite file still wait in line. Raises LedgerError."""
    if engine.dialect.name == "postgresql":
        store: Store = PostgresStore(engine, name)
    else:
        _check_kind(engine.url)
        database = engine.url.database
        on_file = database not in (None, "", ":memory:")
        store = SqliteStore(engine, name, lock_beside(Path(str(database)).resolve()) if on_file else None)
    _check(store, shared=True, ours=False)
    return store


def _check_kind(url: URL) -> None:
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise LedgerError(
            f"A ledger is kept in SQLite or PostgreSQL, not in {url.get_backend_name()}. "
            "Maybe write sqlite:///ledger.db."
        )


def _check(store: Store, *, shared: bool, ours: bool) -> None:
    try:
        bring_up_to_date(store, shared=shared)
    except BaseException:
        if ours:
            store.close()
        raise


def _path(url: URL) -> Path:
    if url.database in (None, "", ":memory:") or str(url.database).startswith("file:") or url.query:
        raise LedgerError(f"{url.render_as_string()} names no file. Maybe write sqlite:///ledger.db.")
    return Path(str(url.database)).resolve()


def _store_of(path: Path) -> SqliteStore:
    check_place(path)
    if not path.exists():
        try:
            with turn(lock_beside(path)):
                _make(path)
        except OSError as error:
            raise LedgerReadOnly(f"Ledger {path} cannot be made: {error}. Maybe choose another place.") from error
    return SqliteStore.of_file(path, lock_beside(path))


def _make(path: Path) -> None:
    """Make a whole ledger under another name and move it into place: there is never half of one."""
    if path.exists():
        return
    fresh = path.with_name(f"{path.name}.new")
    for leftover in ("", "-wal", "-shm", "-journal"):
        Path(f"{fresh}{leftover}").unlink(missing_ok=True)
    os.close(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_WRONLY, 0o600))
    store = SqliteStore.of_file(fresh, lock=None)
    try:
        store.log_ahead()
        bring_up_to_date(store, shared=False)
    finally:
        store.close()
    fresh.rename(path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)

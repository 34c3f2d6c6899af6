"""From a URL, or from an engine that another program lends, to a store that holds a ledger of our version."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple, TypedDict

from sqlalchemy import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from allocator.ledger.errors import LedgerError, LedgerReadOnly, NoLedger
from allocator.ledger.naming import USUAL, Naming
from allocator.ledger.place import check_place, lock_beside, turn
from allocator.ledger.postgres import PostgresStore
from allocator.ledger.schema import Origin, bring_up_to_date, found_version
from allocator.ledger.sqlite import SqliteStore
from allocator.ledger.store import Store


class Opening(TypedDict, total=False):
    """How a ledger is opened: what `Ledger.open` takes beside a URL."""

    engine: Engine | None
    prefix: str
    schema: str | None
    make: bool
    actor: str | None
    hold_seconds: int | None


class Opened(NamedTuple):
    """A store with a ledger of our version, and how that came to be."""

    store: Store
    origin: Origin


class _Reached(NamedTuple):
    """A store, with or without a ledger; `shared`: other tables may lie in its database."""

    store: Store
    shared: bool
    made: bool = False


def open_store(url: str, engine: Engine | None = None, naming: Naming = USUAL, *, make: bool) -> Opened:
    """The ledger at a URL, or in an engine that was lent; with `make` it is made or upgraded where that is needed.

    On a server, in an engine that was lent or with a prefix of its own it may lie beside other tables.
    Raises LedgerError, and has then changed nothing.
    """
    reached = _reach(url, engine, naming, make=make)
    try:
        origin = bring_up_to_date(reached.store, shared=reached.shared, make=make)
        if isinstance(reached.store, SqliteStore) and not reached.shared:
            reached.store.log_ahead()
    except BaseException:
        reached.store.close()
        raise
    return Opened(reached.store, "made" if reached.made else origin)


def version_at(url: str, engine: Engine | None = None, naming: Naming = USUAL) -> str | None:
    """The schema's version there, None where there is no ledger; nothing is changed. Raises LedgerError."""
    reached = _reach(url, engine, naming, make=False)
    try:
        return found_version(reached.store, shared=reached.shared)
    finally:
        reached.store.close()


def _reach(url: str, engine: Engine | None, naming: Naming, *, make: bool) -> _Reached:
    if engine is not None:
        return _Reached(_lent(engine, url, naming), shared=True)
    try:
        parsed, stated = Naming.stated(make_url(url))
        naming = stated if naming == USUAL else naming
        if parsed.get_backend_name() == "sqlite":
            return _file(_path(parsed), naming, make=make)
        _check_kind(parsed)
        return _Reached(PostgresStore.of_url(parsed, naming), shared=True)
    except (ArgumentError, NoSuchModuleError) as error:
        raise LedgerError(f"The ledger's URL cannot be used: {error}. Maybe write sqlite:///ledger.db.") from None
    except ModuleNotFoundError as error:
        raise LedgerError(
            f"The ledger's database needs a driver: {error}. Maybe `pip install volume-allocator[postgres]`."
        ) from None


def _lent(engine: Engine, name: str, naming: Naming) -> Store:
    """Writers of a SQLite file wait in line also where it is another program's."""
    if engine.dialect.name == "postgresql":
        return PostgresStore(engine, name, naming, lent=True)
    _check_kind(engine.url)
    database = engine.url.database
    on_file = database not in (None, "", ":memory:")
    lock = lock_beside(Path(str(database)).resolve()) if on_file else None
    return SqliteStore(engine, name, lock, naming, lent=True)


def _check_kind(url: URL) -> None:
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise LedgerError(
            f"A ledger is kept in SQLite or PostgreSQL, not in {url.get_backend_name()}. "
            "Maybe write sqlite:///ledger.db."
        )


def _path(url: URL) -> Path:
    if url.database in (None, "", ":memory:") or str(url.database).startswith("file:") or url.query:
        raise LedgerError(f"{url.render_as_string()} names no file. Maybe write sqlite:///ledger.db.")
    return Path(str(url.database)).resolve()


def _file(path: Path, naming: Naming, *, make: bool) -> _Reached:
    made = False
    try:
        there = path.exists()
    except PermissionError as error:
        raise LedgerReadOnly(
            f"The ledger {path} cannot be reached: {error.strerror}. Maybe another user owns its directory."
        ) from None
    if not there and not make:
        nor = "" if path.parent.is_dir() else f", nor a directory {path.parent}"
        raise NoLedger(
            f"There is no ledger {path}{nor}. Maybe the path is mistyped, or make one with `allocator ledger init`."
        )
    check_place(path)
    if not path.exists():
        try:
            with turn(lock_beside(path)):
                made = _make(path, naming)
        except OSError as error:
            raise LedgerReadOnly(f"Ledger {path} cannot be made: {error}. Maybe choose another place.") from error
    return _Reached(SqliteStore.of_file(path, lock_beside(path), naming), naming != USUAL, made)


def _make(path: Path, naming: Naming) -> bool:
    """Make a whole ledger under another name and move it into place: there is never half of one.

    False where somebody else was first.
    """
    if path.exists():
        return False
    fresh = path.with_name(f"{path.name}.new")
    _clear(fresh)
    os.close(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_WRONLY, 0o600))
    store = SqliteStore.of_file(fresh, None, naming)
    store.name = naming.label(str(path))
    try:
        store.log_ahead()
        bring_up_to_date(store, shared=False, make=True)
    except BaseException:
        store.close()
        _clear(fresh)
        raise
    store.close()
    fresh.rename(path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
    return True


def _clear(fresh: Path) -> None:
    """Take away what is left of a ledger that was being made."""
    for leftover in ("", "-wal", "-shm", "-journal"):
        Path(f"{fresh}{leftover}").unlink(missing_ok=True)

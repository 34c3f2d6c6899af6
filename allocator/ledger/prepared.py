"""Statements of SQLAlchemy that are put into the database's words once, and then go to its driver by themselves.

A reservation runs eight of them while others wait in line. SQLAlchemy's own part of an execution takes several times
as long as SQLite's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import ClauseElement, Connection, Engine

Parameters = Mapping[str, object]


class Prepared:
    """One statement. What it finds comes as tuples, and as the driver gives it: no column is converted back.

    Errors are those of the driver, which `speaking` knows as well.
    """

    def __init__(self, statement: ClauseElement) -> None:
        self._statement = statement
        self._known: WeakKeyDictionary[Engine, tuple[str, Callable[[Parameters], Any]]] = WeakKeyDictionary()

    def rows(self, connection: Connection, parameters: Parameters | None = None) -> list[Any]:
        """What it finds."""
        found: list[Any] = self._run(connection, parameters or {}).fetchall()
        return found

    def run(self, connection: Connection, parameters: Parameters | None = None) -> None:
        """Execute it once, for its effect."""
        self._run(connection, parameters or {})

    def each(self, connection: Connection, rows: Iterable[Parameters]) -> None:
        """Execute it for each of the rows, for its effect."""
        text, form = self._made(connection)
        _cursor(connection).executemany(text, [form(row) for row in rows])

    def _run(self, connection: Connection, parameters: Parameters) -> Any:
        text, form = self._made(connection)
        cursor = _cursor(connection)
        cursor.execute(text, form(parameters))
        return cursor

    def _made(self, connection: Connection) -> tuple[str, Callable[[Parameters], Any]]:
        known = self._known.get(connection.engine)
        if known is None:
            known = self._known[connection.engine] = self._make(connection)
        return known

    def _make(self, connection: Connection) -> tuple[str, Callable[[Parameters], Any]]:
        """The text, as the listeners of this engine want it, and how the driver takes the parameters."""
        names: Any = connection.get_execution_options().get("schema_translate_map")
        compiled: Any = self._statement.compile(
            connection, schema_translate_map=names, render_schema_translate=names is not None
        )
        text = str(compiled)
        for listener in connection.dispatch.before_cursor_execute:
            text, _ = listener(connection, None, text, (), None, False)
        written = {name: bind.type.bind_processor(connection.dialect) for bind, name in compiled.bind_names.items()}
        fixed = {name: bind.value for bind, name in compiled.bind_names.items() if not bind.required}
        return text, _form(compiled.positiontup, written, fixed)


def together(connection: Connection) -> AbstractContextManager[object]:
    """What is executed for its effect within goes to the server in one piece, where the driver can do that."""
    driver: Any = connection.connection.driver_connection
    if not hasattr(driver, "pipeline"):
        return nullcontext()
    # Loaded already, since the connection is one of it.
    from psycopg import Pipeline

    # Its C library can since PostgreSQL 14.
    pieces: AbstractContextManager[object] = driver.pipeline() if Pipeline.is_supported() else nullcontext()
    return pieces


def _cursor(connection: Connection) -> Any:
    return connection.connection.cursor()


def _form(
    order: Sequence[str] | None,
    written: Mapping[str, Callable[[Any], Any] | None],
    fixed: Parameters,
) -> Callable[[Parameters], Any]:
    """From parameters by name to what the driver takes: a tuple in this order, or names if it goes by them."""
    names = tuple(written if order is None else order)
    writes = [(place, write) for place, name in enumerate(names) if (write := written[name]) is not None]

    def values(parameters: Parameters) -> list[Any]:
        given = {**fixed, **parameters} if fixed else parameters
        found = [given[name] for name in names]
        for place, write in writes:
            found[place] = write(found[place])
        return found

    if order is not None:
        return values
    return lambda parameters: dict(zip(names, values(parameters), strict=True))

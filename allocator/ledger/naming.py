"""Under which names a ledger's tables lie in its database, so that several ledgers can share one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import URL, Engine, event

from allocator.ledger.errors import LedgerError
from allocator.ledger.tables import PREFIX

_PREFIX: Final = re.compile(r"[a-z_][a-z0-9_]{0,23}")
"""Unquoted in SQL, and short enough for PostgreSQL's 63 characters with the longest name of ours behind it."""
_SCHEMA: Final = re.compile(r"[a-z_][a-z0-9_]{0,62}")


@dataclass(frozen=True, slots=True)
class Naming:
    """A prefix of every table, index and the like, and the schema of the database that they lie in (None: its own).

    Raises LedgerError for names that would need quotes.
    """

    prefix: str = PREFIX
    schema: str | None = None

    def __post_init__(self) -> None:
        for what, name, allowed in (("prefix", self.prefix, _PREFIX), ("schema", self.schema, _SCHEMA)):
            if name is not None and allowed.fullmatch(name) is None:
                raise LedgerError(
                    f"The ledger's {what} {name[:80]!r} is none: it may have small letters, digits and underscores, "
                    f"and no digit first. Maybe zone1_."
                )

    @classmethod
    def stated(cls, url: URL) -> tuple[URL, Naming]:
        """What a URL says after its question mark, `?prefix=zone1_&schema=storage`, and the URL without that."""
        said = {key: value for key, value in url.query.items() if key in ("prefix", "schema")}
        single = {key: value for key, value in said.items() if isinstance(value, str)}
        if single != said:
            raise LedgerError("The ledger's URL states a prefix or schema twice. Maybe keep one.")
        return url.difference_update_query(list(single)), cls(**single)

    def label(self, name: str) -> str:
        """The database's name, with what tells this ledger from others in it."""
        own = [] if self.schema is None else [f"schema {self.schema}"]
        own += [] if self.prefix == PREFIX else [f"tables {self.prefix}*"]
        return f"{name} ({', '.join(own)})" if own else name

    @property
    def version_table(self) -> str:
        """The table in which the schema's version stands."""
        return f"{self.prefix}version"

    def apply(self, engine: Engine) -> Engine:
        """The same engine as this ledger sees it: statements get the ledger's names on their way to the database."""
        if self.schema is not None:
            if engine.dialect.name == "sqlite":
                raise LedgerError("SQLite has no schemas. Maybe use a prefix.")
            engine = engine.execution_options(schema_translate_map={None: self.schema})
        if self.prefix == PREFIX:
            return engine
        own = engine.execution_options()

        # A listener of this view alone: the engine's other users do not meet it.
        @event.listens_for(own, "before_cursor_execute", retval=True)
        def rename(connection: Any, cursor: Any, text: str, parameters: Any, *_: Any) -> tuple[str, Any]:
            return self.renamed(text), parameters

        return own

    def renamed(self, text: str) -> str:
        """SQL with this prefix instead of the usual one. Values are no part of the text: they are bound.

        A name that has this prefix already keeps it: alembic reads some back from the database.
        """
        head, usual, tail = self.prefix.partition(PREFIX)
        before = f"(?<!{head})" if usual and head else ""
        after = f"(?!{tail})" if usual and tail else ""
        return re.sub(f"{before}{PREFIX}{after}", self.prefix, text)


USUAL: Final = Naming()

"""Is this a ledger, and of which version; makes the tables, and brings an older ledger up to date."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from sqlalchemy import Connection, func, inspect, select, table
from sqlalchemy.schema import CreateSchema
from sqlalchemy.sql import column

from allocator.ledger.errors import NewerSchema, NoLedger, NotALedger, OlderSchema
from allocator.ledger.naming import Naming
from allocator.ledger.store import Store
from allocator.ledger.tables import SCHEMA

if TYPE_CHECKING:
    from alembic.config import Config

Origin = Literal["found", "made", "upgraded"]
"""How a ledger came to be what it is when it was opened."""


@dataclass(frozen=True, slots=True)
class Migration:
    """A version of the schema, and what it brings."""

    version: str
    text: str


def bring_up_to_date(store: Store, *, shared: bool, make: bool) -> Origin:
    """Check the schema, and with `make` migrate where it is older or not there yet.

    `shared`: other tables beside ours are fine. Raises NotALedger, NewerSchema, NoLedger or OlderSchema, and has then
    changed nothing.
    """
    found = found_version(store, shared=shared)
    if found == SCHEMA:
        return "found"
    if not make:
        raise _missing(store, found)
    with store.upgrading() as connection:
        found = _version(store, connection, shared=shared)
        if found == SCHEMA:
            return "found"
        migrate(connection, store.naming)
    return "made" if found is None else "upgraded"


def found_version(store: Store, *, shared: bool) -> str | None:
    """The schema's version; None where there is none yet. Raises NotALedger, NewerSchema."""
    with store.reading() as connection:
        return _version(store, connection, shared=shared)


def migrate(connection: Connection, naming: Naming) -> None:
    """Run the migrations that are missing, within the transaction that is open."""
    from alembic import command

    if naming.schema is not None:
        if not inspect(connection).has_schema(naming.schema):
            connection.execute(CreateSchema(naming.schema))
        # Not all that alembic writes is translated as our statements are.
        connection.execute(select(func.set_config("search_path", naming.schema, True)))
    config = _configured()
    config.attributes |= {"connection": connection, "naming": naming}
    command.upgrade(config, "head")


def migrations(after: str | None) -> list[Migration]:
    """The versions that come after one, or all of them, in their order."""
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory.from_config(_configured()).walk_revisions()
    known = [Migration(script.revision, script.doc) for script in scripts]
    return [migration for migration in reversed(known) if after is None or migration.version > after]


def _configured() -> Config:
    # Imported here and above, since it costs 0.1 s that only a change of the schema is worth.
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "allocator.ledger:migrations")
    return config


def _missing(store: Store, found: str | None) -> NoLedger | OlderSchema:
    if found is None:
        return NoLedger(
            f"There is no ledger in {store.name}. Maybe the name is mistyped, or make one with `allocator ledger init`."
        )
    return OlderSchema(
        f"Ledger {store.name} has schema {found}, and this code works with {SCHEMA}. "
        "Maybe bring it up to date with `allocator ledger upgrade`."
    )


def _version(store: Store, connection: Connection, *, shared: bool) -> str | None:
    naming = store.naming
    names = inspect(connection).get_table_names(schema=naming.schema)
    if naming.version_table not in names:
        if names and not shared:
            raise NotALedger(
                f"{store.name} holds other tables ({', '.join(sorted(names)[:3])}) and no ledger. "
                "Maybe the path is mistyped."
            )
        return None
    versions = table(naming.version_table, schema=naming.schema)
    version = connection.execute(select(column("version_num")).select_from(versions)).scalar()
    if version is None or not str(version).isdigit():
        raise NotALedger(f"{store.name} has no known schema version ({version!r}). Maybe restore it from a copy.")
    if version > SCHEMA:
        raise NewerSchema(
            f"Ledger {store.name} has schema {version}; this code knows up to {SCHEMA}. Maybe upgrade this program."
        )
    return str(version)

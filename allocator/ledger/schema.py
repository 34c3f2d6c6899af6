"""Is this a ledger, and of which version; makes the tables, and brings an older ledger up to date."""

from __future__ import annotations

from sqlalchemy import Connection, inspect, select, table
from sqlalchemy.sql import column

from allocator.ledger.errors import NewerSchema, NotALedger
from allocator.ledger.store import Store
from allocator.ledger.tables import SCHEMA, VERSION_TABLE


def bring_up_to_date(store: Store, *, shared: bool) -> None:
    """Check the schema, and migrate where it is older or not there yet.

    `shared`: other tables beside ours are fine, since an embedding program lent its database. Raises
    NotALedger or NewerSchema, and has then changed nothing.
    """
    with store.reading() as connection:
        version = _version(store, connection, shared=shared)
    if version != SCHEMA:
        with store.upgrading() as connection:
            if _version(store, connection, shared=shared) != SCHEMA:
                migrate(connection)


def migrate(connection: Connection) -> None:
    """Run the migrations that are missing, within the transaction that is open."""
    # Imported here, since it costs 0.1 s that only a change of the schema is worth.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "allocator.ledger:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _version(store: Store, connection: Connection, *, shared: bool) -> str | None:
    """The schema's version; None where there is none yet."""
    names = inspect(connection).get_table_names()
    if VERSION_TABLE not in names:
        if names and not shared:
            raise NotALedger(
                f"{store.name} holds other tables ({', '.join(sorted(names)[:3])}) and no ledger. "
                "Maybe the path is mistyped."
            )
        return None
    version = connection.execute(select(column("version_num")).select_from(table(VERSION_TABLE))).scalar()
    if version is None or not str(version).isdigit():
        raise NotALedger(f"{store.name} has no known schema version ({version!r}). Maybe restore it from a copy.")
    if version > SCHEMA:
        raise NewerSchema(
            f"Ledger {store.name} has schema {version}; this code knows up to {SCHEMA}. Maybe upgrade this program."
        )
    return str(version)

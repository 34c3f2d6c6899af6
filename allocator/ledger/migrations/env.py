"""Runs the migrations on the connection that the ledger hands over, within its transaction."""

from __future__ import annotations

from alembic import context

from allocator.ledger.tables import METADATA, VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
    render_as_batch=True,
)
context.run_migrations()

"""Runs the migrations on the connection that the ledger hands over, within its transaction."""

from __future__ import annotations

from alembic import context

from allocator.ledger.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=context.config.attributes["naming"].version_table,
    version_table_schema=context.config.attributes["naming"].schema,
    render_as_batch=True,
)
context.run_migrations()

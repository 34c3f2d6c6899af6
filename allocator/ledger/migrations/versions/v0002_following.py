"""What each change wrote and took away, so that whoever has read the facts once need not read them all again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    with op.batch_alter_table("allocator_meta") as meta:
        meta.add_column(sa.Column("logged", sa.BigInteger, nullable=False, server_default="0"))
    with op.batch_alter_table("allocator_volume") as volume:
        volume.add_column(sa.Column("changed", sa.BigInteger, nullable=False, server_default="0"))
        volume.create_index("allocator_volume_changed", ["changed"])
    op.create_table(
        "allocator_removed",
        sa.Column("changed", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("name", sa.String(63), primary_key=True),
    )

"""Volumes on the move are there twice."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

NAME = sa.String(63)


def upgrade() -> None:
    with op.batch_alter_table("allocator_volume") as volume:
        volume.add_column(sa.Column("device_id", sa.String(20)))
    op.create_table(
        "allocator_copy",
        sa.Column("volume", NAME, sa.ForeignKey("allocator_volume.name"), primary_key=True),
        sa.Column("pool", NAME, nullable=False),
        sa.Column("volume_id", sa.String(20), nullable=False, unique=True),
        sa.Column("native_id", sa.Text),
        sa.Column("host", NAME),
        sa.Column("uri", sa.Text),
        sa.Column("address", sa.Text),
        sa.Column("iqn", sa.Text),
        sa.Column("chap_user", sa.Text),
    )

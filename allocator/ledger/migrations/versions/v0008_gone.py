"""Since when a volume is no longer on its pool."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    with op.batch_alter_table("allocator_volume") as volume:
        volume.add_column(sa.Column("gone_at", sa.BigInteger))

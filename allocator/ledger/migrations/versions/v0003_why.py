"""By which plan a thing came about, and what was weighed when it was decided."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    with op.batch_alter_table("allocator_event") as event:
        event.add_column(sa.Column("plan", sa.String(16)))
        event.add_column(sa.Column("details", sa.JSON(none_as_null=True)))

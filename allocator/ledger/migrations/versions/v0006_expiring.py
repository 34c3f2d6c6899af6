"""Which reservations nobody has begun to carry out is found without reading every plan there ever was."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    planned = sa.text("state = 'planned'")
    op.create_index(
        "allocator_plan_planned", "allocator_plan", ["lease_until"], sqlite_where=planned, postgresql_where=planned
    )

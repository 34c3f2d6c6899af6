"""Which pools had no space for a volume, and the plan as it is carried out since then."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    with op.batch_alter_table("allocator_step") as step:
        step.add_column(sa.Column("full", sa.JSON(none_as_null=True)))
    with op.batch_alter_table("allocator_plan") as plan:
        plan.add_column(sa.Column("revised", sa.JSON(none_as_null=True)))

"""When a call that failed is tried again, and why nobody goes on with a plan that is stuck."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    with op.batch_alter_table("allocator_step") as step:
        step.add_column(sa.Column("next_attempt_ms", sa.BigInteger))
        step.add_column(sa.Column("waiting_code", sa.String(32)))
        step.add_column(sa.Column("waiting_text", sa.Text))
    with op.batch_alter_table("allocator_plan") as plan:
        plan.add_column(sa.Column("reason", sa.Text))
    # It counted how often a step was begun.
    op.execute("update allocator_step set attempts = 0")

"""How many commits of the journal there are, so that one whose answer was lost is not written twice."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    with op.batch_alter_table("allocator_plan") as plan:
        plan.add_column(sa.Column("written", sa.BigInteger, nullable=False, server_default="0"))

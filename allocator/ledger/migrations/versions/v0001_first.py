"""The first schema."""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

NAME = sa.String(63)
PLAN_ID = sa.String(16)
DOCUMENT = sa.JSON(none_as_null=True)


def upgrade() -> None:
    meta = op.create_table(
        "allocator_meta",
        sa.Column(
            "id",
            sa.Integer,
            sa.CheckConstraint("id = 1", name="one_row"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("ledger", sa.String(36), nullable=False),
        sa.Column("changes", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(meta, [{"id": 1, "ledger": str(uuid.uuid4()), "changes": 0}])
    _volumes()
    _plans()
    _observed()


def _volumes() -> None:
    op.create_table(
        "allocator_volume",
        sa.Column("name", NAME, primary_key=True),
        sa.Column("volume_id", sa.String(20), nullable=False, unique=True),
        sa.Column("pool", NAME, nullable=False),
        sa.Column(
            "state",
            sa.String(16),
            sa.CheckConstraint("state IN ('reserved', 'creating', 'available', 'deleting')", name="known_state"),
            nullable=False,
        ),
        sa.Column("native_id", sa.Text),
        sa.Column("plan", PLAN_ID),
        sa.Column("document", DOCUMENT, nullable=False),
        sa.Column("earlier", DOCUMENT),
    )
    op.create_table(
        "allocator_access",
        sa.Column("volume", NAME, sa.ForeignKey("allocator_volume.name"), primary_key=True),
        sa.Column("host", NAME, primary_key=True),
        sa.Column("uri", sa.Text, nullable=False),
        sa.Column("address", sa.Text),
        sa.Column("iqn", sa.Text),
        sa.Column("chap_user", sa.Text),
    )
    op.create_table(
        "allocator_attachment",
        sa.Column("volume", NAME, sa.ForeignKey("allocator_volume.name"), primary_key=True),
        sa.Column("host", NAME, primary_key=True),
        sa.Column("device", sa.Text, nullable=False),
    )


def _plans() -> None:
    op.create_table(
        "allocator_plan",
        sa.Column("id", PLAN_ID, primary_key=True),
        sa.Column("run", sa.Integer, nullable=False),
        sa.Column("document", DOCUMENT, nullable=False),
        sa.Column(
            "state",
            sa.String(16),
            sa.CheckConstraint("state IN ('planned', 'running', 'done', 'failed', 'rolled_back')", name="known_state"),
            nullable=False,
        ),
        sa.Column("owner", sa.Text),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.Column("lease_until", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "allocator_step",
        sa.Column("plan", PLAN_ID, sa.ForeignKey("allocator_plan.id"), primary_key=True),
        sa.Column("run", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("volume", NAME, nullable=False),
        sa.Column("host", NAME),
        sa.Column(
            "state",
            sa.String(16),
            sa.CheckConstraint("state IN ('pending', 'intent', 'done', 'failed', 'undone')", name="known_state"),
            nullable=False,
        ),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("result", DOCUMENT),
        sa.Column("code", sa.String(32)),
        sa.Column("error", sa.Text),
    )


def _observed() -> None:
    op.create_table(
        "allocator_foreign_volume",
        sa.Column("pool", NAME, primary_key=True),
        sa.Column("name", NAME, primary_key=True),
        sa.Column("document", DOCUMENT, nullable=False),
    )
    op.create_table(
        "allocator_observation",
        sa.Column("pool", NAME, primary_key=True),
        sa.Column("used_bytes", sa.BigInteger),
        sa.Column("default_qos", DOCUMENT, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "allocator_event",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
    )
    op.create_index("allocator_event_subject", "allocator_event", ["subject", "seq"])

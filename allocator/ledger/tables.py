"""The tables, in the words of SQLAlchemy Core; `migrations` makes them.

Every table and index is named `allocator_*`, so that a ledger can live in the database of the program that embeds it;
`naming` gives them another prefix where that is wished.
Sizes and counters are BIGINT; times are whole seconds since 1970; documents are JSON text.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    text,
)

from allocator.ledger.texts import JsonText

SCHEMA: Final = "0010"
"""The newest migration; compared as text."""
PREFIX: Final = "allocator_"
NAME_LENGTH: Final = 63

METADATA: Final = MetaData()
_NAME: Final = String(NAME_LENGTH)
_PLAN_ID: Final = String(16)
_DOCUMENT: Final = JsonText()


def _one_of(column: str, *states: str) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({', '.join(repr(state) for state in states)})", name=f"known_{column}")


meta: Final = Table(
    "allocator_meta",
    METADATA,
    Column("id", Integer, CheckConstraint("id = 1", name="one_row"), primary_key=True, autoincrement=False),
    Column("ledger", String(36), nullable=False),
    Column("changes", BigInteger, nullable=False),
    Column("logged", BigInteger, nullable=False, server_default="0"),
)
"""`logged` are those of the changes that `volume.changed` and `removed` tell of; the rest must be read from nothing."""

volume: Final = Table(
    "allocator_volume",
    METADATA,
    Column("name", _NAME, primary_key=True),
    Column("volume_id", String(20), nullable=False, unique=True),
    Column("pool", _NAME, nullable=False),
    Column("state", String(16), _one_of("state", "reserved", "creating", "available", "deleting"), nullable=False),
    Column("native_id", Text),
    Column("device_id", String(20)),
    Column("plan", _PLAN_ID),
    Column("document", _DOCUMENT, nullable=False),
    Column("earlier", _DOCUMENT),
    Column("changed", BigInteger, nullable=False, server_default="0"),
    Column("gone_at", BigInteger),
    Index("allocator_volume_changed", "changed"),
)
"""`plan` is the unfinished plan that is changing the volume, `earlier` its document if that is undone.

`changed` is the number of the change that wrote the document; `gone_at` is when it was no longer found on its pool.
`device_id` is what hosts know the volume by, if that is not its `volume_id`: a volume that moved has another of these.
"""

copy: Final = Table(
    "allocator_copy",
    METADATA,
    Column("volume", _NAME, ForeignKey(volume.c.name), primary_key=True),
    Column("pool", _NAME, nullable=False),
    Column("volume_id", String(20), nullable=False, unique=True),
    Column("native_id", Text),
    Column("host", _NAME),
    Column("uri", Text),
    Column("address", Text),
    Column("iqn", Text),
    Column("chap_user", Text),
)
"""The other one of a volume on the move: at first where it goes to, after the switch where it was.

One host has access to it, which copies.
"""

removed: Final = Table(
    "allocator_removed",
    METADATA,
    Column("changed", BigInteger, primary_key=True, autoincrement=False),
    Column("name", _NAME, primary_key=True),
)
"""Volumes that went, and the change that took them away. Only of the last changes (`following.KEPT`)."""

access: Final = Table(
    "allocator_access",
    METADATA,
    Column("volume", _NAME, ForeignKey(volume.c.name), primary_key=True),
    Column("host", _NAME, primary_key=True),
    Column("uri", Text, nullable=False),
    Column("address", Text),
    Column("iqn", Text),
    Column("chap_user", Text),
)
"""Who was granted, and as whom: what a revoke must name, whatever the documents say by then."""

attachment: Final = Table(
    "allocator_attachment",
    METADATA,
    Column("volume", _NAME, ForeignKey(volume.c.name), primary_key=True),
    Column("host", _NAME, primary_key=True),
    Column("device", Text, nullable=False),
)

plan: Final = Table(
    "allocator_plan",
    METADATA,
    Column("id", _PLAN_ID, primary_key=True),
    Column("run", Integer, nullable=False),
    Column("document", _DOCUMENT, nullable=False),
    Column(
        "state",
        String(16),
        _one_of("state", "planned", "running", "done", "failed", "rolled_back"),
        nullable=False,
    ),
    Column("owner", Text),
    Column("fence", BigInteger, nullable=False),
    Column("lease_until", BigInteger, nullable=False),
    Column("reason", Text),
    Column("revised", _DOCUMENT),
    Column("written", BigInteger, nullable=False, server_default="0"),
    Index(
        "allocator_plan_planned",
        "lease_until",
        sqlite_where=text("state = 'planned'"),
        postgresql_where=text("state = 'planned'"),
    ),
)
"""A plan that nobody has begun holds what it reserved until `lease_until` (0: for ever). One that is stuck is
`running`, nobody's, and has a `reason`. `revised` is what is carried out instead of the document, once a pool had no
space; `written` counts the journal's commits under this fence."""

step: Final = Table(
    "allocator_step",
    METADATA,
    Column("plan", _PLAN_ID, ForeignKey(plan.c.id), primary_key=True),
    Column("run", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("kind", String(16), nullable=False),
    Column("volume", _NAME, nullable=False),
    Column("host", _NAME),
    Column("state", String(16), _one_of("state", "pending", "intent", "done", "failed", "undone"), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("result", _DOCUMENT),
    Column("code", String(32)),
    Column("error", Text),
    Column("next_attempt_ms", BigInteger),
    Column("waiting_code", String(32)),
    Column("waiting_text", Text),
    Column("full", _DOCUMENT),
)
"""`attempts` calls failed, the last one as `waiting_code` and `waiting_text` say; the next comes not before
`next_attempt_ms`, in milliseconds since 1970 by the database's clock. `full` are the pools that had no space for the
volume, and when they said so."""

foreign_volume: Final = Table(
    "allocator_foreign_volume",
    METADATA,
    Column("pool", _NAME, primary_key=True),
    Column("name", _NAME, primary_key=True),
    Column("document", _DOCUMENT, nullable=False),
)

observation: Final = Table(
    "allocator_observation",
    METADATA,
    Column("pool", _NAME, primary_key=True),
    Column("used_bytes", BigInteger),
    Column("default_qos", _DOCUMENT, nullable=False),
    Column("at", BigInteger, nullable=False),
)

job: Final = Table(
    "allocator_job",
    METADATA,
    Column("name", _NAME, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("lease_until", BigInteger, nullable=False),
)
"""Jobs that run or ran, by what they do: a lease that is over is nobody's."""

event: Final = Table(
    "allocator_event",
    METADATA,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("subject", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("plan", _PLAN_ID),
    Column("details", _DOCUMENT),
    Index("allocator_event_subject", "subject", "seq"),
    implicit_returning=False,
)

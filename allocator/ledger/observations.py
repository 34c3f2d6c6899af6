"""What devices showed: bytes used, QoS given by default, volumes the engine did not make (R07)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from allocator.domain.qos import DIRECTIONS, UNITS, Band, Bands, Qos
from allocator.ledger.facts import count_unlogged_change
from allocator.ledger.records import Document, Observation
from allocator.ledger.tables import foreign_volume, observation


def foreign_documents(connection: Connection) -> list[Document]:
    """The documents of all foreign volumes, by pool and name."""
    ordered = select(foreign_volume.c.document).order_by(foreign_volume.c.pool, foreign_volume.c.name)
    return list(connection.execute(ordered).scalars())


def replace_foreign(connection: Connection, pool: str, documents: Iterable[Document]) -> None:
    """Replace what was found on a pool; a change is counted only if there is one."""
    found = {str(document["name"]): dict(document) for document in documents}
    known = connection.execute(select(foreign_volume).where(foreign_volume.c.pool == pool)).all()
    if {row.name: row.document for row in known} == found:
        return
    connection.execute(delete(foreign_volume).where(foreign_volume.c.pool == pool))
    if found:
        rows = [{"pool": pool, "name": name, "document": document} for name, document in sorted(found.items())]
        connection.execute(insert(foreign_volume), rows)
    count_unlogged_change(connection)


def observations(connection: Connection) -> dict[str, Observation]:
    """What each pool's device showed last."""
    rows = connection.execute(select(observation).order_by(observation.c.pool))
    return {row.pool: Observation(row.used_bytes, _qos(row.default_qos), row.at) for row in rows}


def replace_observation(connection: Connection, pool: str, seen: Observation) -> None:
    """Replace what a pool's device showed; a change is counted only if more than the time is new."""
    known = observations(connection).get(pool)
    connection.execute(delete(observation).where(observation.c.pool == pool))
    connection.execute(
        insert(observation).values(
            pool=pool, used_bytes=seen.used_bytes, default_qos=asdict(seen.default_qos), at=seen.at
        )
    )
    if known is None or (known.used_bytes, known.default_qos) != (seen.used_bytes, seen.default_qos):
        count_unlogged_change(connection)


def _qos(form: Mapping[str, Any]) -> Qos:
    """The inverse of `dataclasses.asdict`."""
    units = {unit: Bands(**{side: Band(**form[unit][side]) for side in DIRECTIONS}) for unit in UNITS}
    return Qos(**units, io_size_bytes=form["io_size_bytes"])

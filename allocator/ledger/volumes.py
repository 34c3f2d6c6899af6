"""The volumes of the ledger, read back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, Table, bindparam, select

from allocator.ledger.records import Attached, Granted, StoredCopy, StoredVolume
from allocator.ledger.tables import access, attachment, copy, volume

_MOST_PARAMETERS: Final = 500
"""SQLite takes no more than 999 parameters in one statement before version 3.32."""

_OF_PLAN: Final = select(volume.c.name).where(
    (volume.c.plan == bindparam("plan")) & volume.c.name.in_(bindparam("names", expanding=True))
)


def stored_volumes(connection: Connection, only: Collection[str] | None = None) -> list[StoredVolume]:
    """Every volume in order of name, or those of the names given that there are."""
    granted: dict[str, list[Granted]] = defaultdict(list)
    attached: dict[str, list[Attached]] = defaultdict(list)
    copies: dict[str, StoredCopy] = {}
    found: list[Row[Any]] = []
    for names in [None] if only is None else portions(sorted(only)):
        for row in _rows(connection, access, access.c.volume, names):
            granted[row.volume].append(Granted(row.host, row.uri, row.address, row.iqn, row.chap_user))
        for row in _rows(connection, attachment, attachment.c.volume, names):
            attached[row.volume].append(Attached(row.host, row.device))
        for row in _rows(connection, copy, copy.c.volume, names):
            copies[row.volume] = _copy(row)
        found += _rows(connection, volume, volume.c.name, names)
    return [
        StoredVolume(
            name=row.name,
            volume_id=row.volume_id,
            pool=row.pool,
            document=row.document,
            state=row.state,
            native_id=row.native_id,
            plan=row.plan,
            access=tuple(granted[row.name]),
            attachments=tuple(attached[row.name]),
            gone_at=row.gone_at,
            device_id=row.device_id,
            copy=copies.get(row.name),
        )
        for row in found
    ]


def _copy(row: Row[Any]) -> StoredCopy:
    access = () if row.host is None else (Granted(row.host, row.uri, row.address, row.iqn, row.chap_user),)
    return StoredCopy(row.pool, row.volume_id, row.native_id, access)


def volumes_of(connection: Connection, plan: str, names: Sequence[str]) -> set[str]:
    """Those of the names that a plan holds or is changing."""
    return {
        name
        for part in portions(names)
        for name in connection.execute(_OF_PLAN, {"plan": plan, "names": part}).scalars()
    }


def portions(names: Sequence[str]) -> Iterator[Sequence[str]]:
    """A long list in parts that one statement takes."""
    rest = iter(names)
    while part := list(islice(rest, _MOST_PARAMETERS)):
        yield part


def _rows(
    connection: Connection, table: Table, name: ColumnElement[str], names: Sequence[str] | None
) -> Sequence[Row[Any]]:
    statement = select(table).order_by(*table.primary_key.columns)
    return connection.execute(statement if names is None else statement.where(name.in_(names))).all()

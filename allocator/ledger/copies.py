"""The other one of a volume on the move: what steps make of it, and the switch, which makes it the volume itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update

from allocator.domain.plan import StepKind
from allocator.ledger.prepared import Prepared
from allocator.ledger.records import Document, Mark, Result
from allocator.ledger.tables import access, copy, volume

_FOUND: Final = select(copy).where(copy.c.volume == bindparam("name"))
_FORGET: Final = delete(copy).where(copy.c.volume == bindparam("name"))
_CLEAR: Final = Prepared(_FORGET)
_HOLD: Final = Prepared(
    insert(copy).values(volume=bindparam("name"), pool=bindparam("pool"), volume_id=bindparam("volume_id"))
)
_CHANGE: Final = update(copy).where(copy.c.volume == bindparam("name"))
_VOLUME: Final = select(volume.c.pool, volume.c.volume_id, volume.c.native_id, volume.c.device_id).where(
    volume.c.name == bindparam("name")
)
_GRANT: Final = ("host", "uri", "address", "iqn", "chap_user")
_OF_COPYING: Final = ("copy", "verify", "mirror", "drop")


def hold_copies(connection: Connection, copies: Iterable[tuple[str, str, str]]) -> None:
    """Note that volumes are to be made once more: of each its name, the pool, and the id it is to have there."""
    rows = [{"name": name, "pool": pool, "volume_id": volume_id} for name, pool, volume_id in copies]
    _CLEAR.each(connection, rows)
    _HOLD.each(connection, rows)


def forget_copy(connection: Connection, name: str) -> None:
    """Nothing of the other one is left."""
    connection.execute(_FORGET, {"name": name})


def applied_to_copy(connection: Connection, mark: Mark, kind: StepKind, result: Result) -> bool:
    """What a step that was done or undone makes of the other one; False where it is about the volume itself."""
    name = mark.step.volume
    if kind in _OF_COPYING:
        return True
    row = connection.execute(_FOUND, {"name": name}).one_or_none()
    if row is None or (kind != "switch" and row.pool != mark.step.pool):
        return False
    if mark.state == "intent":
        return True
    if kind == "switch":
        # Repeated after a crash it finds the volume where it is to be.
        if row.pool == mark.step.pool:
            _switch(connection, name, row, str(mark.step.host))
    elif kind in ("create", "delete"):
        connection.execute(_CHANGE.values(native_id=result.get("native_id")), {"name": name})
    else:
        granted = {"host": mark.step.host, **result} if kind == "grant" else dict.fromkeys(_GRANT)
        connection.execute(_CHANGE.values(**granted), {"name": name})
    return True


def moved(document: Document) -> Document:
    """The document of a volume on the move once it is there; any other as it is."""
    there: Any = document.get("moving_to")
    if there is None:
        return document
    kept = {key: value for key, value in document.items() if key != "moving_to"}
    if "alternative" in there:
        kept.pop("has", None)
    return kept | dict(there)


def _switch(connection: Connection, name: str, other: Row[Any], host: str) -> None:
    """The volume becomes the other one, and the other one what it was, with whatever access the host has."""
    was = connection.execute(_VOLUME, {"name": name}).one()
    values = {"pool": other.pool, "volume_id": other.volume_id, "native_id": other.native_id}
    values["device_id"] = was.device_id or was.volume_id
    here = (access.c.volume == name) & (access.c.host == host)
    had = connection.execute(select(access).where(here)).one_or_none()
    connection.execute(delete(access).where(here))
    before = dict.fromkeys(_GRANT) if had is None else {key: getattr(had, key) for key in _GRANT}
    before |= {"pool": was.pool, "volume_id": was.volume_id, "native_id": was.native_id}
    connection.execute(_CHANGE.values(**before), {"name": name})
    connection.execute(update(volume).where(volume.c.name == name).values(**values))
    if other.host is not None:
        connection.execute(insert(access), {"volume": name, **{key: getattr(other, key) for key in _GRANT}})

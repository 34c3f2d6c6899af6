"""Moves in waves as JSON, and back: read strictly, and believed wave by wave when each of them is carried out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from allocator.documents import DocumentError, World, volume_document
from allocator.domain.inventory import Inventory
from allocator.domain.move import Move
from allocator.domain.placement import Volume
from allocator.planning.replay import begun
from allocator.planning.trust import LONGEST, PlanError

KEY: Final = "order"
"""Under which an outcome holds its moves in waves, as it holds a plan under `plan`."""


class _Form(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    version: Literal[1]
    id: str
    waves: list[list[dict[str, Any]]]


def order_json(waves: Iterable[Sequence[Move]]) -> dict[str, Any]:
    """Waves as plain data: of each move the volume's document while it lasts, with where it goes to."""
    documents = [[volume_document(begun(move)) for move in wave] for wave in waves]
    return {"version": 1, "id": _id(documents), "waves": documents}


def read_order(text: str) -> list[list[Mapping[str, Any]]] | None:
    """The documents of waves from such JSON, or from an outcome that holds it; None for text that holds none.

    Raises PlanError for waves that cannot be read, or that were changed by hand.
    """
    try:
        data = json.loads(text) if len(text) <= LONGEST else None
    except (ValueError, RecursionError):
        return None
    if isinstance(data, dict) and isinstance(data.get(KEY), dict):
        data = data[KEY]
    if not isinstance(data, dict) or "waves" not in data:
        return None
    try:
        form = _Form.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise PlanError(f"The waves are wrong at {where}: {first['msg']}. Maybe they were changed by hand.") from None
    if _id(form.waves) != form.id:
        raise PlanError(f"Order {form.id} is not what its id says. Maybe it was changed by hand: decide again.")
    return [list(wave) for wave in form.waves]


def moves_of(waves: Iterable[Iterable[Mapping[str, Any]]], world: World, inventory: Inventory) -> list[list[Move]]:
    """The moves that such documents state. Raises PlanError for one that does not fit, or goes nowhere."""
    found = []
    for documents in waves:
        try:
            volumes = world.hold(documents, inventory)
        except DocumentError as error:
            raise PlanError(f"The waves do not fit the documents: {error}") from None
        found.append([_move(volume) for volume in volumes])
    return found


def _move(volume: Volume) -> Move:
    if volume.moving_to is None:
        raise PlanError(f"Volume {volume.name} goes nowhere. Maybe the waves were changed by hand.")
    return Move(replace(volume, moving_to=None), volume.moving_to)


def _id(waves: Sequence[Sequence[Mapping[str, Any]]]) -> str:
    """The first 16 hex digits of the SHA-256 of what they say as canonical JSON."""
    text = json.dumps(waves, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]

"""How documents are kept: as JSON text, which may be given as text already, since making it is what costs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import Dialect
from sqlalchemy.types import UserDefinedType

_ENCODER: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


class JsonText(UserDefinedType[Any]):
    """A JSON column. An object becomes compact text with sorted keys; a str is taken for such text.

    So no document is a bare string. Read back, it is an object; None is NULL.
    """

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "JSON"

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], str | None]:
        return _written

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        return document_of


def text_of(document: object) -> str:
    """Compact JSON with sorted keys."""
    return _ENCODER.encode(document)


def document_of(value: Any) -> Any:
    """What a JSON column holds; the driver of PostgreSQL has read it already."""
    return json.loads(value) if isinstance(value, str) else value


def _written(value: object) -> str | None:
    return value if value is None or isinstance(value, str) else text_of(value)

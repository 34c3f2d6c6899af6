"""YAML text to plain data, on parser events: no anchors, aliases or tags, so that nothing can expand.

Reading keeps no line numbers; `line_of` walks the events a second time when an error needs one.
"""

from __future__ import annotations

import re
import sys
from decimal import Decimal
from typing import Any, Final

import yaml

from allocator.documents.errors import DocumentError, Path, shown
from allocator.documents.lines import line_of
from allocator.documents.yaml_events import events

DEEPEST: Final = 40
"""Levels of nesting; our own documents need twelve."""

MOST_VALUES: Final = 16_000_000
"""A hundred thousand hosts have about four million; an empty list is three bytes of text and sixty here."""

_NUMBER = re.compile(
    r"(?P<whole>[-+]?[0-9]{1,40})|[-+]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][-+]?[0-9]{1,3})?"
)
_WORDS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
"""YAML 1.2 core: `yes` and `on` are text. Numbers too long to mean anything stay text, to be refused."""


def read(text: str) -> dict[str, Any]:
    """One YAML document as dicts, lists, str, int, bool, None and Decimal (never float).

    Raises DocumentError, with line and path, for anything but one mapping: bad syntax, a key given twice,
    anchors, aliases, tags, more than 40 levels, several documents.
    """
    with events(text) as loader:
        try:
            return _Reader(loader).document()
        except _Twice as twice:
            path, line = twice.path, twice.line
    first = line_of(text, path)
    raise DocumentError(f"The key is given twice, first on line {first}.", "Maybe keep one of them.", path, line=line)


class _Twice(Exception):
    """A key given twice; the path grows while the error rises."""

    def __init__(self, key: str, line: int) -> None:
        self.path: Path = (key,)
        self.line = line


class _Reader:
    def __init__(self, loader: Any) -> None:
        self._loader = loader
        self._next = loader.get_event
        self._known: dict[str, object] = dict(_WORDS)
        self._values = 0

    def document(self) -> dict[str, Any]:
        while not self._loader.check_event(yaml.DocumentStartEvent):
            if type(self._next()) is yaml.StreamEndEvent:
                raise DocumentError("There is nothing in it.", "Maybe begin with `version: 1`.", line=1)
        self._next()
        event = self._next()
        value = self._value(event, 1)
        self._next()
        following = self._next()
        if type(following) is not yaml.StreamEndEvent:
            raise _error(following, "A second document begins here.", "Maybe make it a file of its own.")
        if type(value) is not dict:
            raise _error(event, f"The document is {shown(value)}, not a mapping.", "Maybe begin with `version: 1`.")
        return value

    def _value(self, event: Any, depth: int) -> object:
        kind = type(event)
        if kind is yaml.AliasEvent:
            raise _error(event, "Aliases are not allowed.", "Maybe write the value out, or use an offering.")
        if event.anchor is not None or event.tag is not None:
            raise _error(event, "Anchors and tags are not allowed.", "Maybe remove the word after & or !.")
        if kind is yaml.ScalarEvent:
            return self._plain(event.value) if event.implicit[0] else event.value
        if depth > DEEPEST:
            raise _error(event, f"Nested more than {DEEPEST} levels deep.", "Maybe a bracket is not closed.")
        return self._mapping(depth) if kind is yaml.MappingStartEvent else self._list(depth)

    def _list(self, depth: int) -> list[object]:
        found: list[object] = []
        while type(event := self._next()) is not yaml.SequenceEndEvent:
            self._count(event)
            try:
                found.append(self._value(event, depth + 1))
            except (DocumentError, _Twice) as error:
                error.path = (len(found), *error.path)
                raise
        return found

    def _mapping(self, depth: int) -> dict[str, object]:
        found: dict[str, object] = {}
        while type(event := self._next()) is not yaml.MappingEndEvent:
            if type(event) is not yaml.ScalarEvent or event.anchor is not None or event.tag is not None:
                raise _error(event, "A key must be plain text.", "Maybe a bracket or a quote is missing.")
            key = sys.intern(event.value)
            if key in found:
                raise _Twice(key, _line(event))
            self._count(event)
            try:
                found[key] = self._value(self._next(), depth + 1)
            except (DocumentError, _Twice) as error:
                error.path = (key, *error.path)
                raise
        return found

    def _count(self, event: Any) -> None:
        self._values += 1
        if self._values > MOST_VALUES:
            raise _error(event, f"More than {MOST_VALUES:,} values.", "Maybe split it into several files.")

    def _plain(self, text: str) -> object:
        if text in self._known:
            return self._known[text]
        match = _NUMBER.fullmatch(text)
        if match is None:
            value: object = text
        else:
            value = int(text) if match["whole"] else Decimal(text)
        self._known[text] = value
        return value


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _error(event: Any, message: str, hint: str) -> DocumentError:
    return DocumentError(message, hint, line=_line(event))

"""Finding the line of a value again: a second walk over the events, made only when an error needs it."""

from __future__ import annotations

from typing import Any

import yaml

from allocator.documents.errors import Path
from allocator.documents.yaml_events import events

_OPENING = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
_CLOSING = (yaml.MappingEndEvent, yaml.SequenceEndEvent)


def line_of(text: str, path: Path) -> int:
    """The line, from 1, of the value at a path of keys and positions, or of what is deepest on the way."""
    with events(text) as loader:
        while not loader.check_event(*_OPENING):
            loader.get_event()
        line = 1
        for segment in path:
            opening = loader.get_event()
            found = _enter(loader, opening, segment)
            if found is None:
                break
            line = found
        return line


def _enter(loader: Any, opening: Any, segment: str | int) -> int | None:
    """Stop before the value at `segment` of the container just opened: its line, or None if it is absent."""
    position = 0
    while not loader.check_event(*_CLOSING):
        if type(opening) is yaml.MappingStartEvent:
            key = loader.get_event()
            if key.value == segment:
                return int(key.start_mark.line) + 1
        elif type(opening) is yaml.SequenceStartEvent:
            if position == segment:
                return int(loader.peek_event().start_mark.line) + 1
            position += 1
        else:
            return None
        _skip(loader)
    return None


def _skip(loader: Any) -> None:
    depth = 0
    while True:
        event = loader.get_event()
        depth += isinstance(event, _OPENING) - isinstance(event, _CLOSING)
        if depth == 0:
            return

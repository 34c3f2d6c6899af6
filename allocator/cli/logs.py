"""Logs of the command line: a line each on standard error, plain or one JSON object; nothing unless it is asked for."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

from allocator.cli.printable import printable

FIELDS: Final = (
    *("event", "plan", "step", "volume", "host", "place", "kind"),
    *("plugin", "call", "code", "error", "placed", "refused", "rules", "seconds"),
)
"""What a record may say besides its text: nothing else is written, so that nothing slips in."""
ERROR: Final = logging.ERROR
INFO: Final = logging.INFO
_OURS: Final = "allocator"


class JsonLines(logging.Formatter):
    """`{"time": ..., "level": ..., "event": ..., "plan": ..., "text": ...}` in ASCII, without line breaks."""

    def format(self, record: logging.LogRecord) -> str:
        told = {"time": _time(record), "level": record.levelname.lower(), "logger": record.name}
        return json.dumps({**told, **_said(record), "text": record.getMessage()})


class PlainLines(logging.Formatter):
    """`2026-01-01T00:00:00.000Z info create web-root done`."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(f"{_time(record)} {record.levelname.lower()} {record.getMessage()}")


@contextmanager
def heard(level: str, form: str) -> Iterator[None]:
    """Let what the engine logs be heard, from a level on, until this is left. Other loggers are left alone."""
    handler, ours = logging.StreamHandler(sys.stderr), logging.getLogger(_OURS)
    handler.setFormatter(JsonLines() if form == "json" else PlainLines())
    before = ours.level
    ours.setLevel(level.upper())
    ours.addHandler(handler)
    try:
        yield
    finally:
        ours.removeHandler(handler)
        ours.setLevel(before)


def in_json() -> bool:
    """Whether standard error is JSON lines, so that nothing else may be written there."""
    return any(isinstance(handler.formatter, JsonLines) for handler in logging.getLogger(_OURS).handlers)


def tell(level: int, text: str) -> None:
    """What the command itself has to say on standard error."""
    event = "complaint" if level >= logging.ERROR else "remark"
    logging.getLogger(f"{_OURS}.cli").log(level, "%s", text, extra={"event": event})


def _said(record: logging.LogRecord) -> dict[str, Any]:
    return {field: value for field in FIELDS if (value := getattr(record, field, None)) is not None}


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

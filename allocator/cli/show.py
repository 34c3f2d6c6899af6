"""What people read: tables and colours on a terminal, plain lines in a pipe, and never a control character."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import IO

from allocator.cli import logs
from allocator.cli.printable import printable


def say(text: str = "", style: str | None = None) -> None:
    """A line on standard output; `style` is a colour that only a terminal shows."""
    _write(sys.stdout, text, style)


def complain(text: str) -> None:
    """A line on standard error."""
    if logs.in_json():
        logs.tell(logs.ERROR, text)
    else:
        _write(sys.stderr, text, "red")


def remark(text: str) -> None:
    """A line on standard error about how far something has come: it is no part of the answer."""
    if logs.in_json():
        logs.tell(logs.INFO, text)
    else:
        _write(sys.stderr, text, None)


def data(value: object) -> None:
    """JSON on standard output, in ASCII: no terminal can be steered by it."""
    print(json.dumps(value, indent=2))


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Rows under headings; a column in which nothing stands is left out."""
    cells = [[printable(cell) for cell in row] for row in rows]
    kept = [column for column in range(len(headings)) if any(row[column] for row in cells)]
    shown = [[row[column] for column in kept] for row in cells]
    heads = [headings[column] for column in kept]
    if sys.stdout.isatty():
        _framed(heads, shown)
        return
    widths = [max(len(row[column]) for row in [heads, *shown]) for column in range(len(heads))]
    for row in [heads, *shown] if shown else []:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def some(names: Iterable[str], most: int = 4) -> str:
    """A few names of many: `sf-1, sf-2 and 48 more`."""
    listed = list(names)
    if len(listed) <= most + 1:
        return ", ".join(listed)
    return f"{', '.join(listed[:most])} and {len(listed) - most:,} more"


def short(text: str, most: int) -> str:
    """A text that keeps its beginning and its end, by which people tell names apart: `alice@kvm...rg/4711`."""
    if len(text) <= most:
        return text
    tail = (most - 3) // 3
    return f"{text[: most - 3 - tail]}...{text[-tail:]}"


def time(seconds: int) -> str:
    """`2026-11-20 16:20:11Z`, of seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(sep=" ").removesuffix("+00:00") + "Z"


def pairs(keys: Mapping[str, object]) -> str:
    """Vendor keys and values in one cell: `enable512e=true`."""
    return ", ".join(f"{key}={str(value).lower() if isinstance(value, bool) else value}" for key, value in keys.items())


def _write(stream: IO[str], text: str, style: str | None) -> None:
    if not stream.isatty():
        print(printable(text), file=stream)
        return
    from rich.console import Console
    from rich.text import Text

    Console(file=stream, highlight=False).print(Text(printable(text), style or ""), soft_wrap=True)


def _framed(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    framed = Table(box=SIMPLE, pad_edge=False)
    for heading in headings:
        framed.add_column(heading, overflow="fold")
    for row in rows:
        framed.add_row(*(Text(cell) for cell in row))
    Console(highlight=False).print(framed)

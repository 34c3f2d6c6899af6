"""A whole ledger as text: YAML with a row of JSON on each line, soon written, easily compared, read line by line."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Final

from allocator.documents.reading import read
from allocator.documents.sources import read_text
from allocator.ledger.form import HEADING, TABLES, Row, Whole, whole_of

LONGEST_LINE: Final = 256 * 1024 * 1024
"""Characters: the row of the longest plan that `apply` reads is no longer."""


class Unlike(ValueError):
    """Text that is not as `yaml_lines` wrote it, but perhaps says the same."""


def counted(whole: Whole, rows: Counter[str]) -> Whole:
    """The same, whose rows are counted by table as they pass."""

    def passing(name: str, table: Iterable[Row]) -> Iterator[Row]:
        rows[name] = 0
        for row in table:
            rows[name] += 1
            yield row

    return Whole(whole.heading, ((name, passing(name, table)) for name, table in whole.tables))


def yaml_lines(whole: Whole) -> Iterator[str]:
    """What `line_by_line` reads."""
    for name, value in whole.heading.items():
        yield f"{name}: {_json(value)}\n"
    for name, rows in whole.tables:
        empty = True
        for row in rows:
            yield f"- {_json(row)}\n" if not empty else f"{name}:\n- {_json(row)}\n"
            empty = False
        if empty:
            yield f"{name}: []\n"


def json_lines(whole: Whole) -> Iterator[str]:
    """The same as JSON, in ASCII."""
    yield "{" + ", ".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in whole.heading.items())
    for name, rows in whole.tables:
        yield f",\n{json.dumps(name)}: ["
        for number, row in enumerate(rows):
            yield f"{',' if number else ''}\n  {json.dumps(row)}"
        yield "]"
    yield "}\n"


@contextmanager
def read_twice(path: Path) -> Iterator[Path]:
    """Where what is at a path can be read more than once, though it comes through a pipe."""
    if path.is_file() or not path.exists():
        yield path
        return
    with NamedTemporaryFile() as kept:
        with path.open("rb") as pipe:
            shutil.copyfileobj(pipe, kept)
        kept.flush()
        yield Path(kept.name)


def line_by_line(path: Path) -> Whole:
    """A ledger as it was exported, of which no more than a line is in memory; raises Unlike sooner or later."""
    lines = _lines(path)
    heading = {name: _value(next(lines, ""), name) for name in HEADING}
    return Whole(heading, _tables(lines))


def as_yaml(path: Path) -> Whole:
    """A ledger as any YAML that says the same. Raises DocumentError, and LedgerError for what is none."""
    return whole_of(read(read_text(path)))


def _lines(path: Path) -> Iterator[str]:
    try:
        with path.open(encoding="utf-8", newline="\n") as file:
            while line := file.readline(LONGEST_LINE):
                yield line
    except (OSError, ValueError) as error:
        raise Unlike from error


def _tables(lines: Iterator[str]) -> Iterator[tuple[str, Iterable[Row]]]:
    line = next(lines, "")

    def rows() -> Iterator[Any]:
        nonlocal line
        while (line := next(lines, "")).startswith("- "):
            yield _loaded(line[2:])

    for name in TABLES:
        if line == f"{name}:\n":
            yield name, rows()
        else:
            if _value(line, name) != []:
                raise Unlike
            yield name, ()
            line = next(lines, "")
    if line:
        raise Unlike


def _value(line: str, name: str) -> Any:
    found, _, value = line.partition(":")
    if found != name:
        raise Unlike
    return _loaded(value)


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unlike from error


def _json(value: object) -> str:
    """JSON that is YAML too, whose escapes are other ones beyond U+FFFF, and that steers no terminal."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    if text.isascii() and "\x7f" not in text:
        return text
    return "".join(sign if sign.isprintable() else _escaped(ord(sign)) for sign in text)


def _escaped(sign: int) -> str:
    return f"\\u{sign:04x}" if sign < 0x10000 else f"\\U{sign:08x}"

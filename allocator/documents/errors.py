"""The one error of everything that reads documents: where it is, what is wrong, and what might help."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

Path = tuple[str | int, ...]
"""The way to a value: keys of mappings, positions in lists, and names where a list goes by name."""

NAMED_LISTS: Final = ("tenants", "pools", "hosts", "offerings", "vms", "requests", "volumes")
"""Sections whose entries are told apart by `name`."""

_LONGEST_SHOWN = 60


class DocumentError(Exception):
    """Bad input. `hint` begins with "Maybe"; `file` and `line` are filled in where the text is known."""

    def __init__(
        self, message: str, hint: str, path: Path = (), file: str | None = None, line: int | None = None
    ) -> None:
        super().__init__(message, hint, path, file, line)
        self.message = message
        self.hint = hint
        self.path = path
        self.file = file
        self.line = line

    @property
    def key(self) -> str:
        """The path as people write it: `pools[sf-1].capacity.total`."""
        parts: list[str] = []
        for depth, segment in enumerate(self.path):
            named = depth == 1 and self.path[0] in NAMED_LISTS
            text = _legible(str(segment))
            parts.append(f"[{text}]" if named or isinstance(segment, int) else f".{text}")
        return "".join(parts).removeprefix(".")

    def __str__(self) -> str:
        where = [] if self.file is None else [_legible(self.file, longest=4096)]
        where += [str(self.line)] if where and self.line is not None else []
        lead = [part for part in (":".join(where), self.key) if part]
        return ": ".join([*lead, f"{self.message} {self.hint}"])


def named(path: Path, data: object) -> Path:
    """The path with the position in a named list replaced by the entry's name, where it has one."""
    if len(path) < 2 or path[0] not in NAMED_LISTS or not isinstance(data, dict):
        return path
    section, position, *rest = path
    entries = data.get(section)
    if isinstance(entries, list) and isinstance(position, int) and isinstance(entries[position], dict):
        name = entries[position].get("name")
        return (section, name if isinstance(name, str) else position, *rest)
    return path


def shown(value: object) -> str:
    """A value from outside, safe to print on one line: control characters escaped, cut where it is long."""
    if isinstance(value, str):
        return f"'{_legible(value)}'"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float, Decimal)):
        return _legible(str(value)) if not isinstance(value, int) or value.bit_length() < 1024 else "a huge number"
    if value is None:
        return "nothing"
    kinds: dict[type, str] = {dict: "a mapping", list: "a list"}
    return kinds.get(type(value), "something else")


def nearest(word: str, known: Iterable[str], otherwise: str) -> str:
    """A hint naming what was perhaps meant, else `otherwise`, a sentence that begins with "Maybe"."""
    near = difflib.get_close_matches(word[:_LONGEST_SHOWN], sorted(known), n=2, cutoff=0.6)
    return f"Maybe {' or '.join(near)}." if near else otherwise


def _legible(text: str, longest: int = _LONGEST_SHOWN) -> str:
    cut = text if len(text) <= longest else text[:longest] + "..."
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in cut)

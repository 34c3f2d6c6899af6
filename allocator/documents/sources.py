"""The texts that documents come from: read with bounds, kept so that an error finds its file and line."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any, Final

from allocator.documents.errors import DocumentError, Path, named
from allocator.documents.lines import line_of
from allocator.documents.merge import twins
from allocator.documents.reading import read
from allocator.domain.sizes import MIB, format_bytes

LARGEST_FILE_BYTES: Final = 256 * MIB
"""About six times a fleet of 100,000 hosts."""


@dataclass(frozen=True, slots=True)
class Source:
    """One text and the data in it."""

    name: str
    text: str
    data: dict[str, Any]

    @classmethod
    def of_text(cls, name: str, text: str) -> Source:
        """Raises DocumentError for what `read` refuses, and for a name given twice."""
        try:
            data = read(text)
        except DocumentError as error:
            error.file = name
            raise
        pair = twins(data)
        if pair is not None:
            first, second = pair
            message = f"The name is given twice, first on line {line_of(text, first)}."
            path = named(second, data)
            raise DocumentError(message, "Maybe rename one of them.", path, name, line_of(text, second))
        return cls(name, text, data)

    @classmethod
    def of_file(cls, path: FilePath) -> Source:
        """Raises DocumentError for what cannot be read, is too large or is not UTF-8."""
        return cls.of_text(str(path), read_text(path))

    @property
    def hash(self) -> str:
        """The first 16 hex digits that `sha256sum` shows for it."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]

    def follow(self, path: Path) -> Path:
        """The part of a path that exists here, with names turned into positions."""
        found: list[str | int] = []
        here: Any = self.data
        for segment in path:
            if isinstance(here, list) and isinstance(segment, str):
                names = [entry.get("name") if isinstance(entry, dict) else None for entry in here]
                segment = names.index(segment) if segment in names else -1
            there = isinstance(here, list) and isinstance(segment, int) and 0 <= segment < len(here)
            if not there and not (isinstance(here, dict) and segment in here):
                break
            found.append(segment)
            here = here[segment]
        return tuple(found)


def read_text(path: FilePath) -> str:
    """A file's text, at most 256 MiB of UTF-8. Raises DocumentError."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "no such name"
        raise DocumentError(f"The file cannot be read: {why}.", "Maybe check its path.", file=str(path)) from error
    if len(content) > LARGEST_FILE_BYTES:
        limit = format_bytes(LARGEST_FILE_BYTES)
        raise DocumentError(f"The file is larger than {limit}.", "Maybe split it.", file=str(path))
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DocumentError(
            f"Byte {error.start + 1:,} of the file is not UTF-8.",
            "Maybe save it as UTF-8.",
            (),
            str(path),
            line,
        ) from error


def locate(error: DocumentError, sources: Sequence[Source]) -> None:
    """Give an error about merged data its file and line: where the value was last given."""
    if error.file is not None or not sources:
        return
    reached = [(len(source.follow(error.path)), position) for position, source in enumerate(sources)]
    source = sources[max(reached)[1]]
    error.file = source.name
    error.line = line_of(source.text, source.follow(error.path))

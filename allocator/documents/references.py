"""Names that must name something: a dangling reference is told with the names that are near."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TypeVar

from allocator.documents.errors import DocumentError, Path, nearest, shown

T = TypeVar("T")


def find(name: str, known: Mapping[str, T], what: str, path: Path) -> T:
    """What a name names. Raises DocumentError where nothing has it."""
    check([name], known, what, path)
    return known[name]


def check(names: Collection[str] | None, known: Collection[str], what: str, path: Path) -> None:
    """Raises DocumentError for the first of the names that nothing has."""
    for name in names or ():
        if name not in known:
            few = f"Maybe {' or '.join(sorted(known))}." if 0 < len(known) <= 5 else f"Maybe add the {what}."
            raise DocumentError(f"There is no {what} named {shown(name)}.", nearest(name, known, few), path)

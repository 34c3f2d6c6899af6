"""What a page is made of, and its HTML: every text from outside is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

MOST_ROWS: Final = 1000
"""Rows of one table: a browser shows them at once, and nobody reads more."""
BAR_WIDTH: Final = 120


@dataclass(frozen=True, slots=True)
class Bar:
    """So much of so much, and what it was before (the same where nothing changes)."""

    before: int
    after: int
    limit: int
    words: str

    @property
    def over(self) -> bool:
        return self.after > self.limit

    def width(self, amount: int) -> int:
        """Pixels of an amount: what is above the limit fills the bar."""
        if amount <= 0:
            return 0
        return BAR_WIDTH if amount >= self.limit else max(1, BAR_WIDTH * amount // self.limit)


Cell = str | Bar


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings; `more` rows are not shown."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    more: int = 0
    says: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A title, the facts in short, and tables: those without rows are left out."""

    title: str
    facts: Sequence[str]
    tables: Sequence[Table] = field(default=())

    def html(self) -> str:
        """The whole as one HTML document."""
        return _template().render(page=self, bar_width=BAR_WIDTH)


def table(title: str, headings: str, rows: Iterable[Sequence[Cell]], says: str = "") -> Table:
    """The first rows of them, under headings that are told in one string: `VOLUME FROM TO`.

    A column in which nothing stands is left out.
    """
    every = iter(rows)
    shown = list(islice(every, MOST_ROWS))
    heads = headings.split()
    kept = [column for column in range(len(heads)) if any(row[column] for row in shown)]
    cells = [[row[column] for column in kept] for row in shown]
    return Table(title, [heads[column] for column in kept], cells, sum(1 for _ in every), says)


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("allocator.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.tests["bar"] = lambda cell: isinstance(cell, Bar)
    return environment.get_template("page.html")

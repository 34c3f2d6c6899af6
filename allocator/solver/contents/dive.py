"""From shares of contents to whole ones: keep what the programme takes mostly, and find new contents for the rest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from allocator.solver.contents.columns import Solved
from allocator.solver.contents.fillings import Content, Contents
from allocator.solver.contents.stock import SCARCITY
from allocator.solver.deadline import Deadline

ROUNDS: Final = 300
"""Rounds of new contents at the most."""
LATER: Final = 2_500
"""Rounds in each step of a dive, times units: few for many units, since each takes longer and wins less."""
WHOLE: Final = 1 - 1e-6
MOSTLY: Final = 0.75
"""A share from which contents are kept in a dive."""
STEPS: Final = 20
"""A dive keeps at least one content in so many at each step."""


def generate(contents: Contents, work: float, deadline: Deadline, rounds: int = ROUNDS) -> Solved | None:
    """New contents until none is worth its cost; prices are taken half from the round before, which steadies them."""
    solved, before, fruitless = contents.solve(), None, 0
    for turn in range(rounds):
        if solved is None or fruitless > 2 * len(SCARCITY) or contents.work > work or deadline.passed():
            break
        prices = solved.prices[: contents.units]
        added = contents.price(solved, prices if before is None or turn % 2 == 0 else (prices + before) / 2, turn)
        before = prices
        fruitless = 0 if added else fruitless + 1
        if added:
            solved = contents.solve()
        elif contents.sure:
            break
    return solved


def dive(contents: Contents, work: float, deadline: Deadline, kept: Iterable[Content] = ()) -> Sequence[Content] | None:
    """Whole contents, those kept among them; None where work or time runs out before an end."""
    columns = contents.columns
    held = {contents.column_of[content.kind, content.options] for content in kept}
    for column in held:
        columns.keep(column, 1.0)
    answer: Sequence[Content] | None = None
    rounds = max(2, LATER // contents.units)
    while contents.work <= work and not deadline.passed():
        solved = generate(contents, work, deadline, rounds if held else 0)
        if solved is None:
            break
        taken = {column for column in np.flatnonzero(solved.values > 1e-6).tolist() if column >= contents.first}
        if all(solved.values[column] >= WHOLE for column in taken):
            answer = [contents.found[column - contents.first] for column in sorted(taken)]
            break
        more = {column for column in taken if solved.values[column] >= MOSTLY} - held
        wanted = max(1, round(sum(solved.values[column] for column in taken)) // STEPS)
        more |= _disjoint(contents, solved, taken - held - more, wanted - len(more))
        for column in more:
            columns.keep(column, 1.0)
        held |= more
    for column in held:
        columns.keep(column, 0.0)
    return answer


def _disjoint(contents: Contents, solved: Solved, taken: set[int], number: int) -> set[int]:
    """So many columns, the most taken first, that have no unit in common."""
    found: set[int] = set()
    held: set[int] = set()
    for column in sorted(taken, key=lambda column: (-solved.values[column], column)):
        if len(found) >= number:
            break
        units = {row for row, _ in contents.columns.entries[column] if row < contents.units}
        if not units & held:
            found.add(column)
            held |= units
    return found

"""What the programme over contents proves, in whole numbers: no answer costs less, whatever the LP solver got wrong."""

from __future__ import annotations

from typing import Final

import numpy as np

from allocator.solver.contents.columns import Solved
from allocator.solver.contents.fillings import Contents
from allocator.solver.contents.stock import at_most

FRACTION: Final = 2**20
"""What units are worth is taken in whole multiples of 1 / this."""


def proven(contents: Contents, solved: Solved) -> int | None:
    """A bound on the tier that is minimised, with those before it at their limits; None: nothing is proven.

    For any worth of units: a content costs what its units are worth, less at most what the best content of its kind
    gains (Lagrange's bound, after Gilmore and Gomory 1961). It needs goals whose costs add up, and no unit that may be
    refused for the sake of this tier.
    """
    shelves, number = contents.shelves, contents.number
    if not all(goal.adds_up for goal, _ in contents.tiers[number]) or not _whole(contents):
        return None
    worth = np.array([int(price * FRACTION) for price in solved.prices[: contents.units].tolist()], dtype=np.int64)
    if number == 0:
        worth = np.minimum(worth, np.array([cost[0] for cost in contents.refusals]) * FRACTION)
    total = int(worth.sum())
    for shelf in shelves.kinds:
        gains = worth[shelves.unit_of] - shelf.costs[:, number] * FRACTION
        total -= len(shelf.rows) * at_most(shelf, gains, shelves.unit_of)
    return -(-total // FRACTION)


def _whole(contents: Contents) -> bool:
    """Whether earlier tiers leave no unit to be refused: they are at 0, cost nothing less, and a refusal costs more."""
    number = contents.number
    if number == 0:
        return True
    if any(contents.most) or any((shelf.costs[:, :number] < 0).any() for shelf in contents.shelves.kinds):
        return False
    return all(max(cost[:number]) > 0 for cost in contents.refusals)

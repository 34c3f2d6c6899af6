"""What asks would add to sums at the rows of a fleet, worked out once for asks that are alike."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from allocator.domain.placement import Charge

if TYPE_CHECKING:
    from allocator.fleet import Ask, Fleet

MOST_FIGURES: Final = 1_000_000
"""Amounts that are the same everywhere and are kept; beyond it all are forgotten and worked out again."""
Rows = NDArray[np.int64]
Amount = Rows | int


class Adding:
    """Of one fleet."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._everywhere: dict[tuple[Charge, int], int] = {}
        """What asks with a likeness add to a charge, where that is the same at every place."""

    def of(self, charge: Charge, ask: Ask, only: Rows | None) -> Amount:
        """What one ask would add at each row; one number where it is the same at all."""
        known = self._everywhere.get((charge, ask.likeness))
        if known is not None:
            return known
        found, everywhere = self._worked_out(charge, ask, only)
        if everywhere and isinstance(found, int) and ask.likeness >= 0:
            if len(self._everywhere) >= MOST_FIGURES:
                self._everywhere.clear()
            self._everywhere[charge, ask.likeness] = found
        return found

    def by_kind(self, charge: Charge, ask: Ask) -> Amount:
        """What the ask would add at each kind of place that the charge tells apart."""
        if not charge.counts(ask.request) or not self._fleet.places(charge.over):
            return 0
        return self._fleet.remember(charge, ask, partial(self._of_each, charge, ask))

    def _worked_out(self, charge: Charge, ask: Ask, only: Rows | None) -> tuple[Amount, bool]:
        """The same, and whether that is known of all rows."""
        places = self._fleet.places(charge.over)
        if not places or not charge.counts(ask.request):
            return 0, only is None
        kinds = self._fleet.kinds(charge.over, charge.sees)
        if only is not None and len(kinds.examples) > len(only):
            amounts = [charge.amount(ask.request, ask.alternative, places[row]) for row in only]
            return even(np.array(amounts, dtype=np.int64)), False
        figures = self.by_kind(charge, ask)
        if isinstance(figures, int):
            return figures, True
        return even(figures.take(kinds.codes if only is None else kinds.codes.take(only))), only is None

    def _of_each(self, charge: Charge, ask: Ask) -> Amount:
        kinds = self._fleet.kinds(charge.over, charge.sees)
        amounts = [charge.amount(ask.request, ask.alternative, place) for place in kinds.examples]
        return amounts[0] if len(set(amounts)) == 1 else np.array(amounts, dtype=np.int64)


def even(figures: Rows) -> Amount:
    """One number where all are the same."""
    if not len(figures):
        return 0
    first = figures[0]
    return int(first) if (figures == first).all() else figures


def where(condition: NDArray[np.bool_] | bool, then: int, otherwise: Amount) -> Amount:
    """`np.where`, which stays one number where it can."""
    if isinstance(condition, bool):
        return then if condition else otherwise
    return np.where(condition, then, otherwise)


def hashable(figure: Amount) -> int | bytes:
    """The same for figures that are equal."""
    return figure if isinstance(figure, int) else figure.tobytes()

"""Tallies: the running sum of a charge at every place of one kind, right as volumes come and go."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from allocator.domain.inventory import Inventory
from allocator.domain.placement import Charge, Volume
from allocator.domain.places import Place
from allocator.domain.request import Mark

MOST_MARKS: Final = 1_000
"""Groups and tenants whose sums are kept as arrays; beyond it all are forgotten and summed anew."""
Sums = NDArray[np.int64]
Counted = tuple[Sums, int, int]
"""A tally, the number of a label in it, and an amount."""


class Tallies:
    """All tallies over one inventory that were ever asked for; `numbers` gives the labels of one kind their places."""

    def __init__(self, inventory: Inventory, numbers: Callable[[str], Mapping[str, int]]) -> None:
        self.placed: dict[str, Volume] = {}
        """Volumes added for the time being."""
        self._inventory, self._numbers = inventory, numbers
        self._tried: dict[str, list[Counted]] = {}
        self._by_mark: dict[Mark | None, dict[Charge, Sums]] = {None: {}}

    def of(self, charge: Charge) -> Sums:
        """The sum of a charge at every label of its kind."""
        known = self._by_mark.get(charge.mark)
        if known is None:
            if len(self._by_mark) >= MOST_MARKS:
                self._by_mark = {None: self._by_mark[None]}
            known = self._by_mark[charge.mark] = {}
        tally = known.get(charge)
        if tally is None:
            tally = known[charge] = self._summed(charge)
        return tally

    def _summed(self, charge: Charge) -> Sums:
        numbers = self._numbers(charge.over)
        tally = np.zeros(max(1, len(numbers)), dtype=np.int64)
        for label, amount in self._inventory.totals(charge).items():
            if label in numbers:
                tally[numbers[label]] = amount
        for volume in self.placed.values():
            for one, number, amount in self._counted(charge, tally, volume, {}):
                tally[number] += amount
                self._tried[volume.name].append((one, number, amount))
        return tally

    def add(self, volume: Volume) -> None:
        """A volume counts for the time being."""
        self.placed[volume.name] = volume
        self._tried[volume.name] = self.count(volume, 1)

    def remove(self, volume: Volume) -> None:
        """A volume added before counts no longer."""
        del self.placed[volume.name]
        for tally, number, amount in self._tried.pop(volume.name):
            tally[number] -= amount

    def count(self, volume: Volume, sign: int) -> list[Counted]:
        """Count a volume in every tally, or with -1 no longer, and tell where."""
        counted: list[Counted] = []
        places: dict[str, list[tuple[int, Place]]] = {}
        for mark in (None, *volume.request.marks):
            for charge, tally in self._by_mark.get(mark, {}).items():
                counted += self._counted(charge, tally, volume, places)
        for tally, number, amount in counted:
            tally[number] += sign * amount
        return counted

    def _counted(
        self, charge: Charge, tally: Sums, volume: Volume, places: dict[str, list[tuple[int, Place]]]
    ) -> Iterator[Counted]:
        """Where a volume counts, and how much; `places` keeps where it lies."""
        over = charge.over
        if over not in places:
            numbers = self._numbers(over)
            places[over] = [(numbers[label], place) for label, place in self._inventory.places(volume, over)]
        for number, place in places[over]:
            amount = charge.of(volume.request, volume.alternative, place)
            if amount:
                yield tally, number, amount

"""Tallies: the running sum of a charge at every place of one kind, right as volumes come and go."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from allocator.domain.amounts import Amounts
from allocator.domain.inventory import Inventory, label_of
from allocator.domain.placement import Charge, Volume
from allocator.domain.places import Place, Pool
from allocator.domain.request import Mark

MOST_MARKS: Final = 1_000
"""Groups and tenants whose sums are kept as arrays; beyond it all are forgotten and summed anew."""
ON_A_SHEET: Final = 16
"""Tallies of one kind that lie together in one array, so that several are read at once."""
Sums = NDArray[np.int64]
Column = tuple[str, Sums, Sums]
"""The kind of places of a sheet, the sheet, and what is added to a label's column of it."""
Counted = tuple[Sums, int, Sums | int]
"""A sheet or a tally, the number of a label in it, and what was added there."""


class Tallies:
    """All tallies over one inventory that were ever asked for; `numbers` gives the labels of one kind their places."""

    def __init__(self, inventory: Inventory, numbers: Callable[[str], Mapping[str, int]]) -> None:
        self.placed: dict[str, Volume] = {}
        """Volumes added for the time being."""
        self._inventory, self._labels = inventory, numbers
        self._numbered: dict[str, Mapping[str, int]] = {}
        self._tried: dict[str, list[Counted]] = {}
        self._amounts: Amounts[Charge, Column] = Amounts(self._columns)
        """What volumes add to the sheets."""
        self._unmarked: dict[Charge, Sums] = {}
        self._sheets: dict[str, list[Sums]] = {}
        self._lies: dict[Charge, tuple[Sums, int]] = {}
        """The sheet of each tally that is not of a mark, and its row there."""
        self._by_mark: dict[Mark, dict[Charge, Sums]] = {}

    def of(self, charge: Charge) -> Sums:
        """The sum of a charge at every label of its kind."""
        tally = self._unmarked.get(charge)
        return self._found(charge) if tally is None else tally

    def sheet(self, charge: Charge) -> tuple[Sums, int] | None:
        """The array of which a tally is one row, and the row; None where it is kept by itself."""
        if charge.mark is None:
            self.of(charge)
        return self._lies.get(charge)

    def _found(self, charge: Charge) -> Sums:
        if charge.mark is None:
            tally = self._unmarked[charge] = self._summed(charge, self._row(charge))
            self._amounts.include(charge, charge)
            return tally
        known = self._by_mark.get(charge.mark)
        if known is None:
            if len(self._by_mark) >= MOST_MARKS:
                self._by_mark.clear()
            known = self._by_mark[charge.mark] = {}
        if charge not in known:
            known[charge] = self._summed(charge, np.zeros(self._width(charge.over), dtype=np.int64))
        return known[charge]

    def _row(self, charge: Charge) -> Sums:
        """An empty row on the last sheet of its kind."""
        sheets = self._sheets.setdefault(charge.over, [])
        used = sum(tally_charge.over == charge.over for tally_charge in self._lies)
        if used == len(sheets) * ON_A_SHEET:
            sheets.append(np.zeros((ON_A_SHEET, self._width(charge.over)), dtype=np.int64))
        self._lies[charge] = sheets[-1], used % ON_A_SHEET
        row: Sums = sheets[-1][used % ON_A_SHEET]
        return row

    def _numbers(self, over: str) -> Mapping[str, int]:
        found = self._numbered.get(over)
        if found is None:
            found = self._numbered[over] = self._labels(over)
        return found

    def _width(self, over: str) -> int:
        return max(1, len(self._numbers(over)))

    def _summed(self, charge: Charge, tally: Sums) -> Sums:
        numbers = self._numbers(charge.over)
        for label, amount in self._inventory.totals(charge).items():
            if label in numbers:
                tally[numbers[label]] = amount
        for volume in self.placed.values():
            for number, amount in self._counted(charge, volume):
                tally[number] += amount
                self._tried[volume.name].append((tally, number, amount))
        return tally

    def add(self, volume: Volume) -> None:
        """A volume counts for the time being."""
        self.placed[volume.name] = volume
        self._tried[volume.name] = self.count(volume, 1)

    def remove(self, volume: Volume) -> None:
        """A volume added before counts no longer."""
        del self.placed[volume.name]
        _add(self._tried.pop(volume.name), -1)

    def count(self, volume: Volume, sign: int) -> list[Counted]:
        """Count a volume in every tally, or with -1 no longer, and tell where."""
        counted: list[Counted] = []
        if volume.moving_to is not None:
            for charge, tally in self._unmarked.items():
                counted += [(tally, number, amount) for number, amount in self._counted(charge, volume)]
        else:
            counted += self._counted_at("pool", self._inventory.pools[volume.pool], volume)
            for host in volume.hosts:
                counted += self._counted_at("host", self._inventory.hosts[host], volume)
        for mark in volume.request.marks:
            for charge, tally in self._by_mark.get(mark, {}).items():
                counted += [(tally, number, amount) for number, amount in self._counted(charge, volume)]
        _add(counted, sign)
        return counted

    def _counted_at(self, at: str, place: Place, volume: Volume) -> list[Counted]:
        """Where a volume counts by its pool or by one of its hosts, in sums that are not of a mark."""
        counted: list[Counted] = []
        for over, sheet, column in self._amounts.of(volume, place):
            label = label_of(place, over) if over != at and isinstance(place, Pool) else place.name
            if label is not None:
                counted.append((sheet, self._numbers(over)[label], column))
        return counted

    def _columns(self, amounts: Sequence[tuple[Charge, int]]) -> tuple[Column, ...]:
        """What is added to several sums, sheet by sheet."""
        columns: dict[int, Column] = {}
        for charge, amount in amounts:
            sheet, row = self._lies[charge]
            if id(sheet) not in columns:
                columns[id(sheet)] = charge.over, sheet, np.zeros(len(sheet), dtype=np.int64)
            columns[id(sheet)][2][row] = amount
        return tuple(columns.values())

    def _counted(self, charge: Charge, volume: Volume) -> list[tuple[int, int]]:
        """Where a volume counts in one sum, and how much."""
        numbers = self._numbers(charge.over)
        return [(numbers[label], amount) for label, amount in self._inventory.amounts(charge, volume) if amount]


def _add(counted: Iterable[Counted], sign: int) -> None:
    for sums, number, amount in counted:
        if isinstance(amount, int):
            sums[number] += sign * amount
            continue
        cells = sums[:, number]
        if sign > 0:
            cells += amount
        else:
            cells -= amount

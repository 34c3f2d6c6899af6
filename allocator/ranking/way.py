"""One volume by one pattern at one seat: which pools are open to it now, what they cost, and which comes first."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from allocator.fleet import BoolArray, Figure, IntArray
from allocator.goal import Cost
from allocator.ranking.closing import Tests
from allocator.ranking.pricing import Costs


class Way:
    """At one moment of the search. While its first pool is free, nothing else is looked at before it is wanted."""

    def __init__(
        self,
        tests: Tests,
        first: int,
        cost: Cost,
        open_: BoolArray | None = None,
        free: BoolArray | None = None,
        costs: Costs | None = None,
    ) -> None:
        self.tests, self.first, self.cost = tests, first, cost
        """The place of the first of the cheapest open pools, and what it costs."""
        self._open, self._free, self._costs = open_, free, costs
        self.bound = cost if cost == tests.slice.lower else self._bound()
        """No pool costs less, whatever the VM's other volumes do."""

    @classmethod
    def now(cls, tests: Tests) -> Way | None:
        """With what is placed as of now; None where no pool is open."""
        first = tests.first()
        return cls(tests, first, tests.slice.lower) if first >= 0 else cls._looked_at(tests)

    @classmethod
    def _looked_at(cls, tests: Tests) -> Way | None:
        open_ = tests.open()
        free = tests.free(open_)
        found = cls._of(tests, open_, free) if open_.any() else None
        if tests.of_pattern:
            least, first = (None, -1) if found is None else (found.bound, found.first)
            tests.outlook.found_out(tests.slice, least, first if found is not None and found.is_free else -1)
        return found

    @classmethod
    def _of(cls, tests: Tests, open_: BoolArray, free: BoolArray | None, costs: Costs | None = None) -> Way:
        if free is not None:
            first = int(free.argmax())
            if free[first]:
                return cls(tests, first, tests.slice.lower, open_, free, costs)
        costs = tests.costs() if costs is None else costs
        return cls(tests, *cheapest(costs, np.flatnonzero(open_)), open_, free, costs)

    @property
    def is_free(self) -> bool:
        """Whether its first pool costs no more than rests on documents, and so needs no look at others."""
        return self._open is None or (self._free is not None and bool(self._free[self.first]))

    @property
    def open(self) -> BoolArray:
        """The pools that nothing closes."""
        if self._open is None:
            self._open = self.tests.open()
        return self._open

    def after(self, row: int) -> Way | None:
        """The same after a volume has gone to a pool; None where no pool is open any more."""
        tests = self.tests
        if tests.far:
            return Way.now(tests)
        position = tests.slice.place(row)
        if position < 0:
            return self
        if self._open is None:
            if tests.is_free(position):
                return self
            first = tests.next_free(position) if position == self.first else self.first
            return Way(tests, first, self.cost) if first >= 0 else Way._looked_at(tests)
        if not self._open[position]:
            return self
        open_, free, costs = self._open.copy(), self._free, self._costs
        open_[position] = tests.open_at(position)
        if not open_.any():
            return None
        if free is not None:
            free = free.copy()
            free[position] = open_[position] and tests.free_at(position)
        if costs is not None:
            costs = _patched(costs, position, tests.costs_at(position), len(open_))
        return Way._of(tests, open_, free, costs)

    def costs(self) -> Costs:
        """What each pool costs, worked out when the free ones do not do."""
        if self._costs is None:
            self._costs = self.tests.costs()
        return self._costs

    def _bound(self) -> Cost:
        adds_up, lower = self.tests.outlook.pricing.adds_up, self.tests.slice.lower
        if all(adds_up):
            return self.cost
        costs = tuple(cost if adds else low for cost, adds, low in zip(self.costs(), adds_up, lower, strict=True))
        return cheapest(costs, np.flatnonzero(self.open))[1]

    def in_order(self) -> Iterator[tuple[int, Cost]]:
        """Rows of open pools, the cheapest first; sorted only when more than the first is wanted."""
        rows = self.tests.slice.rows
        yield int(rows[self.first]), self.cost
        positions, costs = np.flatnonzero(self.open), self.costs()
        keys = [tier[positions] for tier in costs if not isinstance(tier, int)]
        for position in positions[np.lexsort((positions, *reversed(keys)))]:
            if position != self.first:
                yield int(rows[position]), _at(costs, position)


def cheapest(costs: Costs, positions: IntArray) -> tuple[int, Cost]:
    """The first of the positions with the least cost, tier by tier. There must be one."""
    for tier in costs:
        if not isinstance(tier, int) and len(positions) > 1:
            values = tier[positions]
            positions = positions[values == values.min()]
    return int(positions[0]), _at(costs, int(positions[0]))


def _at(costs: Costs, position: int) -> Cost:
    return tuple(tier if isinstance(tier, int) else int(tier[position]) for tier in costs)


def _patched(costs: Costs, position: int, new: Cost, size: int) -> Costs:
    patched: list[Figure] = []
    for old, price in zip(costs, new, strict=True):
        if isinstance(old, int):
            if old == price:
                patched.append(old)
                continue
            old = np.full(size, old, dtype=np.int64)
        tier = old.copy()
        tier[position] = price
        patched.append(tier)
    return tuple(patched)

"""The ways of one volume at one seat: which pools are open to it now, what they cost, and which comes first."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from operator import add

import numpy as np

from allocator.domain.request import Request
from allocator.fleet import Ask, BoolArray, Figure, IntArray
from allocator.goal import Cost
from allocator.outlook import Outlook
from allocator.pricing import Costs
from allocator.rule import Rule
from allocator.seats import Seat
from allocator.slack import Slack
from allocator.slices import Pattern


class Tests:
    """What closes the pools of a slice to one volume: sums that must leave room, and rules that must be asked."""

    def __init__(self, ask: Ask, own: Sequence[Rule], pattern: Pattern, seat: Seat, outlook: Outlook) -> None:
        self.ask, self.pattern, self.outlook = ask, pattern, outlook
        self.fleet = outlook.fleet
        self.slice = outlook.slice(pattern, seat)
        meets = outlook.meets(pattern, self.slice)
        self.slacks: list[Slack] = [*meets.slacks]
        self.asked: list[tuple[Rule, Ask]] = [(rule, pattern.ask) for rule in meets.asked]
        self._free = meets.free
        self.far = meets.far
        """Whether a volume that goes to one pool may close or open others."""
        self.pins = outlook.pinned(ask.request).pools(self.slice.rows)
        for rule in own:
            found = rule.slacks("pool", (ask,), self.fleet, self.slice.rows)
            if found is None and type(rule).open_pools is Rule.open_pools:
                continue
            if found is None:
                self.asked.append((rule, ask))
            self.slacks += found or ()
            self.far = self.far or (found != [] and not (rule.local and rule.monotone))
        self.of_pattern = self.pins is None and len(self.slacks) == len(meets.slacks) and not self.asked
        """Whether they hold for every request of the pattern."""

    def open(self) -> BoolArray:
        """The pools that nothing closes."""
        rows = self.slice.rows
        mask = np.ones(len(rows), dtype=np.bool_) if self.pins is None else self.pins.copy()
        for slack in self.slacks:
            mask &= slack.holds(self.fleet)
        for rule, ask in self.asked:
            found = rule.open_pools(ask, self.fleet, rows)
            if found is not None:
                mask &= found
        return mask

    def open_at(self, position: int) -> bool:
        """Whether a pool that was open still is."""
        if not all(slack.holds_at(self.fleet, position) for slack in self.slacks):
            return False
        row = self.slice.rows[position : position + 1]
        masks = (rule.open_pools(ask, self.fleet, row) for rule, ask in self.asked)
        return all(mask is None or bool(mask[0]) for mask in masks)

    def free(self, open_: BoolArray) -> BoolArray | None:
        """Of the open pools those that cost no more than rests on documents; None: not known."""
        if self._free is None:
            return None
        mask = open_
        for slack in self._free:
            mask = mask & slack.holds(self.fleet)
        return mask

    def free_at(self, position: int) -> bool:
        """The same of one open pool."""
        return all(slack.holds_at(self.fleet, position) for slack in self._free or ())

    def costs(self) -> Costs:
        """What each pool costs."""
        return self._costs(self.slice.costs, self.slice.rows)

    def costs_at(self, position: int) -> Cost:
        """What one pool costs."""
        lasting = tuple(c if isinstance(c, int) else int(c[position]) for c in self.slice.costs)
        found = self._costs(lasting, self.slice.rows[position : position + 1])
        return tuple(c if isinstance(c, int) else int(c[0]) for c in found)

    def _costs(self, lasting: Costs, rows: IntArray) -> Costs:
        return self.outlook.pricing.costs("pool", (self.pattern.ask,), (self.ask,), lasting, rows)


class Way:
    """One volume by one pattern at one seat, at one moment of the search."""

    def __init__(self, tests: Tests, open_: BoolArray, free: BoolArray | None, costs: Costs | None = None) -> None:
        self.tests, self.open = tests, open_
        self._free, self._costs = free, costs
        self.first, self.cost = self._cheapest()
        self.bound = self._bound()
        """No pool costs less, whatever the VM's other volumes do."""

    @classmethod
    def now(cls, tests: Tests) -> Way | None:
        """With what is placed as of now; None where no pool is open."""
        open_ = tests.open()
        found = cls(tests, open_, tests.free(open_)) if open_.any() else None
        if tests.of_pattern:
            tests.outlook.found_out(tests.slice, None if found is None else found.bound)
        return found

    def after(self, row: int) -> Way | None:
        """The same after a volume has gone to a pool; None where no pool is open any more."""
        tests = self.tests
        if tests.far:
            return Way.now(tests)
        position = int(np.searchsorted(tests.slice.rows, row))
        if position == len(tests.slice.rows) or tests.slice.rows[position] != row or not self.open[position]:
            return self
        open_, free, costs = self.open.copy(), self._free, self._costs
        open_[position] = tests.open_at(position)
        if not open_.any():
            return None
        if free is not None:
            free = free.copy()
            free[position] = open_[position] and tests.free_at(position)
        if costs is not None:
            costs = _patched(costs, position, tests.costs_at(position), len(open_))
        return Way(tests, open_, free, costs)

    def costs(self) -> Costs:
        """What each pool costs, worked out when the free ones do not do."""
        if self._costs is None:
            self._costs = self.tests.costs()
        return self._costs

    def _cheapest(self) -> tuple[int, Cost]:
        """The first of the cheapest open pools, and what it costs."""
        if self._free is not None:
            position = int(self._free.argmax())
            if self._free[position]:
                return position, self.tests.slice.lower
        position, cost = cheapest(self.costs(), np.flatnonzero(self.open))
        return position, cost

    def _bound(self) -> Cost:
        adds_up, lower = self.tests.outlook.pricing.adds_up, self.tests.slice.lower
        if all(adds_up) or self.cost == lower:
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


class Options:
    """The ways of one volume at one seat in order of their bounds, looked at as far as is asked for."""

    def __init__(
        self,
        request: Request,
        coming: frozenset[str],
        own: Sequence[Rule],
        known: Iterable[tuple[Cost, Pattern]],
        seat: Seat,
        outlook: Outlook,
    ) -> None:
        self._request, self._coming, self._own, self._seat, self._outlook = request, coming, own, seat, outlook
        self._waiting: list[tuple[Cost, int, Pattern | Way]] = [(bound, n, one) for n, (bound, one) in enumerate(known)]
        heapq.heapify(self._waiting)
        self._found: list[Way] = []

    def __bool__(self) -> bool:
        """False where it is known that no pool is open."""
        return bool(self._waiting or self._found)

    @property
    def bound(self) -> Cost:
        """What no pool costs less than, as far as is known before one is looked at."""
        return self._waiting[0][0]

    def get(self, number: int) -> Way | None:
        """The way with so many before it; None where there are no more."""
        while len(self._found) <= number:
            if not self._waiting:
                return None
            _, place, one = heapq.heappop(self._waiting)
            if isinstance(one, Way):
                self._found.append(one)
                continue
            ask = Ask(self._request, one.ask.alternative, one.ask.asked, self._coming)
            way = Way.now(Tests(ask, self._own, one, self._seat, self._outlook))
            if way is not None:
                heapq.heappush(self._waiting, (way.bound, place, way))
        return self._found[number]


def cheapest_first(options: Sequence[Options]) -> Iterator[tuple[Cost, list[Way]]]:
    """Every choice of one way each, by the sum of their bounds."""
    start = (0,) * len(options)
    heap: list[tuple[Cost, tuple[int, ...], list[Way]]] = []
    seen = {start}
    following = [start]
    while True:
        for picks in following:
            ways = [option.get(pick) for option, pick in zip(options, picks, strict=True)]
            known = [way for way in ways if way is not None]
            if len(known) == len(ways):
                heapq.heappush(heap, (plus(*(way.bound for way in known)), picks, known))
        if not heap:
            return
        bound, picks, chosen = heapq.heappop(heap)
        yield bound, chosen
        following = [(*picks[:place], pick + 1, *picks[place + 1 :]) for place, pick in enumerate(picks)]
        following = [picks for picks in following if picks not in seen]
        seen.update(following)


def plus(first: Cost, *others: Cost) -> Cost:
    """What they cost together, tier by tier."""
    for other in others:
        first = tuple(map(add, first, other))
    return first


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

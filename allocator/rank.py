"""The best target for one VM, exact, with no solver loaded.

A VM's volumes choose pools one after the other while its host comes last, since all its demands on the host are known
once every volume's alternative is. The search is best-first over alternatives, then over *seats* (hosts that reach the
same pools), then depth-first over pools; what cannot beat the best answer so far is never entered. While no two of the
volumes want the same place, the first descent is the answer.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from allocator.domain.placement import Volume
from allocator.domain.request import Request
from allocator.fleet import Ask, BoolArray, IntArray
from allocator.goal import Cost, Tiers
from allocator.screen import Screen
from allocator.verify import worsened

LIMIT: Final = 20_000
"""Places tried for one VM before the search gives up and the solver takes over."""
PER_CHOICE: Final = 10
"""How many places a choice of alternatives counts for: asking every host costs about as much."""


class Beyond(Exception):
    """The VM's volumes compete for places in more ways than the search may try."""


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """The best answer for one VM: its volumes, and what each tier of goals costs more."""

    volumes: tuple[Volume, ...]
    cost: Cost


TierCosts = tuple[IntArray | int, ...]
"""Costs by tier: of each pool or host, or one number where all cost the same."""


@dataclass(frozen=True, slots=True, eq=False)
class _Way:
    """One ask of one request: the pools open to it, and what each would cost."""

    ask: Ask
    open: BoolArray
    costs: TierCosts


@dataclass(frozen=True, slots=True, eq=False)
class _Seat:
    """Hosts that reach the same pools; `hosts` is empty for a volume that is not attached."""

    hosts: IntArray
    pools: BoolArray | None
    """None: every pool that is open."""


def rank(requests: Sequence[Request], screen: Screen, tiers: Tiers) -> Choice | None:
    """The cheapest placement of one VM's requests that breaks and worsens nothing; None where there is none.

    Costs are compared tier by tier. Of equals the first by name is taken. Raises Beyond.
    """
    return _Search(requests, screen, tiers).run()


class _Search:
    def __init__(self, requests: Sequence[Request], screen: Screen, tiers: Tiers) -> None:
        self.requests, self.screen, self.tiers = requests, screen, tiers
        self.fleet = screen.fleet
        self.best: Choice | None = None
        self.left = LIMIT
        self.far = [rule for rule in screen.rules if not rule.local]
        self.adds_up = [all(goal.adds_up for goal, _ in tier) for tier in tiers]
        self.complete = _must_be_complete(requests)

    def run(self) -> Choice | None:
        coming = frozenset(request.group for request in self.requests if request.group is not None)
        ways = [
            [way for ask in self.screen.asks(request, coming) if (way := self._way(ask)).open.any()]
            for request in self.requests
        ]
        if not all(ways):
            return None
        for bound, picked in _cheapest_first([[(self._least(way), way) for way in options] for options in ways]):
            if self.best is not None and bound >= self.best.cost:
                break
            self._spend(PER_CHOICE)
            self._try(picked)
        return self.best

    def _try(self, ways: Sequence[_Way]) -> None:
        """Every seat for these alternatives, the cheapest first."""
        asks = [way.ask for way in ways]
        costs = self._host_costs(asks)
        ranked = []
        for number, seat in enumerate(self._seats(asks, ways)):
            narrowed = [self._within(way, seat) for way in ways]
            if all(way.open.any() for way in narrowed):
                host, host_cost = _cheapest(costs, seat.hosts)
                bound = _plus(host_cost, *(self._least(way) for way in narrowed))
                ranked.append((bound, number, host, host_cost, seat, narrowed))
        for bound, _, host, host_cost, seat, narrowed in sorted(ranked, key=lambda item: item[:2]):
            if self.best is None or bound < self.best.cost:
                self._descend(narrowed, [], host_cost, host, seat)

    def _descend(self, ways: Sequence[_Way], chosen: list[int], cost: Cost, host: int | None, seat: _Seat) -> None:
        """Pools for the volumes that have none yet, the cheapest first."""
        depth = len(chosen)
        rest = _plus((0,) * len(self.tiers), *(self._least(way) for way in ways[depth + 1 :]))
        for row, step in _in_order(ways[depth]):
            now = _plus(cost, step)
            if self.best is not None and _plus(now, rest) >= self.best.cost:
                return
            self._spend(1)
            if depth + 1 == len(ways):
                self._finish(ways, [*chosen, row], now, host)
                continue
            volume = self._volume(ways[depth].ask, row, None)
            self.fleet.add(volume)
            try:
                later = [self._again(way, row, seat) for way in ways[depth + 1 :]]
                if all(way.open.any() for way in later):
                    self._descend([*ways[: depth + 1], *later], [*chosen, row], now, host, seat)
            finally:
                self.fleet.remove(volume)

    def _spend(self, places: int) -> None:
        self.left -= places
        if self.left < 0:
            raise Beyond

    def _finish(self, ways: Sequence[_Way], rows: Sequence[int], cost: Cost, host: int | None) -> None:
        volumes = tuple(self._volume(way.ask, row, host) for way, row in zip(ways, rows, strict=True))
        if self.complete and worsened(self.fleet.inventory, self.screen.rules, volumes):
            return
        self.best = Choice(volumes, cost)

    def _way(self, ask: Ask) -> _Way:
        return _Way(ask, self.screen.pools(ask), self._pool_costs(ask))

    def _within(self, way: _Way, seat: _Seat) -> _Way:
        return way if seat.pools is None else _Way(way.ask, way.open & seat.pools, way.costs)

    def _again(self, way: _Way, row: int, seat: _Seat) -> _Way:
        """A later volume's way after one has gone to a pool: only that pool has changed, but for far-reaching rules."""
        only = np.array([row], dtype=np.int64)
        open_ = way.open.copy()
        open_[row] = self.screen.pools(way.ask, only)[0] and (seat.pools is None or seat.pools[row])
        return _Way(way.ask, self.screen.narrowed(open_, way.ask, self.far), self._patched(way, row, only))

    def _patched(self, way: _Way, row: int, only: IntArray) -> TierCosts:
        patched: list[IntArray | int] = []
        for old, new in zip(way.costs, self._pool_costs(way.ask, only), strict=True):
            price = new if isinstance(new, int) else int(new[0])
            if isinstance(old, int):
                if old == price:
                    patched.append(old)
                    continue
                old = np.full(len(self.fleet.pools), old, dtype=np.int64)
            costs = old.copy()
            costs[row] = price
            patched.append(costs)
        return tuple(patched)

    def _seats(self, asks: Sequence[Ask], ways: Sequence[_Way]) -> Iterator[_Seat]:
        if not self.requests[0].attaches:
            yield _Seat(np.empty(0, dtype=np.int64), None)
            return
        links = self.screen.links
        hosts = self.screen.hosts(asks)
        views = self.screen.views[links.host_group]
        shared = links.only_host < 0
        for view in np.unique(views[hosts]):
            rows = np.flatnonzero(hosts & (views == view))
            pools = links.table[links.pool_group, links.host_group[rows[0]]] & shared
            yield _Seat(rows, None if pools.all() else pools)
        wanted = np.logical_or.reduce([way.open for way in ways]) & ~shared
        for host in np.unique(links.only_host[wanted]):
            if hosts[host]:
                reached = links.table[links.pool_group, links.host_group[host]] & shared
                yield _Seat(np.array([host], dtype=np.int64), reached | (links.only_host == host))

    def _volume(self, ask: Ask, row: int, host: int | None) -> Volume:
        hosts = () if host is None else (self.fleet.hosts[host].name,)
        return Volume(ask.request, self.fleet.pools[row].name, hosts, ask.alternative, ask.asked)

    def _pool_costs(self, ask: Ask, only: IntArray | None = None) -> TierCosts:
        return tuple(
            _summed([(weight, goal.pool_cost(ask, self.fleet, only)) for goal, weight in tier]) for tier in self.tiers
        )

    def _host_costs(self, asks: Sequence[Ask]) -> TierCosts:
        return tuple(
            _summed([(weight, goal.host_cost(asks, self.fleet)) for goal, weight in tier]) for tier in self.tiers
        )

    def _least(self, way: _Way) -> Cost:
        """No pool costs less, whatever the VM's other volumes do: tiers in which places are shared count 0."""
        costs = tuple(cost if adds_up else 0 for cost, adds_up in zip(way.costs, self.adds_up, strict=True))
        return _cheapest(costs, np.flatnonzero(way.open))[1]


def _summed(costs: Sequence[tuple[int, IntArray | int | None]]) -> IntArray | int:
    total: IntArray | int = 0
    for weight, cost in costs:
        if cost is not None:
            total = total + weight * cost
    return total


def _must_be_complete(requests: Sequence[Request]) -> bool:
    """Whether a rule that is not monotone has a say: such a rule can only be asked about the complete VM."""
    groups = {request.group for request in requests}
    return any(
        (request.apart is not None and request.apart.min_domains is not None)
        or (request.near is not None and request.near.group in groups)
        for request in requests
    )


def _plus(*costs: Cost) -> Cost:
    return tuple(map(sum, zip(*costs, strict=True)))


def _cheapest(costs: TierCosts, rows: IntArray) -> tuple[int | None, Cost]:
    """The first of the rows with the least cost, tier by tier; no rows cost nothing."""
    if not len(rows):
        return None, (0,) * len(costs)
    for tier in costs:
        if not isinstance(tier, int) and len(rows) > 1:
            values = tier[rows]
            rows = rows[values == values.min()]
    return int(rows[0]), _at(costs, int(rows[0]))


def _at(costs: TierCosts, row: int) -> Cost:
    return tuple(tier if isinstance(tier, int) else int(tier[row]) for tier in costs)


def _in_order(way: _Way) -> Iterator[tuple[int, Cost]]:
    """Open pools, the cheapest first; sorted only when more than the first is wanted."""
    rows = np.flatnonzero(way.open)
    first, cost = _cheapest(way.costs, rows)
    if first is None:
        return
    yield first, cost
    keys = [tier[rows] for tier in way.costs if not isinstance(tier, int)]
    for row in rows[np.lexsort((rows, *reversed(keys)))]:
        if row != first:
            yield int(row), _at(way.costs, int(row))


def _cheapest_first(options: Sequence[Sequence[tuple[Cost, _Way]]]) -> Iterator[tuple[Cost, list[_Way]]]:
    """Every choice of one way each, by the sum of their least costs."""
    ordered = [sorted(ways, key=lambda way: way[0]) for ways in options]
    start = (0,) * len(ordered)
    heap = [(_plus(*(ways[0][0] for ways in ordered)), start)]
    seen = {start}
    while heap:
        bound, picks = heapq.heappop(heap)
        yield bound, [ways[pick][1] for ways, pick in zip(ordered, picks, strict=True)]
        for place, pick in enumerate(picks):
            following = (*picks[:place], pick + 1, *picks[place + 1 :])
            if pick + 1 < len(ordered[place]) and following not in seen:
                seen.add(following)
                total = _plus(*(ways[p][0] for ways, p in zip(ordered, following, strict=True)))
                heapq.heappush(heap, (total, following))

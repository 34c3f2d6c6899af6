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


@dataclass(frozen=True, slots=True, eq=False)
class _Way:
    """One ask of one request: the pools open to it, and what each would cost by tier."""

    ask: Ask
    open: BoolArray
    costs: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class _Seat:
    """Hosts that reach the same pools; `hosts` is empty for a volume that is not attached."""

    hosts: IntArray
    pools: BoolArray


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
            narrowed = [_Way(way.ask, way.open & seat.pools, way.costs) for way in ways]
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
            later = [self._again(way, row, seat) for way in ways[depth + 1 :]]
            if all(way.open.any() for way in later):
                self._descend([*ways[: depth + 1], *later], [*chosen, row], now, host, seat)
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

    def _again(self, way: _Way, row: int, seat: _Seat) -> _Way:
        """A later volume's way after one has gone to a pool: only that pool has changed, but for far-reaching rules."""
        only = np.array([row], dtype=np.int64)
        open_, costs = way.open.copy(), way.costs.copy()
        open_[row] = self.screen.pools(way.ask, only)[0] and seat.pools[row]
        open_ &= self.screen.pools(way.ask, rules=self.far)
        costs[:, row] = self._pool_costs(way.ask, only)[:, 0]
        return _Way(way.ask, open_, costs)

    def _seats(self, asks: Sequence[Ask], ways: Sequence[_Way]) -> Iterator[_Seat]:
        links, size = self.screen.links, len(self.fleet.pools)
        if not self.requests[0].attaches:
            yield _Seat(np.empty(0, dtype=np.int64), np.ones(size, dtype=np.bool_))
            return
        hosts = self.screen.hosts(asks)
        shared = links.only_host < 0
        for group in np.unique(links.host_group[hosts]):
            rows = np.flatnonzero(hosts & (links.host_group == group))
            yield _Seat(rows, links.table[links.pool_group, group] & shared)
        wanted = np.logical_or.reduce([way.open for way in ways]) & ~shared
        for host in np.unique(links.only_host[wanted]):
            if hosts[host]:
                reached = links.table[links.pool_group, links.host_group[host]] & shared
                yield _Seat(np.array([host], dtype=np.int64), reached | (links.only_host == host))

    def _volume(self, ask: Ask, row: int, host: int | None) -> Volume:
        hosts = () if host is None else (self.fleet.hosts[host].name,)
        return Volume(ask.request, self.fleet.pools[row].name, hosts, ask.alternative, ask.asked)

    def _pool_costs(self, ask: Ask, only: IntArray | None = None) -> IntArray:
        size = len(self.fleet.pools) if only is None else len(only)
        costs = np.zeros((len(self.tiers), size), dtype=np.int64)
        for number, tier in enumerate(self.tiers):
            for goal, weight in tier:
                cost = goal.pool_cost(ask, self.fleet, only)
                if cost is not None:
                    costs[number] += weight * cost
        return costs

    def _host_costs(self, asks: Sequence[Ask]) -> IntArray:
        costs = np.zeros((len(self.tiers), len(self.fleet.hosts)), dtype=np.int64)
        for number, tier in enumerate(self.tiers):
            for goal, weight in tier:
                cost = goal.host_cost(asks, self.fleet)
                if cost is not None:
                    costs[number] += weight * cost
        return costs

    def _least(self, way: _Way) -> Cost:
        """No pool costs less, whatever the VM's other volumes do: tiers in which places are shared count 0."""
        costs = way.costs if all(self.adds_up) else way.costs * np.array(self.adds_up, dtype=np.int64)[:, None]
        return _cheapest(costs, np.flatnonzero(way.open))[1]


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


def _cheapest(costs: IntArray, rows: IntArray) -> tuple[int | None, Cost]:
    """The first of the rows with the least cost, tier by tier."""
    if not len(rows):
        return None, (0,) * len(costs)
    for tier in costs:
        values = tier[rows]
        rows = rows[values == values.min()]
    row = int(rows[0])
    return row, tuple(int(value) for value in costs[:, row])


def _in_order(way: _Way) -> Iterator[tuple[int, Cost]]:
    """Open pools, the cheapest first; sorted only when more than the first is wanted."""
    rows = np.flatnonzero(way.open)
    first, cost = _cheapest(way.costs, rows)
    if first is None:
        return
    yield first, cost
    for row in rows[np.lexsort((rows, *way.costs[::-1, rows]))]:
        if row != first:
            yield int(row), tuple(int(value) for value in way.costs[:, row])


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

"""The best target for one VM, exact, with no solver loaded.

A VM's volumes choose pools one after the other while its host comes last, since all its demands on the host are known
once every volume's alternative is. The search is best-first over *seats* (hosts that reach the same pools) and over
alternatives, then depth-first over pools; what cannot beat the best answer so far is never entered, and nothing is
worked out before it is needed. While no two of the volumes want the same place, the first descent is the answer.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from allocator.domain.placement import Volume
from allocator.domain.request import Request
from allocator.goal import Cost, Tiers
from allocator.ranking.closing import Tests
from allocator.ranking.counting import too_few
from allocator.ranking.options import Asked, Options, cheapest_first, plus
from allocator.ranking.seating import cheapest_host
from allocator.ranking.seats import Seat
from allocator.ranking.way import Way
from allocator.screen import Screen
from allocator.verify import worsened

LIMIT: Final = 20_000
"""Places tried for one VM before the search gives up and the solver takes over."""
PER_CHOICE: Final = 10
"""How many places a further choice of alternatives counts for: asking hosts costs about as much."""


class Beyond(Exception):
    """The VM's volumes compete for places in more ways than the search may try."""


class _DeadEnd(Exception):
    """The first time that a volume finds no pool after those before it."""


@dataclass(slots=True, eq=False)
class Choice:
    """The best answer for one VM: its volumes, and what each tier of goals costs more."""

    volumes: tuple[Volume, ...]
    cost: Cost


def rank(requests: Sequence[Request], screen: Screen, tiers: Tiers) -> Choice | None:
    """The cheapest placement of one VM's requests that breaks and worsens nothing; None where there is none.

    Costs are compared tier by tier. Of equals the first by name is taken. Raises Beyond.
    """
    return _Search(requests, screen, tiers).run()


_Waiting = tuple[Cost, int, Seat, list[Options], bool]
"""A bound, the seat's number, the seat, the ways of each volume there, and whether the pools were looked at."""


class _Search:
    def __init__(self, requests: Sequence[Request], screen: Screen, tiers: Tiers) -> None:
        self.requests, self.screen = requests, screen
        self.fleet, self.outlook = screen.fleet, screen.outlook(tiers)
        self.best: Choice | None = None
        self.left = LIMIT
        self.least: Cost = ()
        """What no pools cost less than, with the host and by the ways that are being tried."""
        self.wary = False
        """Whether places are counted before they are tried: not before a volume has found none."""
        self.complete = screen.mended(requests)
        outlook = self.outlook
        coming = frozenset([request.group for request in requests if request.group is not None])
        self.asked = [
            Asked(request, coming, outlook.patterns(request), outlook.own_rules(request), outlook.pinned(request))
            for request in requests
        ]

    def run(self) -> Choice | None:
        if all(asked.patterns for asked in self.asked):
            for bound, seat, options in self._seats():
                if self.best is not None and bound >= self.best.cost:
                    break
                self._at(seat, options)
                if self.best is not None and bound >= self.best.cost:
                    # No other seat is cheaper, so that none needs to be looked at.
                    break
        return self.best

    def _seats(self) -> Iterator[tuple[Cost, Seat, list[Options]]]:
        """Every seat where each volume has an open pool, by the least that these pools cost.

        What is remembered of seats decides how many are looked at, never their order.
        """
        self.outlook.seats.follow()
        lowest = plus(*[min([pattern.lower for pattern in asked.patterns]) for asked in self.asked])
        heap: list[_Waiting] = []
        for seat in self.outlook.seats_of(self.requests[0].attaches, [asked.pins for asked in self.asked]):
            while heap and heap[0][:2] < (lowest, seat.number):
                yield from self._next(heap)
            shared: dict[Tests, Way | None] = {}
            options = [
                Options(asked, self.outlook.bounds(asked.patterns, seat), self.outlook, shared) for asked in self.asked
            ]
            if all(options):
                heapq.heappush(heap, (plus(*[option.bound for option in options]), seat.number, seat, options, False))
        while heap:
            yield from self._next(heap)

    @staticmethod
    def _next(heap: list[_Waiting]) -> Iterator[tuple[Cost, Seat, list[Options]]]:
        """The first seat of the heap, if it was looked at; else it is looked at and put back by what was found."""
        bound, number, seat, options, looked_at = heapq.heappop(heap)
        if looked_at:
            yield bound, seat, options
            return
        ways = [option.get(0) for option in options]
        known = [way for way in ways if way is not None]
        if len(known) == len(ways):
            heapq.heappush(heap, (plus(*[way.bound for way in known]), number, seat, options, True))

    def _at(self, seat: Seat, options: Sequence[Options]) -> None:
        """Every choice of alternatives at one seat, the cheapest first."""
        for number, (bound, ways) in enumerate(cheapest_first(options)):
            if self.best is not None and bound >= self.best.cost:
                return
            if number:
                self._spend(PER_CHOICE)
            found = cheapest_host([way.tests.pattern for way in ways], self.asked, seat, self.outlook)
            if found is not None:
                self._try(ways, *found)
            if self.best is not None and self.best.cost <= bound:
                return

    def _try(self, ways: Sequence[Way], host: int | None, cost: Cost) -> None:
        """Pools for all volumes, unless counting tells that there are too few."""
        self.least = plus(cost, *[way.bound for way in ways])
        if not self.wary:
            try:
                self._descend(ways, [], cost, host)
            except _DeadEnd:
                self.wary = True
            else:
                return
        if not too_few(ways, self.fleet):
            self._descend(ways, [], cost, host)

    def _descend(self, ways: Sequence[Way], chosen: list[int], cost: Cost, host: int | None) -> None:
        """Pools for the volumes that have none yet, the cheapest first."""
        way, rest = ways[len(chosen)], ways[len(chosen) + 1 :]
        for row, step in way.in_order():
            if self._is_beaten(cost, step, rest):
                return
            self._spend(1)
            now = plus(cost, step)
            if not rest:
                self._finish(ways, [*chosen, row], now, host)
            else:
                self._choose(ways, [*chosen, row], now, host)
            if self._is_beaten(cost, step, rest):
                return

    def _is_beaten(self, cost: Cost, step: Cost, rest: Sequence[Way]) -> bool:
        """Whether one more pool for so much, and pools for the rest, lead to nothing cheaper than the best answer."""
        best = self.best
        if best is None:
            return False
        return best.cost <= self.least or plus(cost, step, *[way.bound for way in rest]) >= best.cost

    def _choose(self, ways: Sequence[Way], chosen: list[int], cost: Cost, host: int | None) -> None:
        """Go on with the last chosen pool taken for the time being."""
        depth = len(chosen)
        volume = self._volume(depth - 1, ways[depth - 1], chosen[-1], ())
        self.fleet.add(volume)
        try:
            after = {way: way.after(chosen[-1]) for way in dict.fromkeys(ways[depth:])}
            later = [found for way in ways[depth:] if (found := after[way]) is not None]
            if depth + len(later) == len(ways):
                self._descend([*ways[:depth], *later], chosen, cost, host)
            elif not self.wary:
                raise _DeadEnd
        finally:
            self.fleet.remove(volume)

    def _spend(self, places: int) -> None:
        self.left -= places
        if self.left < 0:
            raise Beyond

    def _finish(self, ways: Sequence[Way], rows: Sequence[int], cost: Cost, host: int | None) -> None:
        hosts = () if host is None else (self.fleet.hosts[host].name,)
        volumes = tuple([self._volume(number, *at, hosts) for number, at in enumerate(zip(ways, rows, strict=True))])
        if self.complete and worsened(self.fleet.inventory, self.screen.rules, volumes):
            return
        self.best = Choice(volumes, cost)

    def _volume(self, number: int, way: Way, row: int, hosts: tuple[str, ...]) -> Volume:
        kept = way.tests.pattern.ask
        return Volume(self.requests[number], self.fleet.pools[row].name, hosts, kept.alternative, kept.asked)

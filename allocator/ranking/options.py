"""The ways of one volume at one seat in order of their bounds, and the choices of one way for each volume of a VM."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import add

from allocator.domain.request import Request
from allocator.fleet import Ask
from allocator.goal import Cost
from allocator.ranking.closing import Tests
from allocator.ranking.outlook import Outlook, Pinned
from allocator.ranking.slices import Pattern, Slice
from allocator.ranking.way import Way
from allocator.rule import Rule


@dataclass(slots=True, eq=False)
class Asked:
    """One volume of a VM that is asked for, and all that is the same at every seat."""

    request: Request
    coming: frozenset[str]
    """Groups with members that are being placed in the same call."""
    patterns: Sequence[Pattern]
    own: Sequence[Rule]
    """The rules that must hear the request itself."""
    pins: Pinned

    def ask(self, pattern: Pattern) -> Ask:
        """The volume by one of its patterns, as rules must hear it."""
        return Ask(self.request, pattern.ask.alternative, pattern.ask.asked, self.coming)


class Options:
    """The ways of one volume at one seat, looked at as far as is asked for."""

    def __init__(
        self,
        asked: Asked,
        known: Iterable[tuple[Cost, Pattern, Slice]],
        outlook: Outlook,
        shared: dict[Tests, Way | None],
    ) -> None:
        """`shared` are ways that equal volumes of the VM have as well."""
        self._asked, self._outlook, self._shared = asked, outlook, shared
        self._waiting: list[tuple[Cost, int, Way | tuple[Pattern, Slice]]] = [
            (bound, number, (pattern, known)) for number, (bound, pattern, known) in enumerate(known)
        ]
        if len(self._waiting) > 1:
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
            way = self._now(*one)
            if way is not None:
                if not self._waiting or (way.bound, place) < self._waiting[0][:2]:
                    self._found.append(way)
                else:
                    heapq.heappush(self._waiting, (way.bound, place, way))
        return self._found[number]

    def _now(self, pattern: Pattern, known: Slice) -> Way | None:
        asked, outlook = self._asked, self._outlook
        pins = asked.pins.pools(known.rows)
        if asked.own or pins is not None or outlook.pricing.hears:
            return Way.now(Tests(pattern, known, outlook, asked.ask(pattern), asked.own, pins))
        if known.tests is None:
            known.tests = Tests(pattern, known, outlook, pattern.ask)
        if known.tests not in self._shared:
            self._shared[known.tests] = Way.now(known.tests)
        return self._shared[known.tests]


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
                heapq.heappush(heap, (plus(*[way.bound for way in known]), picks, known))
        if not heap:
            return
        bound, picks, chosen = heapq.heappop(heap)
        yield bound, chosen
        following = [(*picks[:place], pick + 1, *picks[place + 1 :]) for place, pick in enumerate(picks)]
        following = [picks for picks in following if picks not in seen]
        seen.update(following)


def plus(first: Cost, *others: Cost) -> Cost:
    """What they cost together, tier by tier; most cost nothing."""
    for other in others:
        if any(other):
            first = tuple(map(add, first, other))
    return first

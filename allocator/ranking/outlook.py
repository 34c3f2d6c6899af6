"""What requests meet on a fleet, made ready to be asked often: all that rests on documents, cut to where it matters.

Requests with equal wishes share a *pattern* for each way to keep them. What a pattern meets on the pools of a seat is a
*slice*: a few short arrays, so that a call costs what it can reach and not what there is.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from functools import partial
from typing import Final

import numpy as np

from allocator.domain.outcome import GoalResult
from allocator.domain.request import Request
from allocator.fleet import MOST_CELLS, MOST_SHAPES, Ask, BoolArray, Fleet, IntArray
from allocator.goal import Cost, Tiers, tier_name
from allocator.ranking.parties import Parties
from allocator.ranking.pricing import Pricing
from allocator.ranking.seats import Seat, Seats
from allocator.ranking.slices import Cutter, Meets, Pattern, Slice
from allocator.rule import Links, Rule

MOST_PINS: Final = 1_000
"""Ways to be pinned, and costs, that are kept; beyond it all are forgotten."""


class Outlook:
    """All patterns, seats and slices met so far, under some rules and goals."""

    def __init__(self, fleet: Fleet, rules: Sequence[Rule], links: Links, views: IntArray, tiers: Tiers) -> None:
        self.fleet, self.tiers = fleet, tiers
        self.pricing = Pricing(fleet, tiers)
        wishing = [rule for rule in rules if rule.reads in ("wishes", "demands")]
        demanding = [rule for rule in wishing if rule.reads == "demands"]
        self.parties = Parties(self.pricing, demanding)
        self._lasting = [rule for rule in wishing if rule.static]
        self._moving = [rule for rule in wishing if not rule.static]
        self._pinning = [rule for rule in rules if rule.reads == "pins" and rule.static]
        self._own = [rule for rule in rules if rule not in wishing and rule not in self._pinning]
        self._own_alone = [rule for rule in self._own if rule.reads != "groups"]
        self.seats = Seats(fleet, links, views)
        self._cutter = Cutter(fleet, self._moving, self.pricing)
        self.grows = all(rule.monotone for rule in wishing)
        """Whether more volumes never open a place or make it cheaper."""
        self._at_hosts = [rule for rule in self._moving if rule not in demanding]
        self._footprints: dict[Hashable, int] = {}
        self._patterns: dict[tuple[object, ...], tuple[Pattern, ...]] = {}
        self._pins: dict[tuple[object, ...], Pinned] = {}
        self._results: dict[Cost, tuple[GoalResult, ...]] = {}

    def patterns(self, request: Request) -> tuple[Pattern, ...]:
        """The ways to keep a request for which documents leave a pool open, the preferred ones first."""
        found = self._patterns.get(request.wishes)
        if found is None:
            if self._cutter.cells >= MOST_CELLS or len(self._patterns) >= MOST_SHAPES:
                self._patterns.clear()
                self._footprints.clear()
                self.parties.clear()
                self._cutter.cells = 0
            asks = [Ask(request, way, asked, likeness=self.fleet.number()) for way, asked in self.fleet.ways(request)]
            found = tuple(pattern for pattern in map(self._pattern, asks) if pattern is not None)
            self._patterns[request.wishes] = found
        elif found:
            request.share_wishes(found[0].ask.request)
        return found

    def _pattern(self, ask: Ask) -> Pattern | None:
        rows = self._open(ask, np.arange(len(self.fleet.pools)))
        if not len(rows):
            return None
        costs = self.pricing.lasting("pool", (ask,), rows)
        masks = (rule.open_hosts((ask,), self.fleet) for rule in self._lasting)
        known = [mask for mask in masks if mask is not None and not mask.all()]
        hosts = np.logical_and.reduce(known) if known else None
        position = np.full(len(self.fleet.pools), -1, dtype=np.int64)
        position[rows] = np.arange(len(rows))
        self._cutter.cells += len(position) + len(rows) + (0 if hosts is None else len(hosts))
        at_hosts = {rule: rule.slacks("host", (ask,), self.fleet) for rule in self._at_hosts}
        bound_by = tuple([rule for rule, slacks in at_hosts.items() if slacks != []])
        even = all(slack.even for slacks in at_hosts.values() for slack in slacks or ())
        lower, footprint = self.pricing.lower(costs), self._footprint(ask, hosts)
        return Pattern(ask, rows, costs, lower, hosts, bound_by, even, footprint, position)

    def _footprint(self, ask: Ask, hosts: BoolArray | None) -> int:
        seen = tuple([rule.footprint(ask, self.fleet) for rule in self._at_hosts])
        key = seen, self.pricing.footprint(ask), None if hosts is None else np.packbits(hosts).tobytes()
        if key not in self._footprints:
            self._footprints[key] = self.fleet.number()
        return self._footprints[key]

    def own_rules(self, request: Request) -> list[Rule]:
        """The rules that must hear the request itself and have something to say to it."""
        rules = self._own if request.grouped else self._own_alone
        return [rule for rule in rules if rule.concerned(request, self.fleet.inventory)]

    def slice(self, pattern: Pattern, seat: Seat) -> Slice:
        """The pools of a seat that documents leave open to the pattern."""
        return self._cutter.slice(pattern, seat.key, seat.pools)

    def meets(self, pattern: Pattern, known: Slice) -> Meets:
        """What decides between the pools of a slice."""
        return self._cutter.meets(pattern, known)

    def _open(self, ask: Ask, rows: IntArray) -> IntArray:
        """Of these rows, the pools that documents leave open."""
        rows = rows[self.fleet.keeps(ask, rows)]
        for rule in self._lasting:
            mask = rule.open_pools(ask, self.fleet, rows)
            if mask is not None:
                rows = rows[mask]
        return rows

    def bounds(self, patterns: Sequence[Pattern], seat: Seat) -> Iterator[tuple[Cost, Pattern, Slice]]:
        """What no pool of the seat costs less than, pattern by pattern, as far as is known before one is looked at.

        Patterns to which no pool is open are left out.
        """
        for pattern in patterns:
            known = self.slice(pattern, seat)
            bound: Cost | None = known.lower if len(known.rows) else None
            if self.lasts(known):
                bound = known.least
            if bound is not None:
                yield bound, pattern, known

    def lasts(self, known: Slice) -> bool:
        """Whether what was found out of a slice still holds: no volume has left a pool that decides."""
        if known.found == self.fleet.departures:
            return True
        if known.found < 0 or known.meets is None or known.meets.far:
            return False
        return known.found >= self.seats.last_left(known.key)

    def found_out(self, known: Slice, least: Cost | None, first: int) -> None:
        """Remember what no pool of a slice costs less than, and the first that is free (-1: none).

        No pool comes before it until a volume leaves one of them.
        """
        if self.grows and not self.fleet.placed:
            known.least, known.first, known.found = least, first, self.fleet.departures

    def seats_of(self, attaches: bool, pins: Sequence[Pinned]) -> Sequence[Seat]:
        """Where the volumes of one VM may go by their pins, in the order in which seats of equal cost are taken."""
        if not attaches:
            return self.seats.detached
        together = dict.fromkeys(pins)
        return self.seats.allowed(tuple([pinned.ask.likeness for pinned in together]), partial(_allowed, together))

    def results(self, cost: Cost) -> tuple[GoalResult, ...]:
        """What is told of the goals where this is the least that they can cost."""
        found = self._results.get(cost)
        if found is None:
            if len(self._results) >= MOST_PINS:
                self._results.clear()
            told = zip(self.tiers, cost, strict=True)
            found = self._results[cost] = tuple(GoalResult(tier_name(tier), least, least) for tier, least in told)
        return found

    def pinned(self, request: Request) -> Pinned:
        """What the pins of a request leave open."""
        found = self._pins.get(request.pins)
        if found is None:
            if len(self._pins) >= MOST_PINS:
                self._pins.clear()
            anyhow = request.alternatives[0]
            ask = Ask(request, anyhow, anyhow, likeness=self.fleet.number())
            found = self._pins[request.pins] = Pinned(ask, self.fleet, self._pinning)
        return found


class Pinned:
    """What rules that read nothing but pins leave open to requests with the same pins."""

    def __init__(self, ask: Ask, fleet: Fleet, rules: Sequence[Rule]) -> None:
        self.ask, self._fleet, self._rules = ask, fleet, rules
        self._pools = _together(rule.open_pools(ask, fleet) for rule in rules)

    def pools(self, rows: IntArray) -> BoolArray | None:
        """Which of these pools; None: all."""
        mask = None if self._pools is None else self._pools.take(rows)
        return None if mask is None or mask.all() else mask

    def hosts(self) -> BoolArray | None:
        """Which hosts; None: all."""
        return _together(rule.open_hosts((self.ask,), self._fleet) for rule in self._rules)


def _allowed(pins: Iterable[Pinned]) -> BoolArray | None:
    return _together(pinned.hosts() for pinned in pins)


def _together(masks: Iterable[BoolArray | None]) -> BoolArray | None:
    known = [mask for mask in masks if mask is not None]
    if len(known) == 1:
        return known[0]
    return np.logical_and.reduce(known) if known else None

"""The host of one VM: the first of the cheapest that take all of its volumes together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from allocator.domain.lazily import lazily
from allocator.fleet import Ask, BoolArray, IntArray
from allocator.goal import Cost
from allocator.ranking.options import Asked
from allocator.ranking.outlook import Outlook
from allocator.ranking.parties import Party, Turn
from allocator.ranking.seats import Seat
from allocator.ranking.slices import Pattern
from allocator.ranking.way import cheapest
from allocator.slack import Slacks


def cheapest_host(
    patterns: Sequence[Pattern], asked: Sequence[Asked], seat: Seat, outlook: Outlook
) -> tuple[int | None, Cost] | None:
    """The row of the host and what it costs; no row for volumes that are not attached, None where no host is open.

    Each volume is asked for by the pattern in its place.
    """
    if not seat.hosts:
        return None, outlook.pricing.nothing
    hosts = _Hosts(patterns, asked, seat, outlook)
    free = hosts.first_free()
    return hosts.first_of_all() if free is None else free


class _Hosts:
    """What the volumes of one VM meet on the hosts of a seat."""

    def __init__(self, patterns: Sequence[Pattern], asked: Sequence[Asked], seat: Seat, outlook: Outlook) -> None:
        self.patterns, self.asked, self.seat = patterns, asked, seat
        self.outlook, self.fleet = outlook, outlook.fleet
        self.own = dict.fromkeys([rule for volume in asked for rule in volume.own])

    @lazily
    def asks(self) -> list[Ask]:
        """The volumes, as rules must hear them."""
        return [volume.ask(pattern) for volume, pattern in zip(self.asked, self.patterns, strict=True)]

    def first_free(self) -> tuple[int, Cost] | None:
        """The first host that costs no more than any must: hosts are looked at piece by piece until there is one."""
        for party, turn in self._turns():
            place = -1 if party.terms.free is None else self._first(party, turn)
            if place >= 0:
                return int(party.rows[place]), party.terms.lower
        return None

    def _first(self, party: Party, turn: Turn) -> int:
        """The place of the first free host, which does not come before that of last time; -1: none is."""
        if turn.found == self.fleet.departures and (turn.first < 0 or self._is_free(turn.first, party, turn)):
            return turn.first
        place = -1 if turn.sieve is None else turn.sieve.first(party.rows)
        if turn.sieve is None or (place >= 0 and not self._is_free(place, party, turn)):
            place = self._first_of_open(party, turn)
        if self.outlook.grows and not self.own:
            turn.first, turn.found = place, self.fleet.departures
        return place

    def _first_of_open(self, party: Party, turn: Turn) -> int:
        mask = self._open(party, turn)
        if party.here.free:
            mask &= party.here.free.hold(self.fleet, len(mask))
        place = int(mask.argmax())
        return place if mask[place] else -1

    def first_of_all(self) -> tuple[int, Cost] | None:
        """The first of the cheapest hosts, none of which is free."""
        found = [party.rows[self._open(party, turn)] for party, turn in self._turns()]
        if not any(map(len, found)):
            return None
        rows = np.concatenate(found)
        pricing, alike = self.outlook.pricing, [pattern.ask for pattern in self.patterns]
        costs = pricing.costs("host", alike, self.asks, pricing.lasting("host", alike, rows), rows)
        position, cost = cheapest(costs, np.arange(len(rows)))
        return int(rows[position]), cost

    def _turns(self) -> Iterator[tuple[Party, Turn]]:
        """What decides on each piece of the seat's hosts on which documents leave any open."""
        parties = self.outlook.parties
        demands = tuple([d for volume in self.asked if (d := volume.request.host_resources)])
        for piece in range(len(self.seat.hosts)):
            party = parties.at(self.patterns, self.seat, piece)
            if len(party.rows):
                yield party, parties.turn(party, demands, lambda: self.asks)

    def _is_free(self, place: int, party: Party, turn: Turn) -> bool:
        """Whether one host is open and costs no more than any must."""
        if turn.sieve is not None:
            if not turn.sieve.holds_at(party.rows.item(place)):
                return False
        elif not all(
            slacks.holds_at(self.fleet, place)
            for slacks in (turn.here.slacks, party.here.slacks, party.here.free or Slacks())
        ):
            return False
        return not self._asks(party, turn) or bool(self._asked(party, turn, party.rows[place : place + 1])[0])

    def _open(self, party: Party, turn: Turn) -> BoolArray:
        """Hosts that take all volumes, whatever that costs."""
        mask = party.here.slacks.hold(self.fleet, len(party.rows))
        if turn.here.slacks:
            mask &= turn.here.slacks.hold(self.fleet, len(mask))
        return mask & self._asked(party, turn, party.rows) if self._asks(party, turn) else mask

    def _asks(self, party: Party, turn: Turn) -> bool:
        """Whether there are rules that are not about sums, or that must hear the requests themselves."""
        return bool(party.terms.rules or turn.terms.rules or self.own)

    def _asked(self, party: Party, turn: Turn, rows: IntArray) -> BoolArray:
        """What rules say that are not about sums, or that must hear the requests themselves."""
        mask = np.ones(len(rows), dtype=np.bool_)
        for asks, rules in ((party.asks, party.terms.rules), (self.asks, turn.terms.rules), (self.asks, self.own)):
            for rule in rules:
                slacks = rule.slacks("host", asks, self.fleet, rows)
                if slacks is None:
                    found = rule.open_hosts(asks, self.fleet, rows)
                    if found is not None:
                        mask &= found
                for slack in slacks or ():
                    mask &= slack.holds(self.fleet)
        return mask

"""The host of one VM: the first of the cheapest that take all of its volumes together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from allocator.fleet import Ask, BoolArray, IntArray
from allocator.goal import Cost
from allocator.outlook import Outlook
from allocator.parties import Party
from allocator.rule import Rule
from allocator.seats import Seat
from allocator.way import Way, cheapest


def cheapest_host(
    ways: Sequence[Way], own: Sequence[Sequence[Rule]], seat: Seat, outlook: Outlook
) -> tuple[int | None, Cost] | None:
    """The row of the host and what it costs; no row for volumes that are not attached, None where no host is open.

    `own` names for each volume the rules that must hear its request itself.
    """
    if not seat.hosts:
        return None, outlook.pricing.nothing
    return _Hosts(ways, own, outlook).first(seat)


class _Hosts:
    """What the volumes of one VM meet on hosts."""

    def __init__(self, ways: Sequence[Way], own: Sequence[Sequence[Rule]], outlook: Outlook) -> None:
        self.outlook, self.fleet = outlook, outlook.fleet
        self.patterns = [way.tests.pattern for way in ways]
        self.asks: list[Ask] = [way.tests.ask for way in ways]
        self.own = dict.fromkeys(rule for rules in own for rule in rules)

    def first(self, seat: Seat) -> tuple[int, Cost] | None:
        """Hosts are looked at piece by piece, until one costs no more than any must."""
        found: list[IntArray] = []
        for piece in range(len(seat.hosts)):
            party = self.outlook.parties.at(self.patterns, seat, piece)
            if not len(party.rows):
                continue
            mask = self._open(party)
            free = self._free(mask, party)
            if free is not None:
                position = int(free.argmax())
                if free[position]:
                    return int(party.rows[position]), party.lower
            if mask.any():
                found.append(party.rows[mask])
        if not found:
            return None
        rows, pricing = np.concatenate(found), self.outlook.pricing
        alike = [pattern.ask for pattern in self.patterns]
        costs = pricing.costs("host", alike, self.asks, pricing.lasting("host", alike, rows), rows)
        position, cost = cheapest(costs, np.arange(len(rows)))
        return int(rows[position]), cost

    def _open(self, party: Party) -> BoolArray:
        mask = np.ones(len(party.rows), dtype=np.bool_)
        for slack in party.slacks:
            mask &= slack.holds(self.fleet)
        for asks, rules in ((party.asks, party.asked), (self.asks, self.own)):
            for rule in rules:
                slacks = rule.slacks("host", asks, self.fleet, party.rows)
                if slacks is None:
                    found = rule.open_hosts(asks, self.fleet, party.rows)
                    if found is not None:
                        mask &= found
                for slack in slacks or ():
                    mask &= slack.holds(self.fleet)
        return mask

    def _free(self, mask: BoolArray, party: Party) -> BoolArray | None:
        """Of the open hosts those that cost no more than rests on documents; None: not known."""
        if party.free is None:
            return None
        for slack in party.free:
            mask = mask & slack.holds(self.fleet)
        return mask

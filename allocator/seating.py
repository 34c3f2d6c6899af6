"""The host of one VM: the first of the cheapest that take all of its volumes together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from allocator.fleet import Ask, BoolArray, IntArray
from allocator.goal import Cost
from allocator.outlook import Outlook
from allocator.pricing import Costs
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
        patterns = [way.tests.pattern for way in ways]
        self.alike: list[Ask] = [pattern.ask for pattern in patterns]
        self.asks: list[Ask] = [way.tests.ask for way in ways]
        self.closed = {id(p): p.hosts for p in patterns if p.hosts is not None}.values()
        self.rules = dict.fromkeys(rule for pattern in patterns for rule in pattern.bound_by)
        self.own = dict.fromkeys(rule for rules in own for rule in rules)

    def first(self, seat: Seat) -> tuple[int, Cost] | None:
        """Hosts are looked at piece by piece, until one costs no more than any must."""
        pricing = self.outlook.pricing
        found: list[IntArray] = []
        for piece in seat.hosts:
            rows = piece
            for hosts in self.closed:
                rows = rows[hosts[rows]]
            if not len(rows):
                continue
            mask = self._open(rows)
            lasting = pricing.lasting("host", self.alike, rows)
            free = self._free(mask, lasting, rows)
            if free is not None:
                position = int(free.argmax())
                if free[position]:
                    return int(rows[position]), pricing.lower(lasting)
            if mask.any():
                found.append(rows[mask])
        if not found:
            return None
        rows = np.concatenate(found)
        costs = pricing.costs("host", self.alike, self.asks, pricing.lasting("host", self.alike, rows), rows)
        position, cost = cheapest(costs, np.arange(len(rows)))
        return int(rows[position]), cost

    def _open(self, rows: IntArray) -> BoolArray:
        mask = np.ones(len(rows), dtype=np.bool_)
        for asks, rules in ((self.alike, self.rules), (self.asks, self.own)):
            for rule in rules:
                slacks = rule.slacks("host", asks, self.fleet, rows)
                if slacks is None:
                    found = rule.open_hosts(asks, self.fleet, rows)
                    if found is not None:
                        mask &= found
                for slack in slacks or ():
                    mask &= slack.holds(self.fleet)
        return mask

    def _free(self, mask: BoolArray, lasting: Costs, rows: IntArray) -> BoolArray | None:
        """Of the open hosts those that cost no more than rests on documents; None: not known."""
        slacks = self.outlook.pricing.free("host", self.alike, rows)
        if slacks is None or not all(isinstance(cost, int) for cost in lasting):
            return None
        for slack in slacks:
            mask = mask & slack.holds(self.fleet)
        return mask

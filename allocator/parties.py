"""What volumes of one VM meet together on hosts, as far as it rests on documents: worked out once for equal wishes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from allocator.fleet import MOST_CELLS, Ask, IntArray
from allocator.goal import Cost
from allocator.pricing import Pricing
from allocator.rule import Rule
from allocator.seats import Seat
from allocator.slack import Slack
from allocator.slices import Pattern


@dataclass(slots=True, eq=False)
class Party:
    """Some hosts of a seat that documents leave open to patterns together, and what decides between them."""

    asks: Sequence[Ask]
    rows: IntArray
    slacks: Sequence[Slack]
    asked: Sequence[Rule]
    """Rules that are not about sums."""
    lower: Cost
    """No host costs less."""
    free: Sequence[Slack] | None
    """Where all of these hold, a host costs `lower`; None: not known."""


class Parties:
    """All that were met so far."""

    def __init__(self, pricing: Pricing) -> None:
        self.pricing, self.fleet = pricing, pricing.fleet
        self._known: dict[tuple[Seat, int, tuple[int, ...]], Party] = {}
        self._cells = 0

    def at(self, patterns: Sequence[Pattern], seat: Seat, piece: int) -> Party:
        """What patterns meet together on one piece of a seat's hosts."""
        key = seat, piece, tuple(sorted([pattern.ask.likeness for pattern in patterns]))
        found = self._known.get(key)
        if found is None:
            if self._cells >= MOST_CELLS:
                self._known.clear()
                self._cells = 0
            found = self._known[key] = self._met(patterns, seat.hosts[piece])
            self._cells += len(found.rows) * (1 + 2 * len(found.slacks) + 2 * len(found.free or ()))
        return found

    def _met(self, patterns: Sequence[Pattern], rows: IntArray) -> Party:
        asks = [pattern.ask for pattern in patterns]
        for hosts in {id(p): p.hosts for p in patterns if p.hosts is not None}.values():
            rows = rows[hosts[rows]]
        if not len(rows):
            return Party(asks, rows, (), (), self.pricing.nothing, None)
        slacks: list[Slack] = []
        asked = []
        for rule in dict.fromkeys(rule for pattern in patterns for rule in pattern.bound_by):
            found = rule.slacks("host", asks, self.fleet, rows)
            if found is None:
                asked.append(rule)
            slacks += found or ()
        lasting = self.pricing.lasting("host", asks, rows)
        even = all(isinstance(cost, int) for cost in lasting)
        free = self.pricing.free("host", asks, rows) if even else None
        return Party(asks, rows, slacks, asked, self.pricing.lower(lasting), free)

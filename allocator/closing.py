"""What closes the pools of a slice to one volume: sums that must leave room, and rules that must be asked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from allocator.fleet import Ask, BoolArray, IntArray
from allocator.goal import Cost
from allocator.outlook import Outlook, Pinned
from allocator.pricing import Costs
from allocator.rule import Rule
from allocator.slack import Slack
from allocator.slices import Pattern, Slice


class Tests:
    """All that is to be asked of the pools of one slice for one volume."""

    def __init__(
        self, ask: Ask, own: Sequence[Rule], pins: Pinned, pattern: Pattern, known: Slice, outlook: Outlook
    ) -> None:
        """`own` are the rules that must hear the request itself."""
        self.ask, self.pattern, self.slice, self.outlook = ask, pattern, known, outlook
        self.fleet = outlook.fleet
        meets = outlook.meets(pattern, known)
        self.slacks: Sequence[Slack] = meets.slacks
        self.asked: list[tuple[Rule, Ask]] = [(rule, pattern.ask) for rule in meets.asked]
        self._free = meets.free
        self.far = meets.far
        """Whether a volume that goes to one pool may close or open others."""
        self.pins = pins.pools(known.rows)
        for rule in own:
            self._heed(rule)
        self.of_pattern = self.pins is None and self.slacks is meets.slacks and not self.asked
        """Whether they hold for every request of the pattern."""

    def _heed(self, rule: Rule) -> None:
        found = rule.slacks("pool", (self.ask,), self.fleet, self.slice.rows)
        if found is None:
            if type(rule).open_pools is Rule.open_pools:
                return
            self.asked.append((rule, self.ask))
        elif found:
            self.slacks = [*self.slacks, *found]
        self.far = self.far or (found != [] and not (rule.local and rule.monotone))

    def first(self) -> int:
        """The first free pool of last time, if it is free still: none before it can have become free. Else -1."""
        first = self.slice.first
        return first if first >= 0 and self.outlook.lasts(self.slice) and self.is_free(first) else -1

    def is_free(self, position: int) -> bool:
        """Whether a pool is open and costs no more than rests on documents; False also where that is not known."""
        if self._free is None or (self.pins is not None and not self.pins[position]):
            return False
        return self.open_at(position) and self.free_at(position)

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
        """Whether a pool that pins leave open is."""
        for slack in self.slacks:
            if not slack.holds_at(self.fleet, position):
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

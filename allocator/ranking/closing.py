"""What closes the pools of a slice to one volume: sums that must leave room, and rules that must be asked."""

from __future__ import annotations

from collections.abc import Sequence

from allocator.fleet import Ask, BoolArray, IntArray
from allocator.goal import Cost
from allocator.ranking.outlook import Outlook
from allocator.ranking.pricing import Costs
from allocator.ranking.slices import Pattern, Slice
from allocator.rule import Rule
from allocator.slack import FEW, Slack


class Tests:
    """All that is to be asked of the pools of one slice for one volume."""

    def __init__(
        self,
        pattern: Pattern,
        known: Slice,
        outlook: Outlook,
        ask: Ask,
        own: Sequence[Rule] = (),
        pins: BoolArray | None = None,
    ) -> None:
        """`own` are the rules that must hear the ask itself; `pins` are the pools that its pins leave open."""
        self.ask, self.pattern, self.slice, self.outlook = ask, pattern, known, outlook
        self.fleet = outlook.fleet
        meets = outlook.meets(pattern, known)
        self._shared, self._further = meets.slacks, list[Slack]()
        self.asked: list[tuple[Rule, Ask]] = [(rule, pattern.ask) for rule in meets.asked]
        self._free = meets.free
        self.far = meets.far
        """Whether a volume that goes to one pool may close or open others."""
        self.pins = pins
        for rule in own:
            self._heed(rule)
        self.of_pattern = self.pins is None and not self._further and not self.asked
        """Whether they hold for every request of the pattern."""

    def _heed(self, rule: Rule) -> None:
        found = rule.slacks("pool", (self.ask,), self.fleet, self.slice.rows)
        if found is None:
            if type(rule).open_pools is Rule.open_pools:
                return
            self.asked.append((rule, self.ask))
        self._further += found or ()
        self.far = self.far or (found != [] and not (rule.local and rule.monotone))

    @property
    def slacks(self) -> Sequence[Slack]:
        """All sums that must leave room."""
        return [*self._shared.slacks, *self._further]

    def first(self) -> int:
        """The first free pool, looked for from that of last time on: none before it can have become free. Else -1."""
        known = self.outlook.lasts(self.slice)
        first = self.slice.first if known else 0
        if first < 0:
            return -1
        if self.asked:
            # A rule that is asked says of all pools what it says of one in little more time.
            return first if self.is_free(first) else -1
        found = self.next_free(first)
        if self.of_pattern and found >= 0 and not (known and found == first):
            self.outlook.found_out(self.slice, self.slice.lower, found)
        return found

    def next_free(self, start: int) -> int:
        """The first of the next few pools that is free; -1: none is."""
        for position in range(start, min(start + FEW, len(self.slice.rows))):
            if self.is_free(position):
                return position
        return -1

    def is_free(self, position: int) -> bool:
        """Whether a pool is open and costs no more than rests on documents; False also where that is not known."""
        if self._free is None or (self.pins is not None and not self.pins[position]):
            return False
        return self._free.holds_at(self.fleet, position) and self.open_at(position)

    def open(self) -> BoolArray:
        """The pools that nothing closes."""
        rows = self.slice.rows
        mask = self._shared.hold(self.fleet, len(rows))
        if self.pins is not None:
            mask &= self.pins
        for slack in self._further:
            mask &= slack.holds(self.fleet)
        for rule, ask in self.asked:
            found = rule.open_pools(ask, self.fleet, rows)
            if found is not None:
                mask &= found
        return mask

    def open_at(self, position: int) -> bool:
        """Whether a pool that pins leave open is."""
        if not self._shared.holds_at(self.fleet, position):
            return False
        for slack in self._further:
            if not slack.holds_at(self.fleet, position):
                return False
        if not self.asked:
            return True
        row = self.slice.rows[position : position + 1]
        masks = (rule.open_pools(ask, self.fleet, row) for rule, ask in self.asked)
        return all(mask is None or bool(mask[0]) for mask in masks)

    def free(self, open_: BoolArray) -> BoolArray | None:
        """Of the open pools those that cost no more than rests on documents; None: not known."""
        return None if self._free is None else open_ & self._free.hold(self.fleet, len(open_))

    def free_at(self, position: int) -> bool:
        """The same of one open pool."""
        return self._free is None or self._free.holds_at(self.fleet, position)

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

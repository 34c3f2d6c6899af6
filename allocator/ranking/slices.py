"""Slices: what requests with equal wishes meet on the pools of a seat.

What decides between pools is the same for all seats. It is worked out once for all pools as soon as a second seat is
looked at, and from then on only cut.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from allocator.arrays.adding import even
from allocator.fleet import Ask, BoolArray, Figure, Fleet, IntArray
from allocator.goal import Cost
from allocator.ranking.pricing import Costs, Pricing
from allocator.ranking.seats import Key
from allocator.rule import Rule
from allocator.slack import Cut, Slack, Slacks, Taking

if TYPE_CHECKING:
    from allocator.ranking.closing import Tests

ALONE: Final = 1
"""Seats of a pattern that are worked out by themselves: all pools of 100 seats cost 2.3 times as much (measured)."""


@dataclass(slots=True, eq=False)
class Meets:
    """What decides between some pools."""

    slacks: Slacks | Cut
    asked: Sequence[Rule]
    """Rules that are not about sums."""
    far: bool
    """Whether a volume that goes to one pool may close or open others, or change their costs."""
    free: Slacks | Cut | None
    """Where all of these hold, nothing is added to what rests on documents; None: not known."""


@dataclass(slots=True, eq=False)
class Slice:
    """The pools of a seat that documents leave open to a pattern."""

    positions: IntArray
    """Where they are among all pools that are open to the pattern."""
    rows: IntArray
    costs: Costs
    """What rests on documents."""
    lower: Cost
    """No pool costs less."""
    key: Key
    meets: Meets | None = None
    """None: not looked at yet."""
    tests: Tests | None = None
    """What is to be asked of its pools for any volume of which no rule must hear more than its wishes."""
    first: int = -1
    """The place of the first pool that was free when it was last found out; -1: there was none."""
    least: Cost | None = None
    """What no pool cost less than when it was last found out; None: none was open."""
    found: int = -1
    """How many volumes had left the fleet by then; -1: never."""

    def place(self, row: int) -> int:
        """Where a pool is among them; -1: it is not."""
        position = int(self.rows.searchsorted(row))
        return position if position < len(self.rows) and self.rows[position] == row else -1


@dataclass(slots=True, eq=False)
class Pattern:
    """One way to keep requests that wish for the same."""

    ask: Ask
    """Of one of them, for rules and goals that read nothing but wishes."""
    rows: IntArray
    """Pools that documents leave open."""
    costs: Costs
    """What rests on documents, of each of them."""
    lower: Cost
    """No pool costs less."""
    hosts: BoolArray | None
    """Hosts that documents leave open; None: all."""
    bound_by: tuple[Rule, ...]
    """Rules by which such volumes can close a host to each other."""
    even: bool
    """Whether what they ask of hosts is the same for all hosts."""
    footprint: int
    """Patterns with the same number are one to hosts."""
    position: IntArray
    """Of each pool of the fleet its place in `rows`; -1: it is not open."""
    slices: dict[Key, Slice] = field(default_factory=dict)
    whole: Meets | None = None
    """What decides between all of its pools, once that was worked out."""
    looked_at: int = 0
    """How many of the slices were looked at."""


class Cutter:
    """Cuts patterns to seats, and counts what that keeps."""

    def __init__(self, fleet: Fleet, moving: Sequence[Rule], pricing: Pricing) -> None:
        self._fleet, self._moving, self._pricing = fleet, moving, pricing
        self.cells = 0
        """Numbers that are kept."""

    def slice(self, pattern: Pattern, key: Key, pools: IntArray) -> Slice:
        """The pools among these that are open to the pattern, and what documents say of them."""
        found = pattern.slices.get(key)
        if found is None:
            positions = pattern.position.take(pools)
            positions = positions[positions >= 0]
            costs = tuple(_taken(cost, positions) for cost in pattern.costs)
            lower = self._pricing.lower(costs) if len(positions) else pattern.lower
            found = pattern.slices[key] = Slice(positions, pattern.rows.take(positions), costs, lower, key)
            self.cells += 2 * len(positions)
        return found

    def meets(self, pattern: Pattern, known: Slice) -> Meets:
        """What decides between the pools of a slice."""
        if known.meets is None:
            pattern.looked_at += 1
            if pattern.whole is None and pattern.looked_at > ALONE:
                pattern.whole = self._met(pattern.ask, pattern.rows)
                self.cells += sum(_sizes(pattern.whole, len(pattern.rows)))
            if pattern.whole is None:
                known.meets = self._met(pattern.ask, known.rows)
            else:
                known.meets = _cut(pattern.whole, known.positions)
            if not all(isinstance(cost, int) for cost in known.costs):
                known.meets.free = None
            self.cells += sum(_sizes(pattern.whole or known.meets, len(known.rows)))
        return known.meets

    def _met(self, ask: Ask, rows: IntArray) -> Meets:
        slacks: list[Slack] = []
        asked, far = [], self._pricing.far
        for rule in self._moving:
            found = rule.slacks("pool", (ask,), self._fleet, rows)
            if found is None:
                asked.append(rule)
            else:
                slacks += found
            far = far or ((not rule.local or not rule.monotone) and (found is None or len(found) > 0))
        return Meets(Slacks(slacks), asked, far, self._pricing.free("pool", (ask,), rows))


def _cut(whole: Meets, positions: IntArray) -> Meets:
    taking = Taking(positions)
    free = None if whole.free is None else Cut(whole.free.slacks, taking)
    return Meets(Cut(whole.slacks.slacks, taking), whole.asked, whole.far, free)


def _taken(cost: Figure, positions: IntArray) -> Figure:
    return cost if isinstance(cost, int) else even(cost.take(positions))


def _sizes(meets: Meets, rows: int) -> Iterator[int]:
    """How many numbers it keeps of so many rows, at the most: an index that several sums share is kept once."""
    slacks = [*meets.slacks.slacks, *(() if meets.free is None else meets.free.slacks)]
    yield rows * len({id(slack.index) for slack in slacks})
    for slack in slacks:
        yield rows * ((not isinstance(slack.room, int)) + (0 if slack.gate is None else 3))

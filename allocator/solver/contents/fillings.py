"""Contents of pools as columns of a linear programme, and new ones found by what units are worth in it.

Column generation (Gilmore and Gomory 1961). Contents are only suggestions: rules are asked about each that they do not
say in sums, and the answer is judged as any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from allocator.domain.placement import Volume
from allocator.goal import Answer, Cost, Tiers, tier_costs
from allocator.screen import Screen
from allocator.solver.contents.columns import Columns, Solved
from allocator.solver.contents.shelves import Shelves
from allocator.solver.contents.stock import stock
from allocator.solver.relaxation import FloatArray
from allocator.verify import worsened

WORTH: Final = 1e-6
"""What a content must be worth above its cost to be taken in."""
LOUD: Final = 3
"""How many times the dearest option one more of an earlier tier counts, where a dive has left itself no other way."""
PER_NUMBER: Final = 2.5e-8
"""Seconds of solving anew for each column and row (measured, as those below)."""
PER_CELL: Final = 2e-8
"""Seconds of looking for contents, for each option, content and limit."""
PER_CONTENT: Final = 1.5e-4
"""Seconds of asking what a content costs."""


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """Options that one pool of a kind can hold together, and what that costs tier by tier."""

    kind: int
    options: tuple[int, ...]
    costs: Cost


class Contents:
    """Every unit in some content or refused, and no more contents of a kind than pools; minimises one tier."""

    def __init__(self, shelves: Shelves, screen: Screen, tiers: Tiers, number: int, most: Sequence[int]) -> None:
        """The tiers before `number` cost at most `most` together with it."""
        self.shelves, self.screen, self.tiers, self.number = shelves, screen, tiers, number
        self.before = screen.fleet.inventory
        self.units, self.kinds = len(shelves.units), len(shelves.kinds)
        self.sure = False
        """Whether the last look for contents would have found any there is."""
        limits = [float(len(kind.rows)) for kind in shelves.kinds] + [float(cost) for cost in most[:number]]
        endless = float("inf")
        self.columns = Columns([1.0] * self.units + [-endless] * len(limits), [endless] * self.units + limits)
        self.found: list[Content] = []
        self.column_of: dict[tuple[int, tuple[int, ...]], int] = {}
        self.fixed = [0] * self.kinds
        """What a pool of each kind costs beside its options: known once it has had a content."""
        self.work = 0.0
        """What it all took so far, in seconds of a quiet core: by what was looked at, not by a clock."""
        self.refusals: list[Cost] = []
        self._forbidden: set[tuple[int, tuple[int, ...]]] = set()
        for unit in range(self.units):
            self._refusal(unit)
        self.loud = LOUD * (1 + max(int(abs(kind.costs[:, : number + 1]).max()) for kind in shelves.kinds))
        self.most = tuple(most[:number])
        for tier in range(number):
            self.columns.add(self.loud, {self.units + self.kinds + tier: -1.0})
        self.first = len(self.columns.costs)
        """The column of the first content."""

    def take(self, kind: int, options: Iterable[int]) -> Content | None:
        """The content, taken in where it is new; None where the rules forbid it."""
        key = kind, tuple(sorted(options))
        known = self.column_of.get(key)
        if known is not None:
            return self.found[known - self.first]
        if key in self._forbidden or not key[1]:
            return None
        self.work += PER_CONTENT
        volumes = self.volumes(*key)
        if not self.shelves.complete and worsened(self.before, self.screen.rules, volumes):
            self._forbidden.add(key)
            return None
        costs = tier_costs(self.tiers, Answer(self.before, self.before.plus(volumes), ()))
        self.column_of[key] = self.columns.add(costs[self.number], self._entries(*key, costs))
        content = Content(*key, costs)
        self.found.append(content)
        self.fixed[kind] = costs[self.number] - int(self.shelves.kinds[kind].costs[list(key[1]), self.number].sum())
        return content

    def solve(self) -> Solved | None:
        """The programme's answer as it stands."""
        self.work += PER_NUMBER * len(self.columns.costs) * (self.units + self.kinds)
        return self.columns.solve()

    def price(self, solved: Solved, worth: FloatArray, turn: int) -> int:
        """Take in contents that would lower the programme's cost, found by what units are `worth`; how many."""
        units, kinds, tiers = np.split(solved.prices, [self.units, self.units + self.kinds])
        unit_of = self.shelves.unit_of
        before, self.sure = len(self.found), True
        for kind, shelf in enumerate(self.shelves.kinds):
            paid = shelf.costs[:, self.number] - shelf.costs[:, : self.number] @ tiers
            found, best = stock(shelf, worth[unit_of] - paid, unit_of, turn)
            self.sure &= best and np.array_equal(worth, units)
            self.work += PER_CELL * found.size * (1 + shelf.takes.shape[1])
            gains = found @ (units[unit_of] - paid) + kinds[kind] - self.fixed[kind]
            most = max(20, self.units // 2 // self.kinds)
            for row in np.argsort(-gains, kind="stable")[:most]:
                if gains[row] <= WORTH:
                    break
                self.take(kind, np.flatnonzero(found[row]).tolist())
        return len(self.found) - before

    def surplus(self, solved: Solved) -> FloatArray:
        """What taking each content costs beyond the programme's cost."""
        columns = self.columns
        first = self.first
        worth = [sum(factor * solved.prices[row] for row, factor in entries) for entries in columns.entries[first:]]
        surplus: FloatArray = np.array(columns.costs[first:]) - np.array(worth)
        return surplus

    def volumes(self, kind: int, options: Iterable[int], pool: int | None = None) -> tuple[Volume, ...]:
        """A content as volumes on one pool of its kind, the first where none is named."""
        name = self.screen.fleet.pools[self.shelves.kinds[kind].rows[0] if pool is None else pool].name
        asks = [self.shelves.options[option].ask for option in options]
        return tuple(Volume(ask.request, name, (), ask.alternative, ask.asked) for ask in asks)

    def cost(self, chosen: Iterable[Content]) -> Cost:
        """What these contents cost, and the units that are in none, as far as the tier that is minimised."""
        chosen = list(chosen)
        held = {int(self.shelves.unit_of[option]) for content in chosen for option in content.options}
        costs = [content.costs for content in chosen]
        costs += [cost for unit, cost in enumerate(self.refusals) if unit not in held]
        return tuple(sum(cost[tier] for cost in costs) for tier in range(self.number + 1))

    def merit(self, cost: Cost) -> int:
        """One number for a cost: what lies above the limits of earlier tiers counts loudly."""
        return cost[self.number] + self.loud * sum(max(0, a - b) for a, b in zip(cost, self.most, strict=False))

    def _refusal(self, unit: int) -> None:
        costs = tier_costs(self.tiers, Answer(self.before, self.before, self.shelves.units[unit].requests))
        self.refusals.append(costs)
        self.columns.add(costs[self.number], {unit: 1.0, **self._in_tiers(costs)})

    def _entries(self, kind: int, options: Iterable[int], costs: Cost) -> dict[int, float]:
        held = {int(self.shelves.unit_of[option]): 1.0 for option in options}
        return held | {self.units + kind: 1.0} | self._in_tiers(costs)

    def _in_tiers(self, costs: Cost) -> dict[int, float]:
        first = self.units + self.kinds
        return {first + tier: float(cost) for tier, cost in enumerate(costs[: self.number]) if cost}

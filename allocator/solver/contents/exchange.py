"""Deal what lies on a few pools anew among them, as well as can be, and then what lies on a few others.

Where rules are sums over one pool and what a volume costs hangs on its pool alone, three pools of ten volumes are
solved to the end in milliseconds: the neighbourhoods of `improve`, for which every rule and goal states its part of a
model, take ten times as long (measured).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import comb
from random import Random
from typing import Any, Final

import numpy as np
from ortools.sat.python import cp_model

from allocator.domain.placement import Volume
from allocator.domain.policy import Effort
from allocator.goal import Tiers
from allocator.screen import Screen
from allocator.solver.contents.shelves import Shelves
from allocator.solver.deadline import Deadline
from allocator.solver.run import run

Placement = dict[str, tuple[Volume, ...]]
FIRST, MOST = 3, 5
"""Pools of a neighbourhood: one more where those of a size win nothing any more, and then few again. Answers that cost
the same are gone through meanwhile, so that a search that was tired finds something later."""
PATIENCE: Final = 400
"""Neighbourhoods of one size that win nothing in a row; a quarter of it for each pool more, or half as many as there
are."""
BITE: Final = 0.3
"""The work that one neighbourhood may take."""
PER_WAY: Final = 3e-5
"""The work of stating one, for each way to place a unit of it (measured)."""


@dataclass(frozen=True, slots=True, eq=False)
class _Hood:
    """The model of one neighbourhood, and (unit, option, pool) of each of its variables."""

    cp: Any
    ways: dict[tuple[int, int, int], Any]


class Exchange:
    """Deals for one tier, those before it as they are; who is refused stays so."""

    def __init__(self, shelves: Shelves, screen: Screen, number: int, effort: Effort) -> None:
        self.shelves, self.number = shelves, number
        self.effort = replace(effort, deterministic=True)
        self.rng = Random(effort.seed)  # noqa: S311  the same neighbourhoods every time
        self._size, self._fruitless = FIRST, 0
        self._pools = screen.fleet.pools
        self._row = screen.fleet.pool_row
        self._kind = {row: kind for kind in shelves.kinds for row in kind.rows}
        self._ways: list[list[int]] = [[] for _ in shelves.units]
        for option, unit in enumerate(shelves.unit_of.tolist()):
            self._ways[unit].append(option)
        self._at: dict[int, tuple[int, int]] = {}
        """(option, pool) of each unit that is placed."""

    @staticmethod
    def fits(shelves: Shelves | None, tiers: Tiers, number: int) -> bool:
        """Whether the shelves say all there is to say of this tier, and of those before it."""
        if shelves is None or not shelves.complete:
            return False
        plain = all(goal.lasting and goal.local for tier in tiers[: number + 1] for goal, _ in tier)
        return plain and any(kind.costs[:, number].any() for kind in shelves.kinds)

    def improve(
        self,
        placed: Mapping[str, tuple[Volume, ...]],
        gained: Callable[[int], bool],
        work: float,
        deadline: Deadline,
    ) -> tuple[Placement, float]:
        """A placement that costs no more, and the work it took; `gained` is told what was won, and may end it.

        Neighbourhoods of all sizes that win nothing end it as well.
        """
        if not self._begin(placed):
            return dict(placed), 0.0
        rows = sorted(self._kind)
        gains, before, spent = 0, 0, 0.0
        while spent < work and not deadline.passed():
            gain, took = self._dealt(self.rng.sample(rows, min(self._size, len(rows))), work - spent, deadline)
            spent += took
            if gain:
                gains, self._fruitless = gains + gain, 0
                if gained(gains):
                    break
            elif self._tired(len(rows)):
                last = self._size >= min(MOST, len(rows))
                self._size, self._fruitless = FIRST if last else self._size + 1, 0
                if last and gains == before:
                    break
                before = gains if last else before
        return self._placement(), spent

    def _tired(self, pools: int) -> bool:
        """Whether neighbourhoods of this size have won nothing for long enough."""
        self._fruitless += 1
        patience = PATIENCE >> 2 * (self._size - FIRST)
        return self._fruitless >= min(patience, -(-comb(pools, min(self._size, pools)) // 2))

    def _begin(self, placed: Mapping[str, tuple[Volume, ...]]) -> bool:
        """Take over a placement; False where some volume of it lies where it has no option."""
        options = self.shelves.options
        self._at = {}
        for unit, (named, ways) in enumerate(zip(self.shelves.units, self._ways, strict=True)):
            for volume in placed.get(named.name, ()):
                row = self._row[volume.pool]
                way = [option for option in ways if options[option].ask.alternative == volume.alternative]
                if not way or row not in self._kind:
                    return False
                self._at[unit] = way[0], row
        return True

    def _dealt(self, rows: Sequence[int], work: float, deadline: Deadline) -> tuple[int, float]:
        """(what is gained, the work it took) by dealing anew what lies on these pools."""
        units = [unit for unit, (_, row) in self._at.items() if row in rows]
        hood = self._hood(units, rows)
        built = PER_WAY * len(hood.ways)
        found = run(hood, self.effort, min(BITE, work - built), deadline)
        if found.value is None:
            return 0, built + found.work
        before = self._cost(units)
        for (unit, option, row), variable in hood.ways.items():
            if found.value(variable):
                self._at[unit] = option, row
        return before - self._cost(units), built + found.work

    def _hood(self, units: Sequence[int], rows: Sequence[int]) -> _Hood:
        hood = _Hood(cp_model.CpModel(), {})
        for unit in units:
            for row in rows:
                kind = self._kind[row]
                for option in self._ways[unit]:
                    if kind.open[option] and (kind.takes[option] <= kind.room).all():
                        way = hood.ways[unit, option, row] = hood.cp.new_bool_var("")
                        hood.cp.add_hint(way, self._at[unit] == (option, row))
            hood.cp.add_exactly_one([way for (one, _, _), way in hood.ways.items() if one == unit])
        for row in rows:
            self._limit(hood, row)
        for tier in range(self.number):
            costs = [int(self._kind[row].costs[option, tier]) for _, option, row in hood.ways]
            if any(costs):
                hood.cp.add(_sum(hood.ways.values(), costs) <= self._cost(units, tier))
        costs = [int(self._kind[row].costs[option, self.number]) for _, option, row in hood.ways]
        hood.cp.minimize(_sum(hood.ways.values(), costs))
        return hood

    def _limit(self, hood: _Hood, row: int) -> None:
        """What comes to a pool takes no more of each limit than there is."""
        kind = self._kind[row]
        coming = [(option, way) for (_, option, at), way in hood.ways.items() if at == row]
        takes = kind.takes[[option for option, _ in coming]]
        for limit in np.flatnonzero(takes.sum(axis=0) > kind.room).tolist():
            hood.cp.add(_sum([way for _, way in coming], takes[:, limit].tolist()) <= int(kind.room[limit]))

    def _cost(self, units: Sequence[int], tier: int | None = None) -> int:
        tier = self.number if tier is None else tier
        return sum(int(self._kind[row].costs[option, tier]) for option, row in map(self._at.__getitem__, units))

    def _placement(self) -> Placement:
        found: Placement = {}
        for unit, (option, row) in self._at.items():
            ask = self.shelves.options[option].ask
            found[self.shelves.units[unit].name] = (
                Volume(ask.request, self._pools[row].name, (), ask.alternative, ask.asked),
            )
        return found


def _sum(variables: Any, factors: Sequence[int]) -> Any:
    return cp_model.LinearExpr.weighted_sum(list(variables), factors)

"""Where one volume could go as things stand, the cheapest pools first; the fleet follows each move at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from allocator.domain.inventory import Inventory
from allocator.domain.move import Move
from allocator.domain.placement import Volume
from allocator.domain.rebalance import Budget
from allocator.fleet import Ask, Fleet
from allocator.goal import Goal
from allocator.rule import Rule
from allocator.screen import Screen
from allocator.verify import worsened

WIDE: Final = 4
"""Pools that are tried for one volume: masks leave few that rules on many volumes close."""


class Targets:
    """A fleet of its own, on which moves are made one by one within a budget."""

    def __init__(self, before: Inventory, rules: Sequence[Rule], goal: Goal, budget: Budget) -> None:
        self.before, self.goal, self.budget = before, goal, budget
        self.fleet = Fleet(before.copy())
        self.screen = Screen(self.fleet, rules)
        self.moves: dict[str, Move] = {}
        self._left = [0] * len(self.fleet.pools)
        self._came = np.zeros(len(self.fleet.pools), dtype=np.int64)

    @property
    def spent(self) -> bool:
        return self.budget.less(move.size_bytes for move in self.moves.values()).spent

    def of(self, volume: Volume) -> Iterator[Volume]:
        """Where it would lie on pools that take it, the goal's cheapest first: no rule is broken by any of them."""
        row = self.fleet.pool_row[volume.pool]
        left = self.budget.less(move.size_bytes for move in self.moves.values())
        if self._left[row] == self.budget.per_source or volume.name in self.moves:
            return
        if left.size_bytes is not None and volume.request.size_bytes > left.size_bytes:
            return
        for ask in self._asks(volume):
            rows = self._open(volume, ask, row)
            cost = self.goal.pool_cost(ask, self.fleet, rows) if len(rows) else None
            costs = np.broadcast_to(0 if cost is None else cost, rows.shape)
            for target in rows[np.argsort(costs, kind="stable")][:WIDE].tolist():
                pool = self.fleet.pools[target].name
                then = replace(volume, pool=pool, alternative=ask.alternative, asked=ask.asked)
                if not worsened(self.fleet.inventory, self.screen.rules, [then]):
                    yield then

    def make(self, then: Volume) -> None:
        """Move a volume there."""
        now = self.fleet.inventory.volumes[then.name]
        self._left[self.fleet.pool_row[now.pool]] += 1
        self._came[self.fleet.pool_row[then.pool]] += 1
        self.fleet.settle([then])
        self.moves[then.name] = Move(now, then)

    def _asks(self, volume: Volume) -> list[Ask]:
        """As it is, or by a choice that is no worse."""
        asks = [ask for ask in self.screen.asks(volume.request) if ask.asked.index <= volume.asked.index]
        own = [ask for ask in asks if (ask.alternative, ask.asked) == (volume.alternative, volume.asked)]
        return [*(own or [Ask.of(volume)]), *(ask for ask in asks if ask not in own)]

    def _open(self, volume: Volume, ask: Ask, row: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        is_open = self.screen.pools(ask)
        is_open[row] = False
        for name in volume.hosts:
            host = np.zeros(len(self.fleet.hosts), dtype=np.bool_)
            host[self.fleet.host_row[name]] = True
            is_open &= self.screen.reached(host)
        if self.budget.per_target is not None:
            is_open &= self._came < self.budget.per_target
        return np.flatnonzero(is_open)

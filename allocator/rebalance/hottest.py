"""The hottest pool first: the one move from it that gains most, again and again, until none is worth its while.

Under a small budget this is hard to beat, and it is there at once.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Final

import numpy as np

from allocator.domain.inventory import Inventory
from allocator.domain.move import Move
from allocator.domain.placement import Volume
from allocator.domain.rebalance import Budget
from allocator.fleet import Ask, Fleet, IntArray
from allocator.goal import Answer, Goal
from allocator.limits import UNLIMITED, Limit, LimitRule
from allocator.rule import Rule
from allocator.screen import Screen
from allocator.verify import worsened

WIDE: Final = 4
"""Targets that are tried for one volume, the cheapest first, where rules among many volumes close some of them."""


def hottest_first(
    movable: Iterable[Volume],
    before: Inventory,
    rules: Sequence[Rule],
    goal: Goal,
    worthwhile: int,
    budget: Budget,
    stop: Callable[[], bool],
) -> list[Move]:
    """Moves of which each lowers the goal by at least `worthwhile`, every state between them keeping the rules.

    `stop` is asked before each of them.
    """
    return _Cooling(movable, before, rules, goal, worthwhile, budget).run(stop)


class _Cooling:
    def __init__(
        self,
        movable: Iterable[Volume],
        before: Inventory,
        rules: Sequence[Rule],
        goal: Goal,
        worthwhile: int,
        budget: Budget,
    ) -> None:
        self.before, self.goal, self.worthwhile, self.budget = before, goal, worthwhile, budget
        self.fleet = Fleet(before.copy())
        self.screen = Screen(self.fleet, rules)
        self.movable = {volume.name for volume in movable}
        self.sold: list[Limit] = [
            rule.sold
            for rule in rules
            if isinstance(rule, LimitRule) and rule.sold is not None and rule.sold.charge.over == "pool"
        ]
        self.left: IntArray = np.zeros(len(self.fleet.pools), dtype=np.int64)
        self.came: IntArray = np.zeros(len(self.fleet.pools), dtype=np.int64)

    def run(self, stop: Callable[[], bool]) -> list[Move]:
        moved: dict[str, Volume] = {}
        cool: set[int] = set()
        budget = self.budget
        while True:
            row = self._hottest(cool)
            if row is None or budget.moves == 0 or budget.size_bytes == 0 or stop():
                break
            found = None if self.left[row] == budget.per_source else self._best_from(row, budget)
            if found is None:
                cool.add(row)
                continue
            self.fleet.settle([found.then])
            target = self.fleet.pool_row[found.target]
            self.left[row] += 1
            self.came[target] += 1
            budget = budget.less([found.size_bytes])
            # It has moved once and is settled; what it left and where it went may be worth another look.
            self.movable.discard(found.volume)
            moved[found.volume] = found.then
            cool -= {row, target}
        return [Move(self.before.volumes[name], then) for name, then in sorted(moved.items())]

    def _hottest(self, cool: set[int]) -> int | None:
        """The pool that has sold the largest share of anything, of those that may have something to give."""
        shares = [Fraction(-1)] * len(self.fleet.pools)
        for limit in self.sold:
            most, sums = np.broadcast_to(limit.rows(self.fleet), len(shares)).tolist(), self.fleet.sums(limit.charge)
            for row, (total, at_most) in enumerate(zip(sums.tolist(), most, strict=True)):
                if 0 < at_most < UNLIMITED and row not in cool:
                    shares[row] = max(shares[row], Fraction(total, at_most))
        best = max(range(len(shares)), key=lambda row: (shares[row], -row), default=None)
        return None if best is None or shares[best] <= 0 else best

    def _best_from(self, row: int, budget: Budget) -> Move | None:
        """The move from a pool that lowers the goal most; None where none is worthwhile."""
        best: tuple[int, str, Move] | None = None
        seen = set[Hashable]()
        here = self.fleet.inventory
        for volume in sorted(here.volumes_at("pool", self.fleet.pools[row].name), key=lambda volume: volume.name):
            request = volume.request
            key = request.wishes, request.pins, request.group, request.near, volume.alternative, volume.hosts
            if volume.name not in self.movable or key in seen:
                continue
            seen.add(key)
            if budget.size_bytes is not None and request.size_bytes > budget.size_bytes:
                continue
            found = self._best_of(volume, row)
            if found is not None and (best is None or (-found[0], volume.name) < best[:2]):
                best = -found[0], volume.name, found[1]
        return None if best is None else best[2]

    def _best_of(self, volume: Volume, row: int) -> tuple[int, Move] | None:
        fleet = self.fleet
        ask = next(
            (ask for ask in self.screen.asks(volume.request) if ask.alternative == volume.alternative), Ask.of(volume)
        )
        is_open = self.screen.pools(ask)
        is_open[row] = False
        if volume.hosts:
            hosts = np.zeros(len(fleet.hosts), dtype=np.bool_)
            hosts[fleet.host_row[volume.hosts[0]]] = True
            is_open &= self.screen.reached(hosts)
        if self.budget.per_target is not None:
            is_open &= self.came < self.budget.per_target
        rows = np.flatnonzero(is_open)
        if not len(rows):
            return None
        cost = self.goal.pool_cost(ask, fleet, rows)
        costs = np.broadcast_to(0 if cost is None else cost, rows.shape)
        for target in rows[np.argsort(costs, kind="stable")][:WIDE].tolist():
            then = replace(volume, pool=fleet.pools[target].name, alternative=ask.alternative, asked=ask.asked)
            after = fleet.inventory.plus([then])
            gain = -self.goal.cost(Answer(fleet.inventory, after, ()))
            if gain < self.worthwhile:
                return None
            if not worsened(fleet.inventory, self.screen.rules, [then]):
                return gain, Move(volume, then)
        return None

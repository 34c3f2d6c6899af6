"""Bring a packing back within its limits: out of a place that is too full moves one thing, or trades with another.

Tabu search (Glover 1989): the best trade is made even where all are for the worse, and is not undone soon. A limit
counts more the longer it is exceeded (Morris 1993, the breakout method), and forgets that slowly: without it the search
goes in circles (measured: of fleets at 97 % every third is not solved then, with it each is in 200 to 300 trades).
"""

from __future__ import annotations

from random import Random
from typing import Final

import numpy as np

from allocator.fleet import IntArray
from allocator.solver.deadline import Deadline
from allocator.solver.relaxation import FloatArray
from allocator.solver.whole.bins import Bins

TENURE: Final = (3, 10)
"""For how many trades a thing does not return, drawn anew each time."""
GROWTH: Final = 1.0
"""How much more a limit counts for each trade that finds it exceeded, compared with what it counts at first."""
FADING: Final = 0.1
"""The part of that which it forgets with each trade."""
PER_TRADE: Final = 2e-4
PER_CELL: Final = 1.5e-8
"""Seconds of looking for a trade, and of each number looked at (measured)."""


class Shuffle:
    """A packing on its way; it can be left and taken up again."""

    def __init__(self, bins: Bins, at: IntArray, seed: int) -> None:
        """`at` is where each thing is to begin with; below 0: where it exceeds the limits least."""
        self.bins, self.at = bins, at.copy()
        self.rng = Random(seed)  # noqa: S311  the same trades every time
        self.plain: FloatArray = 1.0 / np.maximum(bins.room.mean(axis=0), 1.0)
        self.weights: FloatArray = np.tile(self.plain, (len(bins.room), 1))
        self.closed_until = np.zeros(bins.open.shape, dtype=np.int64)
        self.trades = 0
        self.work = 0.0
        """What it took so far, in seconds of a quiet core: by what was looked at, not by a clock."""
        self._begin()

    def run(self, work: float, deadline: Deadline) -> IntArray | None:
        """Where each thing is once no limit is exceeded; None where so much work, or the time, does not suffice."""
        enough = self.work + work
        while True:
            over = np.maximum(-self.left, 0)
            full = np.flatnonzero(over.any(axis=1))
            if not len(full):
                return self.at
            if self.work >= enough or deadline.passed():
                return None
            self._trade(int(full[self.rng.randrange(len(full))]), (over * self.weights).sum(axis=1))
            self.weights += FADING * (self.plain - self.weights) + GROWTH * self.plain * (over > 0)

    def _begin(self) -> None:
        """Everything that has no place yet, the largest first."""
        bins = self.bins
        here = np.flatnonzero(self.at >= 0)
        self.left = bins.room.copy()
        np.subtract.at(self.left, self.at[here], bins.takes[here, self.at[here]])
        size = (bins.takes.mean(axis=1) * self.plain).max(axis=1, initial=0.0) / np.maximum(bins.open.sum(axis=1), 1)
        for thing in sorted(np.flatnonzero(self.at < 0).tolist(), key=lambda thing: (-size[thing], thing)):
            left = (self.left - bins.takes[thing]) * self.plain
            # Where nothing is exceeded, what is left most of decides.
            roomy = np.minimum(left, 0).sum(axis=1) + 1e-3 * left.min(axis=1, initial=1.0)
            self._put(thing, int(np.where(bins.open[thing], roomy, -np.inf).argmax()))

    def _trade(self, place: int, cost: FloatArray) -> None:
        """The best move or swap that takes something out of a place; `cost` is what each place exceeds now."""
        bins, left, weights = self.bins, self.left, self.weights
        here, there = np.flatnonzero(self.at == place), np.flatnonzero(self.at != place)
        others = self.at[there]
        free = bins.open & (self.closed_until <= self.trades)
        out, back = bins.takes[here, place], bins.takes[there, place]

        moved = _cost(left[place] + out, weights[place])[:, None] + _cost(left - bins.takes[here], weights)
        moved = moved - cost[place] - cost
        may = free[here]
        may[:, place] = False
        moved = np.where(may, moved, np.inf)

        at_place = _cost(left[place] + out[:, None] - back, weights[place])
        freed = left[others] + bins.takes[there, others]
        at_other = _cost(freed - bins.takes[here][:, others], weights[others])
        may = free[here][:, others] & free[there, place]
        swapped = np.where(may, at_place + at_other - cost[place] - cost[others], np.inf)

        self.trades += 1
        self.work += PER_TRADE + PER_CELL * left.shape[1] * (moved.size + 2 * swapped.size)
        best_move, best_swap = moved.min(initial=np.inf), swapped.min(initial=np.inf)
        if best_move == best_swap == np.inf:
            return
        if best_move <= best_swap:
            row, target = divmod(int(moved.argmin()), moved.shape[1])
            self._leave(int(here[row]))
            self._put(int(here[row]), target)
        else:
            row, column = divmod(int(swapped.argmin()), swapped.shape[1])
            one, two, target = int(here[row]), int(there[column]), int(others[column])
            self._leave(one)
            self._leave(two)
            self._put(one, target)
            self._put(two, place)

    def _leave(self, thing: int) -> None:
        place = int(self.at[thing])
        self.left[place] += self.bins.takes[thing, place]
        self.closed_until[thing, place] = self.trades + self.rng.randint(*TENURE)

    def _put(self, thing: int, place: int) -> None:
        self.at[thing] = place
        self.left[place] -= self.bins.takes[thing, place]


def _cost(left: IntArray, weights: FloatArray) -> FloatArray:
    """What exceeding the limits so far costs."""
    cost: FloatArray = (np.maximum(-left, 0) * weights).sum(axis=-1)
    return cost

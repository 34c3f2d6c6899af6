"""The search: simulated annealing that may pass limits at a price, which rises wherever a limit stays passed.

Capacity that is nearly full leaves no room for one volume at a time: what has to go in between others is let in first,
and what has to leave for it follows (strategic oscillation, Glover 1989, with a price for each limit of each pool).

Where a volume that moves still counts at home while it moves, each move uses up room for good: what little may come to
a pool is taken by whoever comes first. So being away is charged a toll for that room, at first so high that
only those go who gain most by it, and it falls to nothing as the search cools down. Measured on b_5 of the ROADEF
challenge 2012: 2.7 % of the start's cost above the bound without it, and 0.01 % with it, in 8 seconds. Large volumes
are charged less for the same room, as first-fit decreasing packs them first: b_1 ends at 0.7 instead of 1.8 %.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from allocator.solver.rearrange.course import AGAIN, PARTS, Pace, hottest
from allocator.solver.rearrange.kernel import making, walk
from allocator.solver.rearrange.kernel.chance import seeded
from allocator.solver.rearrange.objective import LARGEST
from allocator.solver.rearrange.state import BEST, COST, TOLL, WRONG, State, smallest

PER_WORK: Final = 4_000_000
"""Moves that are tried for a unit of work, about a second of one core (measured: 3 to 15 million)."""
HARD: Final = 3e3
"""What it costs to pass a limit by all that is used where nothing shall pass it, in costs of everything."""
DEAREST: Final = 1e3
"""How many times as much a price may rise to."""
BROKEN: Final = 100.0
"""What it costs to break a group's limit once, in costs of an average volume."""
SWAPS: Final = 25
CHAINS: Final = 10
HOMES: Final = 10
"""Shares of moves of two volumes, and of those that lead home, in per cent."""
EAGER: Final = 0.7
"""Up to how many heats a move may cost if its volume was drawn from two, the one on the pool that costs more."""
LARGER: Final = 0.5
"""The power of its size that a volume's toll grows with: what is large goes first, while there is room for it."""
TASTE: Final = 1_000
"""Moves that tell how many the time allows,"""
STRETCHES: Final = 1_000
"""which are tried in so many stretches,"""
MOST: Final = 100_000
"""each of no more than so many."""


@dataclass(slots=True, eq=False)
class Walker:
    """One search with its own state."""

    state: State
    seed: NDArray[np.uint64]
    prices: NDArray[np.float64]
    """[M, D]"""
    unit: NDArray[np.float64]
    """[D] the price at which passing a limit by all that is used costs as much as everything."""
    fares: NDArray[np.float64]
    """[V] the toll at which all room that is free in the sums that are held costs as much as everything."""
    scale: float
    """What an average volume costs."""
    tried: int = 0
    """Moves that were tried so far."""

    @classmethod
    def of(cls, state: State, seed: int) -> Walker:
        own = state.copied()
        total = scale(own)
        unit = total / np.maximum(1.0, np.abs(own.use.astype(np.float64)).sum(axis=0))
        return cls(own, seeded(seed), np.zeros(own.use.shape), unit, total * _shares(own), total / max(1, len(own.at)))

    def search(self, share: Callable[[], float], told: Callable[[Walker], None]) -> None:
        """Search until `share` of the work or time is 1, and tell of every better answer."""
        if share() >= 1:
            return
        figures = self.state.figures
        best, begun = int(figures[BEST]), 0.0
        self.walk(0, PARTS[0].pace(0.0, 1.0))
        walk.anneal(self.state, self.seed, TASTE, 0.0, SWAPS, CHAINS, HOMES, 0.0)
        self.tried += TASTE
        whole = self.tried / max(1e-9, share())
        hot, tries = hottest(whole / max(1, len(self.state.at))), int(min(MOST, max(1, whole / STRETCHES)))
        for number, part in enumerate(PARTS):
            if number == AGAIN:
                making.become(self.state, self.state.best.copy())
            while (done := share()) < part.until:
                self.walk(tries, part.pace(max(0.0, done - begun) / (part.until - begun), hot))
                if figures[BEST] < best:
                    best = int(figures[BEST])
                    told(self)
            begun = part.until

    def walk(self, tries: int, pace: Pace) -> None:
        """Set prices by what is passed now, and try moves at one heat."""
        s = self.state
        floor = np.maximum(1.0, np.where(s.held, HARD, pace.dear) * self.unit)
        raised = np.minimum(self.prices * pace.rise, floor * DEAREST)
        self.prices = np.maximum(floor, np.where(s.use > s.most, raised, self.prices * pace.fall))
        s.price[:] = np.minimum(self.prices, LARGEST / np.maximum(1, np.abs(s.use).sum(axis=0))).astype(np.int64)
        broken = int(self.scale * BROKEN) + 1
        s.figures[COST] += (broken - s.broken[0]) * s.figures[WRONG]
        s.broken[0] = broken
        self._charge(pace.toll)
        making.price(s)
        walk.anneal(s, self.seed, tries, pace.heat * self.scale, SWAPS, CHAINS, HOMES, EAGER * pace.heat * self.scale)
        self.tried += tries

    def _charge(self, toll: float) -> None:
        s = self.state
        s.toll[:] = np.minimum(toll * self.fares, LARGEST / len(s.toll)).astype(np.int64)
        charged = s.toll[s.at != s.home].sum()
        s.figures[COST] += charged - s.figures[TOLL]
        s.figures[TOLL] = charged


def scale(s: State) -> float:
    """About what everything would cost if all of it lay above its thresholds."""
    costs = np.abs(s.weight).mean(axis=0) * np.abs(s.use.astype(np.float64)).sum(axis=0)
    return max(1.0, float(costs.sum()) / max(1, int(np.count_nonzero(costs))))


def _shares(s: State) -> NDArray[np.float64]:
    """[V] the share of all free room that each volume is charged for, about what it takes in the sums that are held."""
    bound = np.flatnonzero(s.held & (s.most < 2**61).any(axis=0))
    free = np.maximum(1.0, (s.most - s.use)[:, bound].astype(np.float64).sum(axis=0))
    kinds = s.kind.take(s.home)
    taken: NDArray[np.float64] = (s.need[kinds, s.like][:, bound] / free).sum(axis=1)
    taken = np.maximum(0.0, taken)
    return taken**LARGER * float(np.mean(taken)) ** (1 - LARGER) if taken.any() else taken


def warm() -> None:
    """Compile what is not compiled yet, by trying nothing in a state of one volume and one pool."""
    walker = Walker.of(smallest(), 1)
    walker.walk(0, Pace(1.0, 1.0))
    making.become(walker.state, walker.state.best)

"""One search with its own state: what it costs to pass limits and to be away, and moves tried at one heat.

Capacity that is nearly full leaves no room for one volume at a time: what has to go in between others is let in first,
and what has to leave for it follows (strategic oscillation, Glover 1989, with a price for each limit of each pool).

Where a volume that moves still counts at home while it moves, each move uses up room for good: what little may come to
a pool is taken by whoever comes first. So being away is charged a toll for that room. Measured on b_5 of the ROADEF
challenge 2012: 2.7 % of the start's cost above the bound without it, and 0.01 % with it, in 8 seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from allocator.solver.rearrange.course import Pace
from allocator.solver.rearrange.kernel import making, walk
from allocator.solver.rearrange.kernel.chance import seeded
from allocator.solver.rearrange.kernel.repack import repack
from allocator.solver.rearrange.objective import LARGEST
from allocator.solver.rearrange.state import COST, TOLL, WRONG, State, smallest

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

RARE: Final = 2_000
"""Moves of one or two volumes for each time that two pools are packed anew."""


@dataclass(slots=True, eq=False)
class Walker:
    """One search with its own state."""

    state: State
    seed: NDArray[np.uint64]
    prices: NDArray[np.float64]
    """[M, D]"""
    unit: NDArray[np.float64]
    """[D] the price at which passing a limit by all that is used costs as much as everything."""
    room: NDArray[np.float64]
    """[V] the share of all free room that each volume takes elsewhere, added up over the sums that are held."""
    bulk: NDArray[np.float64]
    """[V] the share of all that is used that each volume uses, added up over all sums."""
    fares: NDArray[np.float64]
    """[V] the toll at which all of that room costs as much as everything."""
    scale: float
    """What an average volume costs."""
    tried: int = 0
    """Moves that were tried so far."""

    @classmethod
    def of(cls, state: State, seed: int) -> Walker:
        own = state.copied()
        total = scale(own)
        unit = total / np.maximum(1.0, np.abs(own.use.astype(np.float64)).sum(axis=0))
        room = _room(own)
        return cls(
            own,
            seeded(seed),
            np.zeros(own.use.shape),
            unit,
            room,
            _bulk(own),
            total * room,
            total / max(1, len(own.at)),
        )

    def restart(self, power: float) -> None:
        """Begin where everything lay, and let tolls grow with that power of the room: below 1 what is large goes first,
        while there is room for it, as first-fit decreasing packs it."""
        making.become(self.state, self.state.home)
        self.prices[:] = 0.0
        mean = float(self.room.mean()) if self.room.any() else 1.0
        self.fares = np.where(self.room > 0, self.scale * len(self.room) * mean * (self.room / mean) ** power, 0.0)

    def resume(self) -> None:
        """Go on from the best answer so far."""
        making.become(self.state, self.state.best.copy())

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
        repack(s, self.seed, tries // RARE, pace.heat * self.scale, self.bulk)
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


def _room(s: State) -> NDArray[np.float64]:
    bound = np.flatnonzero(s.held & (s.most < 2**61).any(axis=0))
    free = np.maximum(1.0, (s.most - s.use)[:, bound].astype(np.float64).sum(axis=0))
    taken: NDArray[np.float64] = (s.need[s.kind.take(s.home), s.like][:, bound] / free).sum(axis=1)
    return np.maximum(0.0, taken)


def _bulk(s: State) -> NDArray[np.float64]:
    used = np.maximum(1.0, np.abs(s.use.astype(np.float64)).sum(axis=0))
    bulk: NDArray[np.float64] = (s.need[s.kind.take(s.home), s.like] / used).sum(axis=1)
    return bulk


def warm() -> None:
    """Compile what is not compiled yet, by trying nothing in a state of one volume and one pool."""
    walker = Walker.of(smallest(), 1)
    walker.walk(0, Pace(1.0, 1.0))
    making.become(walker.state, walker.state.best)

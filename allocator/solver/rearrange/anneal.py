"""The search: simulated annealing that may pass limits at a price, which rises wherever a limit stays passed.

Capacity that is nearly full leaves no room for one volume at a time: what has to go in between others is let in first,
and what has to leave for it follows (strategic oscillation, Glover 1989, with a price for each limit of each pool).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from allocator.solver.rearrange import kernel
from allocator.solver.rearrange.state import BEST, COST, WRONG, State, smallest

TRIES: Final = 100_000
"""Moves that are tried at one heat and at one set of prices."""
PER_WORK: Final = 4_000_000
"""Moves that are tried for a unit of work, about a second of one core (measured: 3 to 15 million)."""
HOT: Final = 1.0
COLD: Final = 1e-3
"""The first and the last heat while it cools down, in costs of an average volume."""
TURN: Final = 0.75
"""The share of the search after which what is still passed has to be mended."""
WARM: Final = 3e-3
FROZEN: Final = 1e-5
"""The first and the last heat from then on."""
DEAR: Final = 3.0
"""What it costs to pass a limit by all that is used, in costs of everything."""
DEAREST: Final = 1e4
"""How many times as much a price may rise to."""
BROKEN: Final = 20.0
"""What it costs to break a group's limit once, in costs of an average volume."""
RISE: Final = 1.03
FALL: Final = 0.999
"""What becomes of a price while its limit is passed, and while it is not."""
RISE2: Final = 1.1
FALL2: Final = 1.0
TRIES2: Final = 10_000
"""The same while it is mended: prices rise ten times as often."""
SWAPS: Final = 25
CHAINS: Final = 10


@dataclass(slots=True, eq=False)
class Walker:
    """One search with its own state."""

    state: State
    seed: NDArray[np.uint64]
    prices: NDArray[np.float64]
    """[M, D]"""
    floor: NDArray[np.float64]
    """Prices are never less."""
    scale: float
    tried: int = 0
    """Moves that were tried so far."""

    @classmethod
    def of(cls, state: State, seed: int) -> Walker:
        own = state.copied()
        used = np.maximum(1, np.abs(own.use).sum(axis=0)).astype(np.float64)
        total = scale(own)
        floor = np.maximum(1.0, np.broadcast_to(DEAR * total / used, own.use.shape))
        seeds = np.array([(seed * 0x9E3779B97F4A7C15 + 0x2545F4914F6CDD1D) % 2**64 | 1], dtype=np.uint64)
        return cls(own, seeds, floor.copy(), floor, total / max(1, len(own.at)))

    def walk(self, heat: float, rise: float = RISE, fall: float = FALL, tries: int = TRIES) -> None:
        s = self.state
        passed = s.use > s.most
        self.prices = np.where(
            passed, np.minimum(self.prices * rise, self.floor * DEAREST), np.maximum(self.floor, self.prices * fall)
        )
        s.price[:] = np.minimum(self.prices, 2.0**40).astype(np.int64)
        broken = int(self.scale * BROKEN) + 1
        s.figures[COST] += (broken - s.broken[0]) * s.figures[WRONG]
        s.broken[0] = broken
        kernel.price(s)
        kernel.anneal(s, self.seed, tries, heat * self.scale, SWAPS, CHAINS)
        self.tried += tries

    def search(self, share: Callable[[], float], told: Callable[[Walker], None]) -> None:
        """Cool down until `share` of the work or time is 1, and tell of every better answer."""
        best = self.state.figures[BEST]
        while (done := share()) < 1.0:
            if done < TURN:
                self.walk(HOT * (COLD / HOT) ** (done / TURN))
            else:
                self.walk(WARM * (FROZEN / WARM) ** ((done - TURN) / (1 - TURN)), RISE2, FALL2, TRIES2)
            if self.state.figures[BEST] < best:
                best = self.state.figures[BEST]
                told(self)


def scale(s: State) -> float:
    """About what everything would cost if all of it lay above its thresholds."""
    costs = np.abs(s.weight).mean(axis=0) * np.abs(s.use.astype(np.float64)).sum(axis=0)
    return max(1.0, float(costs.sum()) / max(1, int(np.count_nonzero(costs))))


def warm() -> None:
    """Compile what is not compiled yet, by trying nothing in a state of one volume and one pool."""
    Walker.of(smallest(), 1).walk(1.0, tries=0)

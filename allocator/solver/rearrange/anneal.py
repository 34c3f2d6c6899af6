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
from allocator.solver.rearrange.chance import seeded
from allocator.solver.rearrange.objective import LARGEST
from allocator.solver.rearrange.state import BEST, COST, WRONG, State, smallest

PER_WORK: Final = 4_000_000
"""Moves that are tried for a unit of work, about a second of one core (measured: 3 to 15 million)."""
DEAREST: Final = 1e3
"""How many times as much a price may rise to."""
BROKEN: Final = 100.0
"""What it costs to break a group's limit once, in costs of an average volume."""
SWAPS: Final = 25
CHAINS: Final = 10
"""Shares of moves of two volumes, in per cent."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Heats from the first to the last, in costs of an average volume, and what becomes of prices meanwhile."""

    first: float
    last: float
    rise: float
    """What a price is multiplied by while its limit is passed, each time that prices are set,"""
    fall: float
    """and while it is not."""
    tries: int
    """Moves that are tried at one heat and at one set of prices."""

    def heat(self, share: float) -> float:
        return float(self.first * (self.last / self.first) ** share)


@dataclass(frozen=True, slots=True)
class Leg:
    """A part of the search, up to a share of all of it: cool down, and then mend what is still passed."""

    until: float
    dear: float
    """What it costs to pass a limit by all that is used, in costs of everything."""
    hot: float
    """The first heat."""

    def pace(self, share: float) -> tuple[Pace, float]:
        """How to go on after a share of the leg, and the share of that."""
        if share < TURN:
            return Pace(self.hot, 1e-3, 1.03, 0.999, 100_000), share / TURN
        return MENDING, (share - TURN) / (1 - TURN)


TURN: Final = 0.75
"""The share of each leg after which what is still passed has to be mended: prices rise ten times as often."""
MENDING: Final = Pace(3e-3, 1e-5, 1.1, 1.0, 10_000)
LEGS: Final = (Leg(0.08, 3e3, 0.1), Leg(0.6, 3.0, 1.0), Leg(0.8, 6.0, 0.2), Leg(1.0, 20.0, 0.05))
"""First an answer that passes no limit is looked for; then one from far off; then near the best of all."""


@dataclass(slots=True, eq=False)
class Walker:
    """One search with its own state."""

    state: State
    seed: NDArray[np.uint64]
    prices: NDArray[np.float64]
    """[M, D]"""
    unit: NDArray[np.float64]
    """[D] the price at which passing a limit by all that is used costs as much as everything."""
    scale: float
    tried: int = 0
    """Moves that were tried so far."""

    @classmethod
    def of(cls, state: State, seed: int) -> Walker:
        own = state.copied()
        total = scale(own)
        unit = total / np.maximum(1.0, np.abs(own.use.astype(np.float64)).sum(axis=0))
        return cls(own, seeded(seed), np.zeros(own.use.shape), unit, total / max(1, len(own.at)))

    def walk(self, pace: Pace, heat: float, dear: float) -> None:
        """Set prices by what is passed now, and try moves at one heat."""
        s = self.state
        floor = np.maximum(1.0, np.broadcast_to(dear * self.unit, self.prices.shape))
        raised = np.minimum(self.prices * pace.rise, floor * DEAREST)
        self.prices = np.maximum(floor, np.where(s.use > s.most, raised, self.prices * pace.fall))
        s.price[:] = np.minimum(self.prices, LARGEST / np.maximum(1, np.abs(s.use).sum(axis=0))).astype(np.int64)
        broken = int(self.scale * BROKEN) + 1
        s.figures[COST] += (broken - s.broken[0]) * s.figures[WRONG]
        s.broken[0] = broken
        kernel.price(s)
        kernel.anneal(s, self.seed, pace.tries, heat * self.scale, SWAPS, CHAINS)
        self.tried += pace.tries

    def search(self, share: Callable[[], float], told: Callable[[Walker], None]) -> None:
        """Search until `share` of the work or time is 1, and tell of every better answer."""
        figures, begun = self.state.figures, 0.0
        best = start = int(figures[BEST])
        for leg in LEGS:
            if leg is not LEGS[1] and figures[BEST] < start:
                kernel.become(self.state, self.state.best.copy())
            self.prices[:] = 0
            while (done := share()) < leg.until:
                pace, part = leg.pace((done - begun) / (leg.until - begun))
                self.walk(pace, pace.heat(part), leg.dear)
                if figures[BEST] < best:
                    best = int(figures[BEST])
                    told(self)
            begun = leg.until


def scale(s: State) -> float:
    """About what everything would cost if all of it lay above its thresholds."""
    costs = np.abs(s.weight).mean(axis=0) * np.abs(s.use.astype(np.float64)).sum(axis=0)
    return max(1.0, float(costs.sum()) / max(1, int(np.count_nonzero(costs))))


def warm() -> None:
    """Compile what is not compiled yet, by trying nothing in a state of one volume and one pool."""
    walker = Walker.of(smallest(), 1)
    walker.walk(Pace(1.0, 1.0, 1.0, 1.0, 0), 1.0, 1.0)
    kernel.become(walker.state, walker.state.best)

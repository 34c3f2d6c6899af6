"""The search: simulated annealing in rounds, each from where everything lay, and then some from the best.

How good the end of a round is depends more on what it happens to decide while it is hot than on how long it takes, once
that is long enough: a2_2 of the ROADEF challenge 2012 ends between 786 and 850 M after six seconds, and at 823 M after
forty. So what time there is goes into rounds, and those differ in how much of the toll for room large volumes pay.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from allocator.solver.rearrange.course import AGAIN, FAR, OFTEN, POWERS, ROUND, Part, highest, hottest, rounds
from allocator.solver.rearrange.state import BEST
from allocator.solver.rearrange.walker import Walker

PER_WORK: Final = 4_000_000
"""Moves that are tried for a unit of work, about a second of one core (measured: 3 to 15 million)."""
SAMPLE: Final = 0.005
"""The share that tells how many moves there is time for: they only improve on where everything lies."""
STRETCHES: Final = 1_000
"""All moves are tried in so many stretches,"""
FEW: Final = 1_000
MOST: Final = 100_000
"""each of no more than so many; a sample begins with few."""


def search(walker: Walker, turn: int, share: Callable[[], float], told: Callable[[], None]) -> None:
    """Search until `share` of the work or time is 1, and tell of every better answer.

    `turn` is the walker's number: each begins with another power of the tolls.
    """
    tries = FEW
    while (begun := share()) < SAMPLE:
        walker.walk(tries, ROUND[-1].pace(1.0, 0.0))
        tries = min(MOST, 2 * tries)
    whole = walker.tried / begun
    each = whole / max(1, len(walker.state.at))
    tries = int(min(MOST, max(1, whole / STRETCHES)))
    number = rounds(each)
    hot, high = hottest(each * FAR / number), highest(each * FAR / number)
    length = max(0.0, FAR - begun) / number

    def follow(parts: Sequence[Part], start: float, end: float) -> None:
        best = int(walker.state.figures[BEST])
        for part in parts:
            first, last = start + part.after * (end - start), start + part.until * (end - start)
            while (done := share()) < last:
                walker.walk(tries, part.pace(max(0.0, done - first) / (last - first), hot, high))
                if walker.state.figures[BEST] < best:
                    best = int(walker.state.figures[BEST])
                    told()

    for round_ in range(number):
        walker.restart(POWERS[(turn + round_) % len(POWERS)])
        follow(ROUND, begun + round_ * length, begun + (round_ + 1) * length)
    again = 1 + number // OFTEN
    for round_ in range(again):
        walker.resume()
        first, last = (FAR + (1.0 - FAR) * (round_ + step) / again for step in (0, 1))
        follow(AGAIN[round_ % len(AGAIN)], first, last)

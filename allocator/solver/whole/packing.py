"""A place for every thing within all limits, by two searches in turn: what one never finds, the other finds at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from allocator.fleet import IntArray
from allocator.solver.deadline import Deadline
from allocator.solver.whole.bins import Bins
from allocator.solver.whole.completion import Completion
from allocator.solver.whole.shuffle import Shuffle

UNKNOWN: Final = -1
"""The place of a thing that has none to begin with."""
BITE: Final = 0.1
"""The work that either search gets before the other has its turn; then twice as much, and so on."""


class Packing:
    """The two searches; they can be left and taken up again."""

    def __init__(self, bins: Bins, at: Sequence[int], seed: int) -> None:
        """`at` is where each thing is to begin with; it goes elsewhere where that place is not open to it."""
        self.hopeless = bins.hopeless
        """Nothing will come of it."""
        self.work = 0.0
        """What it took so far, in seconds of a quiet core: by what was looked at, not by a clock."""
        self._bite = BITE
        self._searches: tuple[Shuffle | Completion, ...] = ()
        if not self.hopeless:
            known = np.array(at, dtype=np.int64)
            known[~bins.open[np.arange(len(known)), known]] = UNKNOWN
            self._searches = Shuffle(bins, known, seed), Completion(bins, seed)

    def run(self, work: float, deadline: Deadline) -> IntArray | None:
        """Where each thing goes; None where so much work, or the time, does not suffice."""
        enough = self.work + work
        while self._searches and self.work < enough and not deadline.passed():
            for search in self._searches:
                before = search.work
                found = search.run(min(self._bite, enough - self.work), deadline)
                self.work += search.work - before
                if found is not None:
                    return found
            self._bite *= 2
        return None

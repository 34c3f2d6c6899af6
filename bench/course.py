"""How a search went: which phase took how long, and what had been reached by when, from the progress it tells."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

from allocator.domain.outcome import Headway

BEGINNING: Final = "screen"
"""What a call does before its search tells of anything: requests, screens and parts."""
POINTS: Final = 200
"""Points kept of one course: enough for a chart."""


@dataclass(slots=True)
class Course:
    """Listens to one call's progress. A phase lasts until the next is told, whichever part of the fleet tells it."""

    goal: str
    """The goal whose cost and bound are followed."""
    phases: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    """Seconds by phase."""
    points: list[tuple[float, int, int | None]] = field(default_factory=list)
    """(seconds since the beginning, cost, bound) of all parts together, once each part has an answer."""
    _begun: float = field(default_factory=time.perf_counter)
    _since: float = 0.0
    _phase: str = BEGINNING
    _parts: dict[int, tuple[int, int | None]] = field(default_factory=dict)

    def __call__(self, headway: Headway) -> None:
        now = self._enter(headway.phase)
        if headway.goal != self.goal:
            return
        known = self._parts.get(headway.part)
        bound = headway.bound if headway.bound is not None or known is None else known[1]
        self._parts[headway.part] = headway.cost, bound
        if len(self._parts) == headway.parts:
            bounds = [bound for _, bound in self._parts.values()]
            cost = sum(cost for cost, _ in self._parts.values())
            point = now, cost, None if None in bounds else sum(bound or 0 for bound in bounds)
            if not self.points or self.points[-1][1:] != point[1:]:
                self.points.append(point)

    def end(self) -> None:
        """The last phase has ended."""
        self._enter("ended")

    def chart(self) -> list[tuple[float, int, int | None]]:
        """At most `POINTS` of the points, the last among them."""
        every = -(-len(self.points) // POINTS)
        return self.points[::-1][:: max(1, every)][::-1]

    def _enter(self, phase: str) -> float:
        now = time.perf_counter() - self._begun
        self.phases[self._phase] += now - self._since
        self._since, self._phase = now, phase
        return now

"""The solver's only clock: how much of a wall-clock limit is left."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass(slots=True)
class Deadline:
    """Begins when it is made; with `seconds` None there is no limit, and no clock has a say."""

    seconds: float | None = None
    hit: bool = False
    """Whether the limit has cut anything short: then another run may answer otherwise."""
    _begun: float = field(default_factory=time.monotonic)

    def left(self) -> float | None:
        """Seconds left, never below 0; None: no limit."""
        if self.seconds is None:
            return None
        return max(0.0, self.seconds - (time.monotonic() - self._begun))

    def passed(self) -> bool:
        """Whether nothing is left; whoever asks and then stops has been cut short."""
        if self.left() != 0.0:
            return False
        self.hit = True
        return True

"""The solver's only clock: how much of a wall-clock limit is left."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from threading import Event

_HALT: ContextVar[Event | None] = ContextVar("halt", default=None)


@dataclass(slots=True)
class Deadline:
    """Begins when it is made; with `seconds` None there is no limit, and no clock has a say."""

    seconds: float | None = None
    hit: bool = False
    """Whether the limit has cut anything short: then another run may answer otherwise."""
    _begun: float = field(default_factory=time.monotonic)
    _halt: Event | None = field(default_factory=_HALT.get)
    _whole: Deadline | None = None

    def left(self) -> float | None:
        """Seconds left, never below 0; None: no limit."""
        if self.halted():
            return 0.0
        if self.seconds is None:
            return None
        return max(0.0, self.seconds - (time.monotonic() - self._begun))

    def passed(self) -> bool:
        """Whether nothing is left; whoever asks and then stops has been cut short."""
        if self.left() != 0.0:
            return False
        self.hit = True
        if self._whole is not None:
            self._whole.hit = True
        return True

    def halted(self) -> bool:
        """Whether nobody waits for the answer any more."""
        return self._halt is not None and self._halt.is_set()

    def part(self, share: float) -> Deadline:
        """A deadline for a share of what is left; what it cuts short is cut short for the whole."""
        left = self.left()
        return Deadline(None if left is None else left * share, _whole=self)


@contextmanager
def halted_by(halt: Event) -> Iterator[None]:
    """Every deadline made within has passed once the event is set: a thread is told so, as Ctrl-C never reaches it."""
    token = _HALT.set(halt)
    try:
        yield
    finally:
        _HALT.reset(token)

"""Outlasting a ledger's database that goes away for a while: what may be done twice is done again until it is back."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

from allocator.ledger import LedgerUnreachable

T = TypeVar("T")
MOST_SECONDS: Final = 60.0
"""A server that restarts is back within seconds; one that is repaired is not worth a process that waits."""
_PAUSE_SECONDS: Final = 0.1


def outlast(act: Callable[[], T]) -> T:
    """What `act` gives, of which nobody may notice that it was done twice.

    Raises LedgerUnreachable once that has taken MOST_SECONDS.
    """
    late = time.monotonic() + MOST_SECONDS
    while True:
        try:
            return act()
        except LedgerUnreachable:
            if time.monotonic() > late:
                raise
        time.sleep(_PAUSE_SECONDS)

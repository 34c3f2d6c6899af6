"""How much a unit takes of what is scarce: its share of the dimension of which it takes most."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

import numpy as np

from allocator.limits import UNLIMITED, Limit, LimitRule
from allocator.screen import Screen
from allocator.solver.classes import Unit

MILLION: Final = 1_000_000


class Scarce:
    """Shares of all that a fleet has left to sell when this is made."""

    def __init__(self, screen: Screen) -> None:
        self.screen = screen
        sold = [rule.sold for rule in screen.rules if isinstance(rule, LimitRule) and rule.sold is not None]
        self._left = {limit: _left(limit, screen) for limit in sold if len(screen.fleet.places(limit.charge.over))}
        self._shares: dict[Hashable, int] = {}

    def share(self, unit: Unit) -> int:
        """Millionths of the dimension of which the unit takes most, where it takes least of it."""
        key = tuple(request.shape for request in unit.requests)
        if key not in self._shares:
            asks = [ways[0] for request in unit.requests if (ways := self.screen.asks(request))]
            self._shares[key] = max(
                (
                    MILLION * sum(int(np.min(self.screen.fleet.amounts(limit.charge, (ask,)))) for ask in asks) // left
                    for limit, left in self._left.items()
                    if left
                ),
                default=0,
            )
        return self._shares[key]


def _left(limit: Limit, screen: Screen) -> int:
    """All that the places of a limit have left to sell."""
    size = len(screen.fleet.places(limit.charge.over))
    most = np.broadcast_to(np.asarray(limit.rows(screen.fleet), dtype=np.int64), size)
    left = np.maximum(most - screen.fleet.sums(limit.charge), 0)
    return sum(left[most < UNLIMITED].tolist())

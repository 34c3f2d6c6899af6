"""Where units could go as far as documents say, where they can go as things stand, and what they lack most."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from allocator.fleet import BoolArray, IntArray
from allocator.limits import UNLIMITED, Limit, LimitRule
from allocator.screen import Screen
from allocator.solver.classes import Unit


@dataclass(frozen=True, slots=True, eq=False)
class Could:
    """Rows that no static rule closes to a unit: pools request by request, and hosts."""

    pools: tuple[BoolArray, ...]
    hosts: BoolArray


class Openings:
    """Asks the screen of a draft; what rests on documents alone is kept for all equal units."""

    def __init__(self, screen: Screen) -> None:
        self.screen, self.fleet = screen, screen.fleet
        self._sold = [rule.sold for rule in screen.rules if isinstance(rule, LimitRule) and rule.sold is not None]
        self._known: dict[Hashable, Could] = {}

    def could(self, unit: Unit) -> Could:
        """Where the unit could go if nothing else were there."""
        key = (unit.attaches, tuple(request.shape for request in unit.requests))
        if key not in self._known:
            pools = []
            hosts = np.ones(len(self.fleet.hosts), dtype=np.bool_)
            for request in unit.requests:
                mask, seats = np.zeros(len(self.fleet.pools), dtype=np.bool_), np.zeros_like(hosts)
                for ask in self.screen.asks(request):
                    mask |= self.screen.lasting_pools(ask)
                    seats |= self.screen.lasting_hosts((ask,))
                pools.append(mask)
                hosts = hosts & seats
            self._known[key] = Could(tuple(pools), hosts)
        return self._known[key]

    def pools(self, unit: Unit, index: int) -> BoolArray:
        """Pools that are open to one of its requests now."""
        mask = np.zeros(len(self.fleet.pools), dtype=np.bool_)
        for ask in self.screen.asks(unit.requests[index]):
            mask |= self.screen.pools(ask)
        return mask

    def hosts(self, unit: Unit) -> BoolArray:
        """Hosts that are open to all of it now, by everybody's first choice or by everybody's last."""
        asks = [self.screen.asks(request) for request in unit.requests]
        if not all(asks):
            return np.zeros(len(self.fleet.hosts), dtype=np.bool_)
        return self.screen.hosts([ways[0] for ways in asks]) | self.screen.hosts([ways[-1] for ways in asks])

    def scarcest(self, unit: Unit, over: str) -> tuple[float, Limit] | None:
        """What is sold over such places and of which the unit takes the largest part of all that is left: that part."""
        found: tuple[float, Limit] | None = None
        for limit in self._sold:
            if limit.charge.over != over or not len(self.fleet.places(over)):
                continue
            asks = [ways[0] for request in unit.requests if (ways := self.screen.asks(request))]
            taken = sum(int(np.min(self.fleet.amounts(limit.charge, (ask,)))) for ask in asks)
            left = self.left(limit)
            part = taken / (1 + sum(left[left < UNLIMITED].tolist()))
            if taken and (found is None or part > found[0]):
                found = part, limit
        return found

    def left(self, limit: Limit) -> IntArray:
        """What each place has left of something that is sold."""
        size = len(self.fleet.places(limit.charge.over))
        most = np.broadcast_to(np.asarray(limit.rows(self.fleet), dtype=np.int64), size)
        left: IntArray = np.where(most >= UNLIMITED, UNLIMITED, np.maximum(most - self.fleet.sums(limit.charge), 0))
        return left

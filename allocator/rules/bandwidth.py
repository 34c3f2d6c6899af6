"""Rule `bandwidth`: the bandwidth guaranteed on a pool stays within what it may sell."""

from __future__ import annotations

from collections.abc import Iterable

from allocator.domain.charging import pool_floor
from allocator.domain.inventory import Inventory
from allocator.domain.placement import Charge
from allocator.domain.places import Pool
from allocator.domain.policy import Policy
from allocator.domain.qos import Alternative
from allocator.domain.request import Request
from allocator.domain.sizes import format_rate
from allocator.limits import UNLIMITED, Limit, LimitRule


class Bandwidth(LimitRule):
    """Rule: a pool sells no more guaranteed bandwidth than its total, oversold by its factor.

    Formula: sum(floors) <= floor(total x overcommit), in bytes per second. A pool without a total sells none.

    Why: a promise of bytes per second binds an array as a promise of IOPS does.
    """

    name = "bandwidth"
    reads = "wishes"
    sold_as = ("pools", "bandwidth")

    def __init__(self, policy: Policy) -> None:
        super().__init__(policy)
        sellable = _sellable_or_any if policy.unknown_total == "unlimited" else _sellable
        floors = Charge("guaranteed bandwidth", "pool", _floor)
        self.sold = limit = Limit("floors", "of guaranteed bandwidth", floors, sellable, show=format_rate)
        self._limits = (limit,)

    def limits(self, request: Request, inventory: Inventory) -> Iterable[Limit]:
        return self._limits


def _floor(request: Request, alternative: Alternative, pool: Pool) -> int:
    return pool_floor(alternative, "bandwidth")


def _sellable(pool: Pool) -> int:
    return pool.bandwidth.sellable or 0


def _sellable_or_any(pool: Pool) -> int:
    return UNLIMITED if pool.bandwidth.total is None else _sellable(pool)

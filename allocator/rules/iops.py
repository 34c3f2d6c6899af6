"""Rule `iops`: the IOPS guaranteed on a pool stay within what it may sell."""

from __future__ import annotations

from collections.abc import Iterable

from allocator.domain.charging import pool_floor
from allocator.domain.inventory import Inventory
from allocator.domain.placement import Charge
from allocator.domain.places import Pool
from allocator.domain.policy import Policy
from allocator.domain.qos import Alternative
from allocator.domain.request import Request
from allocator.domain.sizes import floor_times, format_count
from allocator.limits import UNLIMITED, Limit, LimitRule


class Iops(LimitRule):
    """Rule: a pool sells no more guaranteed IOPS than its total, oversold by its factor.

    Formula: sum(floors) <= floor(total x overcommit), over every volume there, made by the engine or not (R07). A pool
    without a total sells none. With `iops.ceiling_overcommit`: sum(ceilings) <= floor(total x ceiling_overcommit). On a
    pool that can only enforce ceilings and sells floors by reservation: sum(peaks) <= total wherever a floor is sold.

    Why: 100,000 IOPS safely oversold by half sell 150,000 and not 150,001 (R06).
    """

    name = "iops"
    reads = "wishes"
    sold_as = ("pools", "iops")

    def __init__(self, policy: Policy) -> None:
        super().__init__(policy)
        unlimited = policy.unknown_total == "unlimited"
        self.floors = Charge("guaranteed IOPS", "pool", _floor)
        ceilings = Charge("IOPS ceilings", "pool", _ceiling)
        peaks = Charge("peak IOPS", "pool", _peak)
        self._limits = (
            Limit("floors", "guaranteed IOPS", self.floors, _sellable_or_any if unlimited else _sellable),
            Limit("ceilings", "IOPS of ceilings", ceilings, _ceilings_sellable),
            Limit(
                "peaks", "IOPS of ceilings behind reserved floors", peaks, _reservable, where=self.floors, show=_shown
            ),
        )
        self.sold = self._limits[0]

    def limits(self, request: Request, inventory: Inventory) -> Iterable[Limit]:
        return self._limits


def _floor(request: Request, alternative: Alternative, pool: Pool) -> int:
    return pool_floor(alternative, "iops")


def _ceiling(request: Request, alternative: Alternative, pool: Pool) -> int:
    return alternative.qos.iops.stated_ceiling()


def _peak(request: Request, alternative: Alternative, pool: Pool) -> int:
    """Ceilings, bursts included; a volume without one takes more than any pool reserves."""
    peak = alternative.qos.iops.peak()
    return UNBOUNDED_PEAK if peak is None else peak


UNBOUNDED_PEAK = 2**40
"""More IOPS than any pool has, and small enough that a million of them can be added."""


def _shown(peak: int) -> str:
    return "unlimited" if peak >= UNBOUNDED_PEAK else format_count(peak)


def _sellable(pool: Pool) -> int:
    return pool.iops.sellable or 0


def _sellable_or_any(pool: Pool) -> int:
    return UNLIMITED if pool.iops.total is None else _sellable(pool)


def _ceilings_sellable(pool: Pool) -> int:
    factor = pool.iops.ceiling_overcommit
    if factor is None or pool.iops.total is None:
        return UNLIMITED
    return floor_times(pool.iops.total, factor)


def _reservable(pool: Pool) -> int:
    """The plain total where floors are only a reservation, since the driver enforces nothing but ceilings."""
    return UNLIMITED if pool.manifest.qos.sells_floors() else pool.iops.total or 0

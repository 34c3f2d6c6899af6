"""Rule `capacity`: bytes promised on a pool stay within what it may sell."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from allocator.domain.charging import charged_bytes, is_thick
from allocator.domain.inventory import Inventory
from allocator.domain.placement import Charge, one_each
from allocator.domain.places import Pool
from allocator.domain.policy import Policy
from allocator.domain.qos import Alternative
from allocator.domain.request import Request
from allocator.domain.sizes import ceil_times, floor_times, format_bytes
from allocator.limits import UNLIMITED, Limit, LimitRule


class Capacity(LimitRule):
    """Rule: thin volumes may be oversold by the pool's factor, thick ones not at all.

    Formula: overcommit x sum(thick) + sum(thin) <= floor(usable x overcommit), usable = total - ceil(total x reserved),
    each volume charged as it is made (rounded up) plus its snapshot reserve; and nothing new where the bytes
    physically used have reached `full_at`.

    Why: with a factor of 2, 100 TiB sell 200 TiB thin or 100 TiB thick, or any mix. A thick volume's share is
    rounded up to a whole byte.
    """

    name = "capacity"
    reads = "wishes"
    sold_as = ("pools", "capacity")

    def __init__(self, policy: Policy) -> None:
        super().__init__(policy)
        unlimited = policy.unknown_total == "unlimited"
        self.bytes = Charge("bytes", "pool", sold_bytes, sees=_sees)
        self._limits = (
            Limit("bytes", "of space", self.bytes, _sellable_or_any if unlimited else _sellable, show=format_bytes),
            Limit("full", "volumes", Charge("volumes", "pool", one_each), _newcomers, arrivals=True,
                  closed="are physically full (full_at reached)"),
        )  # fmt: skip
        self.sold = self._limits[0]

    def limits(self, request: Request, inventory: Inventory) -> Iterable[Limit]:
        return self._limits


def sold_bytes(request: Request, alternative: Alternative, pool: Pool) -> int:
    """The bytes one volume takes of what the pool sells; a thick one takes `overcommit` times its size."""
    charged = charged_bytes(request, pool)
    return ceil_times(charged, pool.capacity.overcommit) if is_thick(request, pool) else charged


def _sees(pool: Pool) -> Hashable:
    return pool.manifest, pool.capacity.overcommit


def _sellable(pool: Pool) -> int:
    usable_bytes = pool.capacity.usable_bytes
    return 0 if usable_bytes is None else floor_times(usable_bytes, pool.capacity.overcommit)


def _sellable_or_any(pool: Pool) -> int:
    return UNLIMITED if pool.capacity.total_bytes is None else _sellable(pool)


def _newcomers(pool: Pool) -> int:
    """Nothing new at or above `full_at` of the total."""
    total, share, used_bytes = pool.capacity.total_bytes, pool.full_at, pool.used_bytes
    if total is None or share is None or used_bytes is None:
        return UNLIMITED
    return 0 if used_bytes * share.denominator >= total * share.numerator else UNLIMITED

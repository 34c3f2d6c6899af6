"""What rules about failure domains share: a pool that names no such domain proves nothing."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

from allocator.domain.placement import Charge
from allocator.domain.places import Pool
from allocator.domain.request import Mark, Request
from allocator.fleet import Sees
from allocator.limits import Limit


def named_domain(key: str, over: str, mark: Mark, members: Callable[[Request], bool]) -> Limit:
    """Volumes that are told apart by a kind of failure domain lie on no pool that names none."""
    unnamed = Charge("volumes", "pool", partial(_names_none, over), _sees_domain(over), mark, members)
    return Limit(f"{key}-named", "volumes", unnamed, 0, closed=f"name no {over}", unnamed=over)


@cache
def _sees_domain(over: str) -> Sees:
    """One function for each kind of domain, since places are grouped by it once and for all."""
    return partial(_names_none, over, None, None)


def _names_none(over: str, request: object, alternative: object, pool: Pool) -> int:
    return int(pool.domain(over) is None)

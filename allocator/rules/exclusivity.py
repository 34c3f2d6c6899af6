"""Rule `exclusivity`: what is promised never shares a place with what nobody limits."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from allocator.domain.charging import host_load, pool_floor
from allocator.domain.inventory import Inventory
from allocator.domain.placement import Charge
from allocator.domain.places import Host, Pool
from allocator.domain.policy import Policy
from allocator.domain.qos import UNITS, Alternative
from allocator.domain.request import Request
from allocator.shapes import UNLIMITED, Limit, LimitRule


class Exclusivity(LimitRule):
    """Rule: on a pool without isolation, and on every host, protected and unbounded volumes never share, whichever
    came first.

    Formula: with protected = volumes with a floor there (on a host: a floor or a throttle) and unbounded = volumes on
    which nobody enforces a ceiling: protected <= 0 where unbounded >= 1, and unbounded <= 0 where protected >= 1.

    Why: one greedy volume took a neighbour promised 1,000 IOPS down to 108 (R12). An array that isolates
    excuses its pool; it excuses the host only where it enforces a ceiling. So a throttled volume may lie beside an
    unbounded one on a shared pool, where nothing is promised, but not on one host.
    """

    name = "exclusivity"

    def __init__(self, policy: Policy) -> None:
        super().__init__(policy)
        self._limits = tuple(limit for over in ("pool", "host") for limit in _pair(over))

    def limits(self, request: Request, inventory: Inventory) -> Iterable[Limit]:
        return self._limits


def _pair(over: str) -> Iterable[Limit]:
    protected = Charge(
        "protected volumes", over, _protected_on_pool if over == "pool" else _protected_on_host, sees=_sees
    )
    unbounded = Charge("unbounded volumes", over, _unbounded)
    allowed = _none_unless_isolated if over == "pool" else 0
    yield Limit(
        f"{over}-protected", "volumes with a promise", protected, allowed, where=unbounded,
        closed="hold volumes that nobody limits",
    )  # fmt: skip
    yield Limit(
        f"{over}-unbounded", "volumes without a limit", unbounded, allowed, where=protected,
        closed="hold volumes with a promise",
    )  # fmt: skip


def _protected_on_pool(request: Request, alternative: Alternative, pool: Pool) -> int:
    return int(any(pool_floor(alternative, unit) for unit in UNITS))


def _protected_on_host(request: Request, alternative: Alternative, host: Host) -> int:
    return int(any(host_load(alternative, unit, host) for unit in UNITS))


def _unbounded(request: Request, alternative: Alternative, place: Pool | Host) -> int:
    return int(not alternative.bounded)


def _sees(place: Pool | Host) -> Hashable:
    return place.manifest


def _none_unless_isolated(pool: Pool) -> int:
    return UNLIMITED if pool.isolated else 0

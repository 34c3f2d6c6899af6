"""Rule `exclusivity`: what is promised never shares a place with what nobody limits."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from functools import partial
from typing import Any

from allocator.domain.charging import host_load, pool_floor
from allocator.domain.inventory import Inventory
from allocator.domain.placement import Charge
from allocator.domain.places import Host, Pool
from allocator.domain.policy import Policy
from allocator.domain.qos import UNITS, Alternative
from allocator.domain.request import Request
from allocator.limits import UNLIMITED, Limit, LimitRule

Counted = Callable[[Request, Alternative, Any], int]


class Exclusivity(LimitRule):
    """Rule: on a pool without isolation, and on every host, protected and unbounded volumes never share, whichever
    came first.

    Formula: with protected = volumes with a floor there (on a host: a floor or a throttle) and unbounded = volumes on
    which nobody enforces a ceiling: those that are only protected <= 0 where unbounded >= 1, those that are only
    unbounded <= 0 where protected >= 1, and those that are both <= 1, since such a volume disturbs any but itself.

    Why: one greedy volume took a neighbour promised 1,000 IOPS down to 108 (R12). An array that isolates
    excuses its pool; it excuses the host only where it enforces a ceiling. So a throttled volume may lie beside an
    unbounded one on a shared pool, where nothing is promised, but not on one host.
    """

    name = "exclusivity"
    reads = "wishes"

    def __init__(self, policy: Policy) -> None:
        super().__init__(policy)
        self._limits = tuple(limit for over in ("pool", "host") for limit in _limits(over))

    def limits(self, request: Request, inventory: Inventory) -> Iterable[Limit]:
        return self._limits


def _limits(over: str) -> Iterable[Limit]:
    promised = _protected_on_pool if over == "pool" else _protected_on_host
    protected = Charge("protected volumes", over, promised, sees=_sees)
    unbounded = Charge("unbounded volumes", over, _unbounded)
    only_protected = Charge("bounded protected volumes", over, partial(_but_not, promised, _unbounded), sees=_sees)
    only_unbounded = Charge("volumes with neither", over, partial(_but_not, _unbounded, promised), sees=_sees)
    both = Charge("unbounded protected volumes", over, partial(_and, promised, _unbounded), sees=_sees)
    none, one = (_none_unless_isolated, _one_unless_isolated) if over == "pool" else (0, 1)
    yield Limit(
        f"{over}-protected", "volumes with a promise", only_protected, none, where=unbounded,
        closed="hold volumes that nobody limits", disturbed="hold volumes with a promise",
    )  # fmt: skip
    yield Limit(
        f"{over}-unbounded", "volumes without a limit", only_unbounded, none, where=protected,
        closed="hold volumes with a promise", disturbed="hold volumes that nobody limits",
    )  # fmt: skip
    yield Limit(
        f"{over}-both", "volumes with a promise and without a limit", both, one,
        closed="hold another volume with a promise and without a limit",
    )  # fmt: skip


def _protected_on_pool(request: Request, alternative: Alternative, pool: Pool) -> int:
    return int(any(pool_floor(alternative, unit) for unit in UNITS))


def _protected_on_host(request: Request, alternative: Alternative, host: Host) -> int:
    return int(any(host_load(alternative, unit, host) for unit in UNITS))


def _unbounded(request: Request, alternative: Alternative, place: Pool | Host) -> int:
    return int(not alternative.bounded)


def _but_not(first: Counted, second: Counted, request: Request, alternative: Alternative, place: Any) -> int:
    return first(request, alternative, place) * (1 - second(request, alternative, place))


def _and(first: Counted, second: Counted, request: Request, alternative: Alternative, place: Any) -> int:
    return first(request, alternative, place) * second(request, alternative, place)


def _sees(place: Pool | Host) -> Hashable:
    return place.manifest


def _none_unless_isolated(pool: Pool) -> int:
    return UNLIMITED if pool.isolated else 0


def _one_unless_isolated(pool: Pool) -> int:
    return UNLIMITED if pool.isolated else 1

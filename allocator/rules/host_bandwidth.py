"""Rule `host_bandwidth`: the bandwidth promised through a host stays within what it can carry."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from allocator.domain.charging import host_load
from allocator.domain.inventory import Inventory
from allocator.domain.placement import Charge
from allocator.domain.places import Host
from allocator.domain.policy import Policy
from allocator.domain.qos import Alternative
from allocator.domain.request import Request
from allocator.domain.sizes import format_rate
from allocator.limits import UNLIMITED, Limit, LimitRule


class HostBandwidth(LimitRule):
    """Rule: a host carries no more bandwidth than its total, oversold by its factor.

    Formula: sum(floors of provisioned volumes + ceilings of throttled ones) <= floor(total x overcommit), in bytes per
    second. Where a throttle limits IOPS as well and its agent counts large I/Os by size, IOPS x that size may be the
    tighter.

    Why: a host's network card is shared by all of its volumes (R08).
    """

    name = "host_bandwidth"
    reads = "wishes"
    sold_as = ("hosts", "bandwidth")

    def __init__(self, policy: Policy) -> None:
        super().__init__(policy)
        carried = _carried_or_any if policy.unknown_total == "unlimited" else _carried
        load = Charge("bandwidth to carry", "host", _load, sees=_sees)
        self.sold = limit = Limit("load", "of bandwidth to carry", load, carried, show=format_rate)
        self._limits = (limit,)

    def limits(self, request: Request, inventory: Inventory) -> Iterable[Limit]:
        return self._limits


def _load(request: Request, alternative: Alternative, host: Host) -> int:
    return host_load(alternative, "bandwidth", host)


def _sees(host: Host) -> Hashable:
    return host.manifest


def _carried(host: Host) -> int:
    return host.bandwidth.sellable or 0


def _carried_or_any(host: Host) -> int:
    return UNLIMITED if host.bandwidth.total is None else _carried(host)

"""Rule `host_iops`: the IOPS promised through a host stay within what it can carry."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from allocator.domain.charging import host_load
from allocator.domain.inventory import Inventory
from allocator.domain.placement import Charge
from allocator.domain.places import Host
from allocator.domain.policy import Policy
from allocator.domain.qos import Alternative
from allocator.domain.request import Request
from allocator.limits import UNLIMITED, Limit, LimitRule


class HostIops(LimitRule):
    """Rule: a host carries no more IOPS than its total, oversold by its factor.

    Formula: sum(floors of provisioned volumes + ceilings of throttled ones) <= floor(total x overcommit). A host
    without a total carries none.

    Why: CloudStack's hosts know CPU and memory only; a host that carries more promises than it can keep
    breaks all of them (R08).
    """

    name = "host_iops"
    reads = "wishes"
    sold_as = ("hosts", "iops")

    def __init__(self, policy: Policy) -> None:
        super().__init__(policy)
        carried = _carried_or_any if policy.unknown_total == "unlimited" else _carried
        load = Charge("IOPS to carry", "host", _load, sees=_sees)
        self.sold = limit = Limit("load", "IOPS to carry", load, carried)
        self._limits = (limit,)

    def limits(self, request: Request, inventory: Inventory) -> Iterable[Limit]:
        return self._limits


def _load(request: Request, alternative: Alternative, host: Host) -> int:
    return host_load(alternative, "iops", host)


def _sees(host: Host) -> Hashable:
    return host.manifest


def _carried(host: Host) -> int:
    return host.iops.sellable or 0


def _carried_or_any(host: Host) -> int:
    return UNLIMITED if host.iops.total is None else _carried(host)

"""Rule `resources`: any further dimension that pools and hosts state, by its own name."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from allocator.domain.inventory import Inventory
from allocator.domain.placement import Charge
from allocator.domain.places import Host, Pool
from allocator.domain.policy import Policy
from allocator.domain.qos import Alternative
from allocator.domain.request import Request
from allocator.limits import UNLIMITED, Limit, LimitRule


class Resources(LimitRule):
    """Rule: of each named dimension, what is asked stays within what the place has, oversold by its factor.

    Formula: for each name, sum(request.resources) <= floor(total x overcommit) on its pool, and sum(vm.resources) on
    its host. A place that does not state a dimension has none of it. A dimension that the policy calls `held` counts a
    volume which moves on its old pool as well.

    Why: CPUs, memory, snapshots or ports run out as bytes do; the operator names them and the engine counts them (R08).
    """

    name = "resources"
    reads = "demands"

    def __init__(self, policy: Policy) -> None:
        super().__init__(policy)
        self._made: dict[tuple[str, str], Limit] = {}

    def limits(self, request: Request, inventory: Inventory) -> Iterable[Limit]:
        if not request.resources and not request.host_resources:
            return ()
        both = (("pool", request.resources), ("host", request.host_resources))
        return [self._limit(over, name) for over, asked in both for name, _ in asked]

    def _limit(self, over: str, name: str) -> Limit:
        limit = self._made.get((over, name))
        if limit is None:
            taken = Charge(name, over, partial(_taken, over, name))
            total = partial(_total, name, self.policy.unknown_total == "unlimited")
            held = over == "pool" and name in self.policy.held
            limit = self._made[over, name] = Limit(f"{over}-{name}", name, taken, total, held=held)
        return limit


def _taken(over: str, name: str, request: Request, alternative: Alternative, place: Pool | Host) -> int:
    return request.host_resource(name) if over == "host" else request.resource(name)


def _total(name: str, unlimited: bool, place: Pool | Host) -> int:
    amount = place.resources.get(name)
    if amount is None or amount.sellable is None:
        return UNLIMITED if unlimited else 0
    return amount.sellable

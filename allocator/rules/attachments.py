"""Rule `attachments`: a pool holds, and a host attaches, only so many volumes."""

from __future__ import annotations

from collections.abc import Iterable

from allocator.domain.inventory import Inventory
from allocator.domain.placement import Charge, one_each
from allocator.domain.places import Host, Pool
from allocator.domain.policy import Policy
from allocator.domain.request import Request
from allocator.limits import UNLIMITED, Limit, LimitRule


class Attachments(LimitRule):
    """Rule: the number of volumes stays within `max_volumes` of the pool and of the host.

    Formula: count(volumes) <= max_volumes, where it is stated.

    Why: arrays and hypervisors run out of LUNs long before they run out of bytes.
    """

    name = "attachments"
    reads = "wishes"

    def __init__(self, policy: Policy) -> None:
        super().__init__(policy)
        self._limits = tuple(
            Limit(over, "volumes", Charge("volumes", over, one_each), _most) for over in ("pool", "host")
        )

    def limits(self, request: Request, inventory: Inventory) -> Iterable[Limit]:
        return self._limits


def _most(place: Pool | Host) -> int:
    return UNLIMITED if place.max_volumes is None else place.max_volumes

"""How much of each pool and host is left, as a share between 0 and 1: what simple schedulers compare places by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from allocator.domain.charging import charged_bytes, host_load, pool_floor
from allocator.domain.placement import Volume
from allocator.domain.places import Host, Pool
from allocator.fleet import Fleet


class Room:
    """The mean of what is left in each dimension: bytes and IOPS of pools; named resources and IOPS of hosts."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self._resources = sorted({name for host in fleet.hosts for name in host.resources})
        self._pool_totals = [_sold_by_pool(pool) for pool in fleet.pools]
        self._host_totals = [_sold_by_host(host, self._resources) for host in fleet.hosts]
        self._pool_left = [list(totals) for totals in self._pool_totals]
        self._host_left = [list(totals) for totals in self._host_totals]
        self.pools, self.hosts = np.ones(len(fleet.pools)), np.ones(len(fleet.hosts))
        for volume in fleet.inventory.all_volumes():
            self.take(volume)

    def take(self, volume: Volume) -> None:
        """A volume takes its share."""
        row, request = self.fleet.pool_row[volume.pool], volume.request
        left = self._pool_left[row]
        left[0] -= charged_bytes(request, self.fleet.pools[row])
        left[1] -= pool_floor(volume.alternative, "iops")
        self.pools[row] = _share(left, self._pool_totals[row])
        asked = dict(request.host_resources)
        for name in volume.hosts:
            at = self.fleet.host_row[name]
            left = self._host_left[at]
            for number, resource in enumerate(self._resources):
                left[number] -= asked.get(resource, 0)
            left[-1] -= host_load(volume.alternative, "iops", self.fleet.hosts[at])
            self.hosts[at] = _share(left, self._host_totals[at])


def _sold_by_pool(pool: Pool) -> tuple[int, int]:
    return int((pool.capacity.usable_bytes or 0) * pool.capacity.overcommit), pool.iops.sellable or 0


def _sold_by_host(host: Host, resources: Sequence[str]) -> tuple[int, ...]:
    stated = [host.resources.get(name) for name in resources]
    return *(amount.sellable or 0 if amount else 0 for amount in stated), host.iops.sellable or 0


def _share(left: Sequence[int], totals: Sequence[int]) -> float:
    """The mean over the dimensions that a place sells at all."""
    shares = [rest / total for rest, total in zip(left, totals, strict=True) if total]
    return sum(shares) / max(len(shares), 1)

"""How much of each pool and host is left, as a share between 0 and 1: what simple schedulers compare places by."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from allocator.domain.charging import charged_bytes, host_load, pool_floor
from allocator.domain.placement import Volume
from allocator.fleet import Fleet

UNKNOWN = 1
"""Stands in for a total that is not stated: such a dimension counts as full."""


class Room:
    """The mean of what is left in each dimension: bytes and IOPS of pools; named resources and IOPS of hosts."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.dimensions = sorted({name for host in fleet.hosts for name in host.resources})
        self._pool_totals = np.array(
            [
                (int((pool.capacity.usable_bytes or 0) * pool.capacity.overcommit) or UNKNOWN, pool.iops.sellable or 0)
                for pool in fleet.pools
            ],
            dtype=np.float64,
        )
        self._host_totals = np.array(
            [
                (*((host.resources[name].sellable or UNKNOWN) for name in self.dimensions), host.iops.sellable or 0)
                for host in fleet.hosts
            ],
            dtype=np.float64,
        )
        self._pool_left, self._host_left = self._pool_totals.copy(), self._host_totals.copy()
        self.pools = _shares(self._pool_left, self._pool_totals)
        self.hosts = _shares(self._host_left, self._host_totals)
        for volume in fleet.inventory.all_volumes():
            self.take(volume)

    def take(self, volume: Volume) -> None:
        """A volume takes its share."""
        row = self.fleet.pool_row[volume.pool]
        pool, request = self.fleet.pools[row], volume.request
        self._pool_left[row] -= charged_bytes(request, pool), pool_floor(volume.alternative, "iops")
        self.pools[row] = _shares(self._pool_left[row : row + 1], self._pool_totals[row : row + 1])[0]
        asked = dict(request.host_resources)
        for name in volume.hosts:
            at = self.fleet.host_row[name]
            load = host_load(volume.alternative, "iops", self.fleet.hosts[at])
            self._host_left[at] -= [*(asked.get(dimension, 0) for dimension in self.dimensions), load]
            self.hosts[at] = _shares(self._host_left[at : at + 1], self._host_totals[at : at + 1])[0]


def _shares(left: NDArray[np.float64], totals: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean over the dimensions that a place has at all."""
    has = totals > 0
    shares = np.divide(left, totals, out=np.zeros_like(left), where=has)
    mean: NDArray[np.float64] = shares.sum(axis=1) / np.maximum(has.sum(axis=1), 1)
    return mean

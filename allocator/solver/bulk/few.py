"""Limits that count a few volumes each, such as those of a group: kept by what they count, not for every place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from allocator.domain.placement import ALL, Charge
from allocator.domain.request import Request
from allocator.fleet import Ask, BoolArray, Fleet, IntArray
from allocator.limits import Limit


@dataclass(frozen=True, slots=True, eq=False)
class _Bound:
    """One limit on one volume."""

    charge: Charge
    over_hosts: bool
    labels: IntArray
    """The label of each place."""
    amounts: IntArray
    most: IntArray


class Few:
    """What such limits close to the volumes of a batch while it is placed."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self._bounds: dict[str, tuple[_Bound, ...]] = {}
        """By volume."""
        self._taken: dict[Charge, dict[int, int]] = {}

    def concern(self, request: Request, limits: Sequence[Limit], *, new: bool) -> None:
        """From now on the limits hold for the request; `new`: nothing that is there counts for them."""
        ask = Ask(request, request.alternatives[0], request.alternatives[0])
        bounds = []
        for limit in limits:
            labels, numbers = self.fleet.labels(limit.charge.over)
            most = np.broadcast_to(np.asarray(limit.rows(self.fleet), dtype=np.int64), labels.shape)
            amounts = np.broadcast_to(
                np.asarray(self.fleet.amounts(limit.charge, (ask,)), dtype=np.int64), labels.shape
            )
            if not ((amounts > 0) & (labels >= 0)).any():
                continue
            if (amounts == amounts[0]).all():
                amounts = np.broadcast_to(amounts[0], labels.shape)
            bounds.append(_Bound(limit.charge, limit.charge.over == "host", labels, amounts, most))
            if limit.charge not in self._taken:
                tally = {} if new else self.fleet.inventory.totals(limit.charge)
                self._taken[limit.charge] = {numbers[label]: amount for label, amount in tally.items() if amount}
        if bounds:
            self._bounds[request.name] = tuple(bounds)

    def concerns(self, request: Request) -> bool:
        return request.name in self._bounds

    def narrow(self, mask: BoolArray, request: Request, *, hosts: bool) -> BoolArray:
        """The mask without the pools, or hosts, that a limit closes to the request. It is written to."""
        for bound in self._of(request, hosts):
            closed = bound.amounts > bound.most
            for label, taken in self._taken[bound.charge].items():
                at = bound.labels == label
                closed |= at & (bound.amounts > 0) & (taken + bound.amounts > bound.most)
            mask &= ~(closed & (bound.labels >= 0))
        return mask

    def take(self, request: Request, place: int, sign: int = 1, *, hosts: bool) -> None:
        """Count the request at a pool, or host, or (`sign` -1) no longer."""
        for bound in self._of(request, hosts):
            label, taken = int(bound.labels[place]), self._taken[bound.charge]
            if label >= 0:
                taken[label] = taken.get(label, 0) + sign * int(bound.amounts[place])
                if not taken[label]:
                    del taken[label]

    def _of(self, request: Request, hosts: bool) -> Iterator[_Bound]:
        return (bound for bound in self._bounds.get(request.name, ()) if bound.over_hosts == hosts)


def concerns_few(limit: Limit) -> bool:
    """Whether a limit counts certain volumes only, place by place: there may be too many such limits for arrays."""
    return limit.charge.members is not None and limit.charge.over != ALL

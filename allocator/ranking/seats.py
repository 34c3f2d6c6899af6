"""Seats: hosts that reach the same pools, and so the only thing that a choice of pools needs to know of a host."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from allocator.fleet import MOST_CELLS, BoolArray, Fleet, IntArray
from allocator.rule import Links

FIRST: Final = 64
"""Hosts of a seat that are looked at together to begin with; then four times as many, and so on."""
Key = tuple[str, int]
"""Which pools a seat reaches: those of a view, those of a host's own beside it, or all."""


@dataclass(slots=True, eq=False)
class Seat:
    """Hosts that reach the same pools; no hosts for volumes that are not attached."""

    number: int
    """Its place in the order in which seats of equal cost are taken."""
    key: Key
    pools: IntArray
    hosts: tuple[IntArray, ...] = ()
    """Rows in the order of their names, in pieces."""


class Seats:
    """The seats of a fleet: views (hosts that reach the same pools, local ones aside), then hosts with local pools."""

    def __init__(self, fleet: Fleet, links: Links, views: IntArray) -> None:
        self.fleet, self.links = fleet, links
        self.detached = (Seat(0, ("all", 0), np.arange(len(fleet.pools), dtype=np.int64)),)
        self._views = views[links.host_group]
        self._shared = links.only_host < 0
        self._local_hosts = np.unique(links.only_host[~self._shared])
        self._pools: dict[Key, IntArray] = {}
        self._allowed: dict[tuple[int, ...], Sequence[Seat]] = {}
        self._cells = 0
        self._groups: dict[Key, tuple[int, ...]] = {}
        self._left: dict[int, int] = {}
        self._followed = 0
        self._left_anywhere = 0

    def allowed(self, key: tuple[int, ...], hosts: Callable[[], BoolArray | None]) -> Sequence[Seat]:
        """The seats of these hosts (None: all), worked out once under a key."""
        found = self._allowed.get(key)
        if found is None:
            if self._cells >= MOST_CELLS:
                self._allowed.clear()
                self._cells = 0
            found = self._allowed[key] = list(self._seats(hosts()))
            self._cells += sum(len(piece) for seat in found for piece in seat.hosts)
        return found

    def _seats(self, mask: BoolArray | None) -> Iterator[Seat]:
        rows = np.arange(len(self._views), dtype=np.int64) if mask is None else np.flatnonzero(mask)
        views = self._views[rows]
        order = np.argsort(views, kind="stable")
        starts = np.flatnonzero(np.diff(views[order], prepend=-1))
        number = 0
        for piece in np.split(rows[order], starts[1:]) if len(rows) else ():
            key = ("view", int(self._views[piece[0]]))
            yield Seat(number, key, self._reached(key, int(piece[0])), tuple(_pieces(piece)))
            number += 1
        for host in self._local_hosts:
            if mask is None or mask[host]:
                key = ("host", int(host))
                yield Seat(number, key, self._reached(key, int(host)), (np.array([host], dtype=np.int64),))
                number += 1

    def _reached(self, key: Key, host: int) -> IntArray:
        if key not in self._pools:
            links = self.links
            reached = links.table[links.pool_group, links.host_group[host]] & self._shared
            if key[0] == "host":
                reached = reached | (links.only_host == host)
            self._pools[key] = np.flatnonzero(reached)
        return self._pools[key]

    def last_left(self, key: Key) -> int:
        """How many volumes had left the fleet when the last of them left a pool of such a seat."""
        groups = self._groups.get(key)
        if groups is None:
            pools = self.detached[0].pools if key[0] == "all" else self._pools[key]
            groups = self._groups[key] = tuple(np.unique(self.links.pool_group[pools]).tolist())
        return max(self._left_anywhere, max((self._left.get(group, 0) for group in groups), default=0))

    def follow(self) -> None:
        """Take note of the volumes that have left since the last time."""
        new, freed = self.fleet.departures - self._followed, self.fleet.freed
        self._followed = self.fleet.departures
        if new > len(freed):
            self._left_anywhere = self._followed
        elif new:
            for row in set(list(freed)[-new:]):
                self._left[int(self.links.pool_group[row])] = self._followed


def _pieces(rows: IntArray) -> Iterator[IntArray]:
    size = FIRST
    while len(rows):
        yield rows[:size]
        rows, size = rows[size:], size * 4

"""Which VM sits where while a batch is being placed: seat one, unseat it, seat it again, each in some 100 us."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from allocator.domain.placement import Volume
from allocator.fleet import BoolArray, IntArray
from allocator.solver.bulk.few import Few, concerns_few
from allocator.solver.bulk.programme import FloatArray
from allocator.solver.bulk.reach import reach
from allocator.solver.bulk.shapes import Choice, Shape, Shapes, Way, limits_of
from allocator.solver.classes import Unit

NOWHERE: Final = -1
"""The host of a volume that is not attached."""
EVEN: Final = 0.02
"""What an even filling of pools counts, compared with what their room is worth."""


@dataclass(frozen=True, slots=True, eq=False)
class Seat:
    """A unit on a host, its volumes on pools."""

    shape: Shape
    unit: Unit
    choice: Choice
    host: int
    pools: tuple[int, ...]


class Seating:
    """Every seat taken so far, and what that leaves on the shelves."""

    def __init__(self, shapes: Shapes) -> None:
        self.shapes, self.fleet = shapes, shapes.fleet
        self.hosts, self.pools = shapes.hosts, shapes.pools
        self.seats: dict[str, Seat] = {}
        self.tried = 0
        """Units that were tried so far: the work that was done."""
        self.few = Few(self.fleet)
        for shape in shapes.all:
            for unit in shape.units:
                for request, plain in zip(unit.requests, shape.requests, strict=True):
                    new = plain.group is None
                    if request.group is not None or not new:
                        limits = limits_of(request, shapes.screen.rules, self.fleet.inventory)
                        self.few.concern(request, [limit for limit in limits if concerns_few(limit)], new=new)
        self.reach = reach(shapes.screen.links)
        _, self._kind = np.unique(self.reach, axis=0, return_inverse=True)
        self._kind = self._kind.reshape(-1)
        kinds = range(self._kind.max(initial=-1) + 1)
        self._reached = np.array([self.reach[self._kind == kind][0] for kind in kinds]).reshape(
            len(kinds), self.hosts.places
        )
        self._everywhere: BoolArray = np.logical_and.reduce(self._reached, axis=1)
        self._worth: dict[int, FloatArray] = {}
        self.prices: FloatArray = np.zeros(self.pools.left.shape)

    def value(self, pools: FloatArray) -> None:
        """From now on what is left of each sum at each pool is worth so much: volumes go where they cost least."""
        self.prices = pools
        self._worth.clear()

    def seat(self, unit: Unit, shape: Shape, only: IntArray | None = None) -> bool:
        """Seat the unit where that leaves its host the fullest and costs the least; `only` these hosts."""
        self.tried += 1
        for choice in shape.choices:
            for host in self._seats(unit, choice, only):
                if self.take(unit, shape, choice, host):
                    return True
        return False

    def take(
        self, unit: Unit, shape: Shape, choice: Choice, host: int, wanted: Sequence[FloatArray] | None = None
    ) -> bool:
        """Seat the unit on a host that has room for it, on the cheapest pools, or on those most `wanted`."""
        chosen: list[int] = []
        for number, (request, way) in enumerate(zip(unit.requests, choice.ways, strict=True)):
            mask = way.pools & self.pools.fits(way.need)
            if host != NOWHERE:
                mask &= self.reach[:, host]
            if self.few.concerns(request):
                self.few.narrow(mask, request, hosts=False)
            rows = np.flatnonzero(mask)
            if not len(rows):
                self._free(unit, choice, chosen)
                return False
            cost = self._cost(way, rows) if wanted is None else -wanted[number][rows]
            pool = int(rows[cost.argmin()])
            self.pools.take(way.need, pool)
            self.few.take(request, pool, hosts=False)
            chosen.append(pool)
        if host != NOWHERE:
            self._settle(unit, choice, host, 1)
        self.seats[unit.name] = Seat(shape, unit, choice, host, tuple(chosen))
        return True

    def leave(self, name: str) -> Seat:
        """Unseat a unit."""
        seat = self.seats.pop(name)
        self._free(seat.unit, seat.choice, seat.pools)
        if seat.host != NOWHERE:
            self._settle(seat.unit, seat.choice, seat.host, -1)
        return seat

    def back(self, seat: Seat) -> None:
        """Take a seat again that was left."""
        for request, way, pool in zip(seat.unit.requests, seat.choice.ways, seat.pools, strict=True):
            self.pools.take(way.need, pool)
            self.few.take(request, pool, hosts=False)
        if seat.host != NOWHERE:
            self._settle(seat.unit, seat.choice, seat.host, 1)
        self.seats[seat.unit.name] = seat

    def volumes(self, seat: Seat) -> tuple[Volume, ...]:
        """The volumes of a seated unit."""
        hosts = () if seat.host == NOWHERE else (self.fleet.hosts[seat.host].name,)
        return tuple(
            Volume(request, self.fleet.pools[pool].name, hosts, way.ask.alternative, way.ask.asked)
            for request, way, pool in zip(seat.unit.requests, seat.choice.ways, seat.pools, strict=True)
        )

    def open_hosts(self, unit: Unit, choice: Choice, only: IntArray) -> IntArray:
        """Those of the hosts that have room for the unit, the fullest first."""
        mask = choice.hosts[only] & self.hosts.fits(choice.load, only)
        rows = only[mask]
        if not len(rows):
            return rows
        for request in unit.requests:
            if self.few.concerns(request):
                full = np.zeros(self.hosts.places, dtype=np.bool_)
                full[rows] = True
                rows = np.flatnonzero(self.few.narrow(full, request, hosts=True))
        return rows[np.argsort(self.hosts.spare(choice.load, rows).sum(axis=0), kind="stable")]

    def _seats(self, unit: Unit, choice: Choice, only: IntArray | None) -> Iterator[int]:
        """The hosts worth a try."""
        if not unit.attaches:
            yield NOWHERE
            return
        reached = np.ones(self.hosts.places, dtype=np.bool_)
        for way in choice.ways:
            kinds = np.bincount(self._kind[way.pools & self.pools.fits(way.need)], minlength=len(self._everywhere)) > 0
            if not kinds.any():
                return
            if not (kinds & self._everywhere).any():
                reached &= np.logical_or.reduce(self._reached[kinds], axis=0)
        rows = np.flatnonzero(reached) if only is None else only[reached[only]]
        yield from self.open_hosts(unit, choice, rows)[:TRIES].tolist()

    def _cost(self, way: Way, rows: IntArray) -> FloatArray:
        worth = self._worth.get(id(way))
        if worth is None:
            amounts = np.broadcast_to(way.need.amounts, (len(way.need.rows), self.pools.places))
            worth = self._worth[id(way)] = (self.prices[way.need.rows] * amounts).sum(axis=0)
        cost: FloatArray = worth[rows] - EVEN * self.pools.spare(way.need, rows).min(axis=0, initial=1.0)
        return cost

    def _free(self, unit: Unit, choice: Choice, pools: Sequence[int]) -> None:
        for request, way, pool in zip(unit.requests, choice.ways, pools, strict=False):
            self.pools.take(way.need, pool, -1)
            self.few.take(request, pool, -1, hosts=False)

    def _settle(self, unit: Unit, choice: Choice, host: int, sign: int) -> None:
        self.hosts.take(choice.load, host, sign)
        for request in unit.requests:
            self.few.take(request, host, sign, hosts=True)


TRIES: Final = 2
"""Hosts tried for one combination of alternatives: where the pools of one are full, so are mostly those of the next."""

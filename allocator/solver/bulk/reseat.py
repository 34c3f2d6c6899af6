"""Make room for what was refused: clear a host or two, or a pool, seat the refused unit there, and the others again.

Ruin and recreate (Schrimpf et al. 2000, J. Comput. Phys. 159): what weighs no less than before is kept, so that many
small changes of equal weight open what no single one does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random
from typing import Final

import numpy as np

from allocator.fleet import IntArray
from allocator.solver.bulk.merging import Merged
from allocator.solver.bulk.seating import NOWHERE, Seat, Seating
from allocator.solver.bulk.shapes import Shape
from allocator.solver.classes import Unit

HOSTS: Final = 2
"""Hosts that are cleared at once."""
NEAR: Final = 0.7
"""How often the second of them is of the same class as the first."""
ON_POOL: Final = 8
"""Units that are cleared where a pool is what is full."""
MOST: Final = 25
"""More units than this are not cleared at once."""


class Reseating:
    """The search, its refused units, and what is seated on each host."""

    def __init__(self, seating: Seating, refused: Iterable[tuple[Unit, Shape]], alike: Merged, seed: int) -> None:
        self.seating, self.alike = seating, alike
        waiting = list(refused)
        self.refused = {unit.name: (unit, shape) for unit, shape in waiting if shape.choices}
        self.cost = sum(shape.weight for _, shape in waiting)
        """What refusing those who have no seat costs."""
        self.rng = Random(seed)  # noqa: S311  the same search every time
        self.on_host: dict[int, dict[str, None]] = {}
        self.on_pool: dict[int, dict[str, None]] = {}
        for seat in seating.seats.values():
            self._note(seat)
        self.bulk = {shape.number: seating.shapes.bulk(shape) for shape in seating.shapes.all}

    def run(self, going: Callable[[], bool]) -> None:
        """Search while there is somebody refused and `going()`."""
        while self.refused and going():
            self._step()

    def _step(self) -> None:
        rng, seating = self.rng, self.seating
        unit, shape = self._drawn()
        cleared, hosts = self._cleared(unit, shape)
        if len(cleared) > MOST:
            seating.tried += 1
            return
        old = [self._leave(name) for name in cleared]
        before = sum(seat.shape.weight for seat in old)
        waiting = [*((seat.unit, seat.shape) for seat in old), (unit, shape)]
        order = self._order()
        waiting.sort(key=lambda one: order(one[1]) * rng.uniform(0.8, 1.2))
        wide = [rng.random() < 0.5 for _ in waiting]
        left = []
        for (other, its), anywhere in zip(waiting, wide, strict=True):
            if not (len(hosts) and seating.seat(other, its, hosts)) and not (anywhere and seating.seat(other, its)):
                left.append((other, its))
        lost = [(other, its) for other, its in left if not seating.seat(other, its)]
        missing = {other.name for other, _ in lost}
        seated = [other.name for other, _ in waiting if other.name not in missing]
        after = sum(seating.seats[name].shape.weight for name in seated)
        if after < before:
            for name in seated:
                seating.leave(name)
            for seat in old:
                seating.back(seat)
                self._note(seat)
            return
        self.cost -= after - before
        for name in seated:
            self._note(seating.seats[name])
            self.refused.pop(name, None)
        for other, its in lost:
            self.refused[other.name] = other, its

    def _drawn(self) -> tuple[Unit, Shape]:
        """The weightier of two refused units."""
        names = list(self.refused)
        one, two = self.refused[self.rng.choice(names)], self.refused[self.rng.choice(names)]
        return one if one[1].weight >= two[1].weight else two

    def _order(self) -> Callable[[Shape], float]:
        """By weight, by size, or by weight for size."""
        way, bulk = self.rng.random(), self.bulk
        if way < 0.4:
            return lambda shape: -shape.weight
        if way < 0.8:
            return lambda shape: -bulk[shape.number]
        return lambda shape: -shape.weight / (bulk[shape.number] + 0.01)

    def _cleared(self, unit: Unit, shape: Shape) -> tuple[list[str], IntArray]:
        """Who leaves, and the hosts that are tried first then: of a full pool some, or all of one or two hosts."""
        rng, seating = self.rng, self.seating
        if not unit.attaches or rng.random() < 0.5:
            full = [
                ways for ways in shape.ways if not any((way.pools & seating.pools.fits(way.need)).any() for way in ways)
            ]
            if full:
                pools = np.flatnonzero(rng.choice(rng.choice(full)).pools)
                names = list(self.on_pool.get(int(pools[rng.randrange(len(pools))]), ()))
                names = rng.sample(names, min(ON_POOL, len(names)))
                hosts = {seating.seats[name].host for name in names} - {NOWHERE}
                return names, np.array(sorted(hosts), dtype=np.int64)
        if not unit.attaches:
            return [], np.empty(0, dtype=np.int64)
        choice = rng.choice(shape.choices) if rng.random() < 0.3 else shape.choices[0]
        rows = np.flatnonzero(choice.hosts)
        found = [int(rows[rng.randrange(len(rows))])]
        for _ in range(HOSTS - 1):
            near = self.alike.rows[self.alike.of[found[0]]]
            rows = near if rng.random() < NEAR else rows
            found.append(int(rows[rng.randrange(len(rows))]))
        hosts_found = list(dict.fromkeys(found))
        names = [name for host in hosts_found for name in self.on_host.get(host, ())]
        return names, np.array(hosts_found, dtype=np.int64)

    def _leave(self, name: str) -> Seat:
        seat = self.seating.leave(name)
        self.on_host.get(seat.host, {}).pop(name, None)
        for pool in seat.pools:
            self.on_pool[pool].pop(name, None)
        return seat

    def _note(self, seat: Seat) -> None:
        self.on_host.setdefault(seat.host, {})[seat.unit.name] = None
        for pool in seat.pools:
            self.on_pool.setdefault(pool, {})[seat.unit.name] = None

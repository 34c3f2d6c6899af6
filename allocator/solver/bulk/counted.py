"""A batch as a linear programme: how many VMs of each shape on each class of hosts, how many volumes on each pool.

Places that are merged stand for their sum, each volume takes the least that it takes at any of them, and what is above
its limit already gives no room: so no placement gains more, and the programme's optimum is a bound. A second programme
shares the load out: what fills a place beyond a part of its room costs a little, so that hosts keep room to be packed.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from allocator.fleet import BoolArray, IntArray
from allocator.limits import UNLIMITED
from allocator.solver.bulk.merging import Merged
from allocator.solver.bulk.programme import FloatArray, Optimum, Programme
from allocator.solver.bulk.room import Need, Shelf
from allocator.solver.bulk.seating import NOWHERE
from allocator.solver.bulk.shapes import Shape, Shapes, Ways

FULL: Final = 0.8
"""The part of a place's room that costs nothing."""
FULLER: Final = ((0.1, 1.0), (0.05, 3.0), (0.05, 9.0))
"""Further parts, and what each costs, compared with each other."""
EVEN: Final = 0.5
"""What further parts cost, compared with a request: in all 0.35 of one for each sum that is used up."""
HINT: Final = EVEN / 25
"""The same where the optimum is a bound as well: enough to choose among optima, too little to move it."""


@dataclass(slots=True, eq=False)
class _Kind:
    """Requests that differ in nothing that counts but their VMs' demands on a host."""

    ways: Ways
    loads: list[FloatArray]
    """For each way, [sum, class of hosts]: what it takes of a host more than the way that takes least."""
    attaches: bool
    number: int
    volumes: int = 0


class Counted:
    """The programme of one batch over classes of places."""

    def __init__(self, shapes: Shapes, hosts: Merged, pools: Merged, *, even: float) -> None:
        self.shapes, self.hosts, self.pools, self.even = shapes, hosts, pools, even
        self._for_evenness = 0.0
        self.programme = Programme()
        self.seats: dict[tuple[int, int], int] = {}
        """(shape, class of hosts) -> column: how many of its units are there."""
        self.flows: dict[tuple[int, int, int, int], int] = {}
        """(kind, way, group of pool classes, class of hosts) -> column."""
        self.targets: dict[tuple[int, int, int], int] = {}
        """(kind, way, class of pools) -> column."""
        self.kinds: list[_Kind] = []
        self.kinds_of: dict[int, tuple[int, ...]] = {}
        """Shape -> the kind of each request."""
        self._priced: list[tuple[bool, IntArray, int, int, float]] = []
        self._known: dict[Hashable, int] = {}
        self._least_loads: dict[int, FloatArray] = {}
        self._classes: dict[tuple[int, int], IntArray] = {}
        reach = self._reach()
        _, self.group_of = np.unique(reach, axis=0, return_inverse=True)
        self.group_of = self.group_of.reshape(-1)
        self._build(reach)

    def refused_at_least(self, optimum: Optimum) -> int:
        """What the requests weigh that no placement can do without refusing."""
        total = sum(shape.weight * len(shape.units) for shape in self.shapes.all)
        return max(0, math.ceil(total - self.programme.ceiling(optimum.duals) - self._for_evenness))

    def prices(self, optimum: Optimum) -> FloatArray:
        """What one more of each sum would gain at each pool."""
        found = np.zeros(self.shapes.pools.left.shape)
        for on_pools, places, row, number, scale in self._priced:
            if on_pools:
                found[row, places] = max(0.0, optimum.duals[number]) / scale
        return found

    def _reach(self) -> BoolArray:
        """[class of pools, class of hosts]: whether some host there reaches some pool there."""
        links = self.shapes.screen.links
        groups = [np.unique(links.host_group[rows]) for rows in self.hosts.rows]
        reach = np.zeros((len(self.pools.rows), len(self.hosts.rows)), dtype=np.bool_)
        for number, rows in enumerate(self.pools.rows):
            local = links.only_host[rows]
            reach[number, self.hosts.of[local[local >= 0]]] = True
            shared = np.unique(links.pool_group[rows[local < 0]])
            if len(shared):
                reached = np.logical_or.reduce(links.table[shared], axis=0)
                for k, found in enumerate(groups):
                    reach[number, k] |= bool(reached[found].any())
        return reach

    def _build(self, reach: BoolArray) -> None:
        placeable = [shape for shape in self.shapes.all if shape.placeable]
        always = {shape.number: self._kinds_of(shape) for shape in placeable}
        arriving: dict[tuple[int, int], list[int]] = defaultdict(list)
        on_hosts: dict[int, list[tuple[int, FloatArray]]] = defaultdict(list)
        on_pools: dict[int, list[tuple[int, Need]]] = defaultdict(list)
        reaching = {group: reach[self.group_of == group][0] for group in np.unique(self.group_of).tolist()}
        for kind in self.kinds:
            for number, way in enumerate(kind.ways):
                rows = self._classes_of(way.pools, self.pools)
                columns = self.programme.variables(len(rows), kind.volumes)
                for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
                    self.targets[kind.number, number, row] = column
                    on_pools[row].append((column, way.need))
                open_classes = self._classes_of(way.hosts, self.hosts).tolist() if kind.attaches else [NOWHERE]
                for group in np.unique(self.group_of[rows]).tolist():
                    classes = [k for k in open_classes if k == NOWHERE or reaching[group][k]]
                    leaving = self.programme.variables(len(classes), kind.volumes)
                    for k, column in zip(classes, leaving.tolist(), strict=True):
                        self.flows[kind.number, number, group, k] = column
                        arriving[kind.number, k].append(column)
                        if k != NOWHERE and kind.loads[number][:, k].any():
                            on_hosts[k].append((column, kind.loads[number][:, k]))
                    inside = columns[self.group_of[rows] == group]
                    self.programme.balanced([*inside, *leaving], [1.0] * len(inside) + [-1.0] * len(leaving))
        served: dict[int, set[int]] = defaultdict(set)
        for number, k in arriving:
            served[number].add(k)
        staying: dict[tuple[int, int], dict[int, int]] = defaultdict(lambda: defaultdict(int))
        for shape in placeable:
            asked = self.kinds_of[shape.number]
            classes = sorted(set.intersection(*(served[number] for number in asked)))
            columns = self.programme.variables(len(classes), len(shape.units), shape.weight)
            for k, column in zip(classes, columns.tolist(), strict=True):
                self.seats[shape.number, k] = column
                for number in asked:
                    staying[number, k][column] += 1
                if k != NOWHERE:
                    on_hosts[k].append((column, always[shape.number][:, k]))
            self.programme.at_most(columns, 1.0, len(shape.units))
        for key, flows in arriving.items():
            seats = staying[key]
            self.programme.balanced([*flows, *seats], [1.0] * len(flows) + [-float(each) for each in seats.values()])
        for k, terms in on_hosts.items():
            loads = np.array([load for _, load in terms]).T
            self._limit(self.shapes.hosts, self.hosts.rows[k], [column for column, _ in terms], loads)
        for row, needs in on_pools.items():
            places = self.pools.rows[row]
            loads = np.array([_least(need, len(self.shapes.pools.charges), places) for _, need in needs]).T
            self._limit(self.shapes.pools, places, [column for column, _ in needs], loads)

    def _kinds_of(self, shape: Shape) -> FloatArray:
        """What a unit takes of each class of hosts whatever ways are chosen; the rest is the kinds' own."""
        always = np.zeros((len(self.shapes.hosts.charges), len(self.hosts.rows)))
        numbers = []
        for ways in shape.ways:
            tables = [self._loads(way.load) for way in ways]
            least = np.minimum.reduce(tables)
            always += least
            more = [table - least for table in tables]
            key = (
                shape.attaches,
                tuple((id(way.pools), id(way.hosts), id(way.need)) for way in ways),
                tuple(table.tobytes() for table in more),
            )
            if key not in self._known:
                self._known[key] = len(self.kinds)
                self.kinds.append(_Kind(ways, more, shape.attaches, len(self.kinds)))
            self.kinds[self._known[key]].volumes += len(shape.units)
            numbers.append(self._known[key])
        self.kinds_of[shape.number] = tuple(numbers)
        return always

    def _loads(self, load: Need) -> FloatArray:
        """[sum, class of hosts]: what the need takes of a host."""
        found = self._least_loads.get(id(load))
        if found is None:
            sums, rows = len(self.shapes.hosts.charges), self.hosts.rows
            table = np.array([_least(load, sums, each) for each in rows]).reshape(len(rows), sums)
            found = self._least_loads[id(load)] = table.T
        return found

    def _classes_of(self, mask: BoolArray, merged: Merged) -> IntArray:
        """The classes of the places that a mask leaves open."""
        key = id(mask), id(merged)
        found = self._classes.get(key)
        if found is None:
            found = self._classes[key] = np.bincount(merged.of[mask], minlength=len(merged.rows)).nonzero()[0]
        return found

    def _limit(self, shelf: Shelf, places: IntArray, columns: Sequence[int], loads: FloatArray) -> None:
        """One row for every sum that is limited at each of these places."""
        found = np.array(columns, dtype=np.int64)
        for row, plain in enumerate(shelf.plain):
            left = np.maximum(shelf.left[row, places], 0)
            used = np.flatnonzero(loads[row])
            if not plain or row in shelf.wide or not len(used) or (left >= UNLIMITED // 2).any():
                continue
            # Bytes beside VMs: each row is scaled to 1, so that the solver's tolerances mean the same in all.
            room, scale = float(left.sum()), float(max(left.sum(), loads[row].max(), 1))
            terms, factors, high = found[used], loads[row][used] / scale, room / scale
            if self.even and room:
                self._for_evenness += self.even * sum(part * price for part, price in FULLER)
                over = [
                    self.programme.variables(1, high * part, -self.even * price * scale / room)
                    for part, price in FULLER
                ]
                terms = np.concatenate([terms, *over])
                factors = np.concatenate([factors, [-1.0] * len(over)])
                high *= FULL
            number = self.programme.at_most(terms, factors, high)
            self._priced.append((shelf is self.shapes.pools, places, row, number, scale))


def _least(need: Need, sums: int, places: IntArray) -> FloatArray:
    """What the need takes of each sum where, of these places, it takes least."""
    amounts = np.zeros(sums)
    amounts[need.rows] = need.amounts[:, 0] if need.amounts.shape[1] == 1 else need.amounts[:, places].min(axis=1)
    return amounts

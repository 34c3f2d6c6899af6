"""The inventory as arrays, kept up to date volume by volume: what placement asks thousands of times.

Rows are the inventory's pools and hosts in the order of their names. A *tally* is the running sum of a charge
at every place of one kind; `add` and `remove` keep all tallies that were ever asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from allocator.domain.charging import kept
from allocator.domain.inventory import Inventory
from allocator.domain.placement import ALL, Charge, Volume
from allocator.domain.places import Host, Place, Pool
from allocator.domain.qos import Alternative
from allocator.domain.request import Request

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
Sees = Callable[[Any], Hashable]
T = TypeVar("T")
MOST_SHAPES: Final = 10_000
"""Shapes of requests that are told apart by number; beyond it all are forgotten and numbered anew."""
MOST_CELLS: Final = 2**24
"""Numbers kept for asks seen before (128 MiB of 64 bits each); beyond it all are forgotten and worked out again."""


@dataclass(frozen=True, slots=True, eq=False)
class Ask:
    """One volume asked for, by one of its alternatives."""

    request: Request
    alternative: Alternative
    """As the pool would keep it: what an array always gives is filled in."""
    asked: Alternative
    """As it was asked for."""
    coming: frozenset[str] = frozenset()
    """Groups with members that are being placed in the same call."""
    likeness: int = -1
    """Asks of one fleet with the same number differ in nothing but names; -1: not compared with others."""

    @classmethod
    def of(cls, volume: Volume) -> Ask:
        """The ask that a placed volume was."""
        return cls(volume.request, volume.alternative, volume.asked)


@dataclass(frozen=True, slots=True, eq=False)
class Kinds:
    """Places that look alike: `codes[row]` is the row's kind, `examples[kind]` one place of it."""

    codes: IntArray
    examples: tuple[Any, ...]

    def each(self, value: Callable[[Any], int]) -> IntArray:
        """`value` of every place, worked out once per kind."""
        return np.array([value(place) for place in self.examples], dtype=np.int64)[self.codes]


class Fleet:
    """Arrays over one inventory, which is changed through `settle` alone while the fleet is in use."""

    def __init__(self, inventory: Inventory) -> None:
        self.inventory = inventory
        self.pools: tuple[Pool, ...] = tuple(inventory.pools.values())
        self.hosts: tuple[Host, ...] = tuple(inventory.hosts.values())
        self.pool_row = {pool.name: row for row, pool in enumerate(self.pools)}
        self.host_row = {host.name: row for row, host in enumerate(self.hosts)}
        self.placed: dict[str, Volume] = {}
        """Volumes added for the time being."""
        self._kinds: dict[tuple[bool, Sees], Kinds] = {}
        self._limits: dict[tuple[bool, Callable[[Any], int]], IntArray] = {}
        self._labels: dict[str, tuple[IntArray, dict[str, int]]] = {}
        self._tallies: dict[Charge, IntArray] = {}
        self._remembered: dict[tuple[object, int], Any] = {}
        self._cells = 0
        self._ways: dict[tuple[object, ...], list[tuple[Alternative, Alternative, int]]] = {}
        self._alike = 0

    def places(self, over: str) -> Sequence[Place]:
        """Hosts for `host`, else pools: the rows that a charge over such places is worked out for."""
        return self.hosts if over == "host" else self.pools

    def kinds(self, over: str, sees: Sees) -> Kinds:
        """Places grouped by what a rule sees of them; `sees` must be a lasting function."""
        key = (over == "host", sees)
        found = self._kinds.get(key)
        if found is None:
            codes: dict[Hashable, int] = {}
            examples: list[Place] = []
            rows = []
            for place in self.places(over):
                seen = sees(place)
                if seen not in codes:
                    codes[seen] = len(examples)
                    examples.append(place)
                rows.append(codes[seen])
            found = self._kinds[key] = Kinds(np.array(rows, dtype=np.int64), tuple(examples))
        return found

    def each(self, over: str, value: Callable[[Any], int]) -> IntArray:
        """A whole number of every place, worked out once; `value` must be a lasting function."""
        key = (over == "host", value)
        found = self._limits.get(key)
        if found is None:
            figures = [value(place) for place in self.places(over)]
            found = self._limits[key] = np.array(figures, dtype=np.int64)
        return found

    def labels(self, over: str) -> tuple[IntArray, dict[str, int]]:
        """For each row the number of its label of one kind (-1: it has none), and the labels' numbers."""
        found = self._labels.get(over)
        if found is None:
            numbers: dict[str, int] = {}
            if over == "host":
                numbers = dict(self.host_row)
                codes = list(range(len(self.hosts)))
            else:
                names = [ALL if over == ALL else pool.domain(over) for pool in self.pools]
                codes = [-1 if name is None else numbers.setdefault(name, len(numbers)) for name in names]
            found = self._labels[over] = (np.array(codes, dtype=np.int64), numbers)
        return found

    def tally(self, charge: Charge) -> IntArray:
        """The sum of a charge at every label of its kind."""
        tally = self._tallies.get(charge)
        if tally is None:
            _, numbers = self.labels(charge.over)
            tally = np.zeros(max(1, len(numbers)), dtype=np.int64)
            for label, amount in self.inventory.totals(charge).items():
                if label in numbers:
                    tally[numbers[label]] = amount
            self._tallies[charge] = tally
            for volume in self.placed.values():
                self._count(charge, tally, volume, 1)
        return tally

    def sums(self, charge: Charge) -> IntArray:
        """For each row, the sum of a charge at the row's label (0 where it has none)."""
        codes, numbers = self.labels(charge.over)
        tally = self.tally(charge)
        if len(numbers) == len(codes) and charge.over in ("pool", "host"):
            return tally[: len(codes)]
        return np.where(codes >= 0, tally[codes], 0)

    def asks(self, request: Request, coming: frozenset[str] = frozenset()) -> list[Ask]:
        """Every way to keep the request on some pool, the preferred ones first.

        An alternative gives one ask, or one more for each default with which arrays would fill it. `coming` names the
        groups with members that are being placed in the same call.
        """
        ways = self._ways.get(request.shape)
        if ways is None:
            if len(self._ways) >= MOST_SHAPES:
                self._ways.clear()
            ways = self._ways[request.shape] = list(self._new_ways(request))
        return [Ask(request, way, asked, coming, likeness) for way, asked, likeness in ways]

    def _new_ways(self, request: Request) -> Iterator[tuple[Alternative, Alternative, int]]:
        pools = self.kinds("pool", _gives).examples
        for asked in request.alternatives:
            for way in {kept(asked, pool): None for pool in pools}:
                yield way, asked, self._alike
                self._alike += 1

    def remember(self, what: object, ask: Ask, work_out: Callable[[], T]) -> T:
        """What `work_out` gives for one ask, worked out once for all asks like it.

        It may rest on documents only, never on what is placed.
        """
        if ask.likeness < 0:
            return work_out()
        key = (what, ask.likeness)
        if key not in self._remembered:
            answer = work_out()
            if self._cells >= MOST_CELLS:
                self._remembered.clear()
                self._cells = 0
            self._remembered[key] = answer
            self._cells += answer.size if isinstance(answer, np.ndarray) else 1
        found: T = self._remembered[key]
        return found

    def amounts(self, charge: Charge, asks: Sequence[Ask]) -> IntArray:
        """What the asks together would add to a charge at each row. Not to be written to."""
        each = [self.remember(charge, ask, partial(self._amounts, charge, ask)) for ask in asks]
        return each[0] if len(each) == 1 else sum(each, np.zeros(len(self.places(charge.over)), dtype=np.int64))

    def _amounts(self, charge: Charge, ask: Ask) -> IntArray:
        kinds = self.kinds(charge.over, charge.sees)
        if charge.members is not None and not charge.members(ask.request):
            return np.zeros(len(kinds.codes), dtype=np.int64)
        return kinds.each(partial(charge.amount, ask.request, ask.alternative))

    def settle(self, arrivals: Iterable[Volume] = (), departures: Iterable[str] = ()) -> None:
        """Make a change permanent, in the inventory and in every tally."""
        arrivals, departures = tuple(arrivals), tuple(departures)
        moved = [volume.name for volume in arrivals if self.inventory.find(volume.name) is not None]
        for name in (*departures, *moved):
            for charge, tally in self._tallies.items():
                self._count(charge, tally, self.inventory.volumes[name], -1)
        for volume in arrivals:
            for charge, tally in self._tallies.items():
                self._count(charge, tally, volume, 1)
        self.inventory.settle(arrivals, departures)

    def add(self, volume: Volume) -> None:
        """A volume takes its place for the time being, without a change of the inventory."""
        self.placed[volume.name] = volume
        for charge, tally in self._tallies.items():
            self._count(charge, tally, volume, 1)

    def remove(self, volume: Volume) -> None:
        """A volume added before leaves its place again."""
        del self.placed[volume.name]
        for charge, tally in self._tallies.items():
            self._count(charge, tally, volume, -1)

    def _count(self, charge: Charge, tally: IntArray, volume: Volume, sign: int) -> None:
        _, numbers = self.labels(charge.over)
        for label, place in self.inventory.places(volume, charge.over):
            amount = charge.of(volume.request, volume.alternative, place)
            if amount:
                tally[numbers[label]] += sign * amount


def _gives(pool: Pool) -> Hashable:
    """What the pool makes of a request that leaves something open."""
    return pool.manifest.qos.always, pool.given_qos if pool.manifest.qos.always else None

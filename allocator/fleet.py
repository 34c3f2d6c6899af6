"""The inventory as arrays, kept up to date volume by volume: what placement asks thousands of times.

Rows are the inventory's pools and hosts in the order of their names.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from allocator.arrays.adding import Adding, even
from allocator.arrays.kinds import Kinds
from allocator.arrays.tallies import Tallies
from allocator.domain.charging import kept
from allocator.domain.inventory import Inventory
from allocator.domain.placement import ALL, Charge, Volume, see_nothing
from allocator.domain.places import Host, Place, Pool
from allocator.domain.qos import Alternative
from allocator.domain.request import Request

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
Sees = Callable[[Any], Hashable]
Figure = IntArray | int
"""A whole number of each row, or one that holds for all of them."""
T = TypeVar("T")
MOST_SHAPES: Final = 10_000
"""Shapes of requests that are told apart by number; beyond it all are forgotten and numbered anew."""
MOST_FREED: Final = 1_000
"""Departures of which is remembered where they were."""
MOST_CELLS: Final = 2**24
"""Numbers kept for asks seen before (128 MiB of 64 bits each); beyond it all are forgotten and worked out again."""


@dataclass(slots=True, eq=False)
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


class Fleet:
    """Arrays over one inventory, which is changed through `settle` alone while the fleet is in use."""

    def __init__(self, inventory: Inventory) -> None:
        self.inventory = inventory
        self.pools: tuple[Pool, ...] = tuple(inventory.pools.values())
        self.hosts: tuple[Host, ...] = tuple(inventory.hosts.values())
        self.pool_row = {pool.name: row for row, pool in enumerate(self.pools)}
        self.host_row = {host.name: row for row, host in enumerate(self.hosts)}
        self._kinds: dict[tuple[bool, Sees], Kinds] = {}
        self._limits: dict[tuple[bool, Callable[[Any], int]], Figure] = {}
        self._labels: dict[str, tuple[IntArray, dict[str, int]]] = {}
        self._gaps: dict[str, bool] = {}
        self._tallies = Tallies(inventory, lambda over: self.labels(over)[1])
        self.sheet = self._tallies.sheet
        """The array of which a charge's tally is one row, and the row; None where it is kept by itself."""
        self.add, self.remove = self._tallies.add, self._tallies.remove
        """A volume takes its place for the time being, without a change of the inventory, and leaves it again."""
        self.placed: Mapping[str, Volume] = self._tallies.placed
        """Volumes added for the time being."""
        self.departures = 0
        """How many volumes have left their pool for good."""
        self.freed: deque[int] = deque(maxlen=MOST_FREED)
        """The rows of the pools that the last of them left."""
        self._remembered: dict[tuple[object, int], Any] = {}
        self._cells = 0
        self._adding = Adding(self)
        self.figures = self._adding.by_kind
        """What an ask would add to a charge at each kind of place that the charge tells apart."""
        self._ways: dict[tuple[object, ...], list[tuple[Alternative, Alternative, int]]] = {}
        self._equal: dict[Alternative, Alternative] = {}
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

    def each(self, over: str, value: Callable[[Any], int], only: IntArray | None = None) -> Figure:
        """A whole number of every row, worked out once: one number where it is the same at all.

        `value` must be a lasting function.
        """
        key = (over == "host", value)
        found = self._limits.get(key)
        if found is None:
            figures = [value(place) for place in self.places(over)]
            found = self._limits[key] = even(np.array(figures, dtype=np.int64))
        return found if only is None or isinstance(found, int) else found.take(only)

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

    def has_gaps(self, over: str) -> bool:
        """Whether some row has no label of this kind: pools and hosts all have their names."""
        if over not in self._gaps:
            self._gaps[over] = bool((self.labels(over)[0] < 0).any())
        return self._gaps[over]

    def index(self, over: str, only: IntArray | None = None) -> IntArray:
        """For each row, where a tally over such places has its label; -1 where it has none."""
        if over in ("pool", "host") and only is not None:
            return only
        codes, _ = self.labels(over)
        return codes if only is None else codes.take(only)

    def tally(self, charge: Charge) -> IntArray:
        """The sum of a charge at every label of its kind. It stays right as volumes come and go."""
        return self._tallies.of(charge)

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
        for way, asked in self.ways(request):
            yield way, asked, self.number()

    def ways(self, request: Request) -> Iterator[tuple[Alternative, Alternative]]:
        """Each alternative as pools would keep it, and as it was asked for, the preferred ones first."""
        for asked in map(self._shared, request.alternatives):
            for way in {kept(asked, pool): None for pool in self.kinds("pool", _gives).examples}:
                yield self._shared(way), asked

    def _shared(self, alternative: Alternative) -> Alternative:
        """One object for all that are equal: what is the same object is soon compared."""
        if len(self._equal) >= MOST_SHAPES:
            self._equal.clear()
        return self._equal.setdefault(alternative, alternative)

    def keeps(self, ask: Ask, only: IntArray | None = None) -> BoolArray:
        """The pools that keep the ask in just this way."""
        kinds = self.kinds("pool", _gives)
        fits = np.array([kept(ask.asked, pool) == ask.alternative for pool in kinds.examples], dtype=np.bool_)
        return kinds.where(fits, only)

    def number(self) -> int:
        """A number for asks that are alike, given to no others of this fleet."""
        self._alike += 1
        return self._alike

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

    def amounts(self, charge: Charge, asks: Sequence[Ask], only: IntArray | None = None) -> Figure:
        """What the asks together would add to a charge at each row; one number where it is the same at all."""
        if charge.sees is see_nothing:
            places = self.places(charge.over)
            return sum([charge.of(ask.request, ask.alternative, places[0]) for ask in asks]) if places else 0
        total: Figure = 0
        for ask in asks:
            total = total + self._adding.of(charge, ask, only)
        return total

    def settle(self, arrivals: Iterable[Volume] = (), departures: Iterable[str] = ()) -> None:
        """Make a change permanent, in the inventory and in every tally."""
        arrivals, departures = tuple(arrivals), tuple(departures)
        moved = [volume.name for volume in arrivals if self.inventory.find(volume.name) is not None]
        for name in (*departures, *moved):
            left = self.inventory.volumes[name]
            self._tallies.count(left, -1)
            self.departures += len(left.forms)
            self.freed.extend([self.pool_row[form.pool] for form in left.forms])
        for volume in arrivals:
            self._tallies.count(volume, 1)
        self.inventory.settle(arrivals, departures)


def _gives(pool: Pool) -> Hashable:
    """What the pool makes of a request that leaves something open."""
    return pool.manifest.qos.always, pool.given_qos if pool.manifest.qos.always else None

"""Fill one place after the other to the last unit, where next to nothing of some sum is to spare.

Bin completion (Fukunaga and Korf 2007): each place gets a subset of the things left that wastes no more than may be
wasted. Which sums subsets come to is known from bits of one number, so that no subset is begun that cannot end well.
An unlucky beginning costs little: the search begins again in another order (Luby, Sinclair and Zuckerman 1993).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import gcd
from random import Random
from typing import Final

import numpy as np

from allocator.fleet import IntArray
from allocator.solver.deadline import Deadline
from allocator.solver.whole.bins import Bins

SPARE: Final = 0.01
"""What a sum may have to spare, as a part of all there is, for a search by that sum."""
BITS: Final = 2**20
"""Units in a place up to which sums are kept as bits."""
PLACES: Final = 100
"""Places up to which a search that goes one deeper for each is worth while."""
BEGINNING: Final = 3_000
"""Things tried before the search begins again for the first time."""
WASTE: Final = (2.0, 1.2, 1.5, 3.0, 6.0)
"""How much more a place may waste than its even part of what may be wasted."""
SUBSETS: Final = (5, 2, 20, 50)
"""Subsets of one place before the place before it gets another."""
ORDERLY: Final = (0.0, 0.3, 1.0)
"""How far the order of things is from that of their sizes, and that of places from that of how little they take in."""
PER_TRIED: Final = 2.5e-6
PER_SEARCH: Final = 5e-4
"""Seconds of trying one thing, and of beginning again (measured)."""


class Completion:
    """A search that can be left and taken up again, by the sum of which least is to spare."""

    def __init__(self, bins: Bins, seed: int) -> None:
        self.bins = bins
        self.rng = Random(seed)  # noqa: S311  the same search every time
        self.work = 0.0
        """What it took so far, in seconds of a quiet core: by what was tried, not by a clock."""
        self._begun = 0
        self._sums: list[int] = []
        """The sums that are looked at, the tightest first."""
        if bins.room.size and len(bins.room) <= PLACES and (bins.takes == bins.takes[:, :1]).all():
            part = bins.spare / np.maximum(bins.room.sum(axis=0), 1)
            self._sums = np.argsort(part, kind="stable").tolist()
            self._unit = gcd(*bins.room[:, self._sums[0]].tolist(), *bins.takes[:, 0, self._sums[0]].tolist()) or 1
            if part[self._sums[0]] > SPARE or int(bins.room[:, self._sums[0]].max()) // self._unit > BITS:
                self._sums = []

    def run(self, work: float, deadline: Deadline) -> IntArray | None:
        """Where each thing goes; None where so much work, or the time, does not suffice, or nothing is that tight."""
        enough = self.work + work
        while self._sums and self.work < enough and not deadline.passed():
            self._begun += 1
            search = self._search()
            found = search.found()
            self.work += PER_SEARCH + PER_TRIED * search.tried
            if found is not None:
                return found
            if not search.tried:
                # Some place gets no subset of all things: no order of them changes that.
                self._sums = []
        return None

    def _search(self) -> _Search:
        """The first in plain order, each other in one of its own."""
        rng, bins, first = self.rng, self.bins, self._begun == 1
        waste, subsets = (WASTE[0], SUBSETS[0]) if first else (rng.choice(WASTE), rng.choice(SUBSETS))
        things, places = (0.0, 0.0) if first else (rng.choice(ORDERLY), rng.choice(ORDERLY[:2]))
        sums, takes = self._sums, bins.takes[:, 0]
        holds = (bins.room / np.maximum(takes.mean(axis=0), 1)).min(axis=1).tolist()
        order = sorted(range(len(holds)), key=lambda place: (holds[place] * (1 + places * rng.random()), place))
        sizes = takes[:, sums[0]].tolist()
        units = np.array([self._unit if number == 0 else 1 for number in range(len(sums))])
        return _Search(
            [tuple(row) for row in (takes[:, sums] // units).tolist()],
            [tuple(row) for row in (bins.room[order][:, sums] // units).tolist()],
            order,
            bins.open[:, order].tolist(),
            sorted(range(len(sizes)), key=lambda thing: (-sizes[thing] * (1 + things * rng.random()), thing)),
            waste,
            subsets,
            BEGINNING * _luby(self._begun),
        )


@dataclass(slots=True, eq=False)
class _Search:
    """One search, places and things in a given order. All figures are in the order of the places."""

    takes: list[tuple[int, ...]]
    room: list[tuple[int, ...]]
    order: list[int]
    open: list[list[bool]]
    things: list[int]
    waste: float
    subsets: int
    most: int
    tried: int = 0

    def found(self) -> IntArray | None:
        """Where each thing goes; None where so many tries found nothing."""
        asked = map(sum, zip(*self.takes, strict=True))
        spare = [sum(rooms) - all_of_it for rooms, all_of_it in zip(zip(*self.room, strict=True), asked, strict=True)]
        chosen = self._filled(0, self.things, spare)
        if chosen is None:
            return None
        at = np.zeros(len(self.takes), dtype=np.int64)
        for place, subset in zip(self.order, chosen, strict=True):
            at[list(subset)] = place
        return at

    def _filled(self, place: int, things: list[int], spare: Sequence[int]) -> list[tuple[int, ...]] | None:
        """Subsets for this place and those after it; `spare` may be wasted in all of them together."""
        if place == len(self.room):
            return None if things else []
        if self._hopeless(place, things, spare[0]):
            return None
        room, after = self.room[place], [sum(sizes) for sizes in zip(*self.room[place:], strict=True)]
        allowed = tuple(
            free if place + 1 == len(self.room) else min(free, max(1, int(free * self.waste * size / max(1, whole))))
            for free, size, whole in zip(spare, room, after, strict=True)
        )
        for number, (subset, left) in enumerate(self._subsets(place, things, allowed)):
            if number == self.subsets or self.tried > self.most:
                break
            taken = set(subset)
            rest = [thing for thing in things if thing not in taken]
            found = self._filled(place + 1, rest, [free - lost for free, lost in zip(spare, left, strict=True)])
            if found is not None:
                return [subset, *found]
        return None

    def _hopeless(self, place: int, things: list[int], spare: int) -> bool:
        """Whether some thing can go to none of the places left, or some place can get no subset of these things."""
        if not all(any(self.open[thing][place:]) for thing in things):
            return True
        rooms = [room[0] for room in self.room[place:]]
        reached = self._reached(things, max(rooms))[0]
        return not all(reached >> max(0, room - spare) & (1 << (min(spare, room) + 1)) - 1 for room in rooms)

    def _subsets(
        self, place: int, things: list[int], allowed: tuple[int, ...]
    ) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
        """Subsets that waste no more than is allowed, those of large things first, and what each leaves."""
        some = [thing for thing in things if self.open[thing][place]]
        room = self.room[place]
        reached = self._reached(some, room[0])
        for wasted in range(min(allowed[0], room[0]) + 1):
            if reached[0] >> (room[0] - wasted) & 1:
                whole = (room[0] - wasted, *room[1:])
                for subset, left in self._summing(some, reached, 0, whole, ()):
                    if all(free <= most for free, most in zip(left[1:], allowed[1:], strict=True)):
                        yield subset, (wasted, *left[1:])

    def _summing(
        self, some: list[int], reached: list[int], first: int, left: tuple[int, ...], chosen: tuple[int, ...]
    ) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
        """Subsets of the things from `first` on that take all that is left of the first sum."""
        self.tried += 1
        if not left[0]:
            yield chosen, left
            return
        for number in range(first, len(some)):
            if not reached[number] >> left[0] & 1 or self.tried > self.most:
                return
            thing = some[number]
            less = tuple(free - need for free, need in zip(left, self.takes[thing], strict=True))
            if min(less) >= 0 and reached[number + 1] >> less[0] & 1:
                yield from self._summing(some, reached, number + 1, less, (*chosen, thing))

    def _reached(self, things: Sequence[int], most: int) -> list[int]:
        """For the things from each on, the sums up to `most` that subsets of them come to, as bits."""
        reached, mask = [1], (1 << (most + 1)) - 1
        for thing in reversed(things):
            reached.append((reached[-1] | reached[-1] << self.takes[thing][0]) & mask)
        return reached[::-1]


def _luby(number: int) -> int:
    """1, 1, 2, 1, 1, 2, 4 and so on."""
    whole = number.bit_length()
    return 1 << (whole - 1) if number == (1 << whole) - 1 else _luby(number - (1 << (whole - 1)) + 1)

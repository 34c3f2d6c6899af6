"""Tallies of groups: how many volumes of one group lie at each pool or failure domain, and what limits that."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from allocator.domain.placement import ALL, Charge, one_each
from allocator.fleet import Fleet
from allocator.limits import UNLIMITED
from allocator.solver.rearrange.state import CROWD, PROVIDES, SPREAD, WANTS, Ints
from allocator.solver.rearrange.words import Capped, Limited, Minus, Total, Unsaid, Whole

MOST_COUNTS: Final = 2**28
"""Counts of all tallies together (1 GiB of 32 bits each)."""


class Groups:
    """The tallies that limits speak of, each made when it is first spoken of."""

    def __init__(self, fleet: Fleet, rows: Mapping[str, int]) -> None:
        """`rows` numbers the volumes that may move, by name."""
        self._fleet, self._rows = fleet, rows
        self._overs: dict[str, int] = {}
        self._number: dict[Charge, int] = {}
        self._of: dict[int, list[int]] = defaultdict(list)
        self._size = 0
        self.part: list[int] = []
        self.over: list[int] = []
        self.base: list[int] = []
        self.partner: list[int] = []
        self.least: list[int] = []
        self.counts: list[Ints] = []
        self.crowds: list[Ints] = []

    def limit(self, said: Limited) -> None:
        """A limit on volumes that carry a mark; Unsaid where it is of another form."""
        total = said.total
        if isinstance(total, Minus):
            self._spread(total, said)
            return
        if not isinstance(total, Total) or total.count != "final" or said.where is not None:
            raise Unsaid("A limit on a group is of a form that the search does not know.")
        if self._says_nothing(total.charge):
            return
        limits = self._limits(total.charge, said.limits)
        if said.unless is None:
            self._crowd(total.charge, limits)
        elif isinstance(said.unless, Total) and said.unless.count == "final":
            self._near(total.charge, said.unless.charge, limits)
        else:
            raise Unsaid("A limit on a group holds under a condition that the search does not know.")

    def arrays(self, volumes: int) -> dict[str, Any]:
        """The state's arrays of tallies."""
        known: dict[tuple[int, ...], int] = {}
        party = [known.setdefault(tuple(self._of.get(row, ())), len(known)) for row in range(volumes)]
        labels = [self._fleet.labels(over)[0] for over in self._overs]
        none = np.zeros((1, len(self._fleet.pools)), dtype=np.int64) - 1
        counts = np.concatenate(self.counts) if self.counts else np.zeros(0, dtype=np.int64)
        crowds = np.concatenate(self.crowds) if self.crowds else np.zeros(0, dtype=np.int64)
        return {
            "party": np.array(party, dtype=np.int64),
            "parties": np.cumsum([0, *map(len, known)], dtype=np.int64),
            "counters": np.array([number for numbers in known for number in numbers], dtype=np.int64),
            "part": np.array(self.part, dtype=np.int64),
            "over": np.array(self.over, dtype=np.int64),
            "label": np.stack(labels) if labels else none,
            "base": np.array(self.base, dtype=np.int64),
            "partner": np.array(self.partner, dtype=np.int64),
            "tally": counts.astype(np.int32),
            "crowd": np.minimum(crowds, 2**31 - 1).astype(np.int32),
            "used": np.array([np.count_nonzero(count) for count in self.counts], dtype=np.int64),
            "least": np.array(self.least, dtype=np.int64),
        }

    def _crowd(self, charge: Charge, limits: Ints) -> None:
        placed = self._members(charge)
        if len(placed) <= limits.min(initial=UNLIMITED):
            return
        number = self._tally(charge)
        self.part[number] |= CROWD
        self.crowds[number][:] = np.maximum(limits, self.counts[number])

    def _near(self, charge: Charge, group: Charge, limits: Ints) -> None:
        wants, provides = self._tally(charge), self._tally(group)
        if self.part[wants] or self.part[provides] or charge.over != group.over:
            raise Unsaid("A group wants and provides in a way that the search does not know.")
        self.part[wants], self.part[provides] = WANTS, PROVIDES
        self.partner[wants], self.partner[provides] = provides, wants
        lonely = np.where(self.counts[provides] == 0, self.counts[wants], 0)
        self.crowds[wants][:] = np.maximum(limits, lonely)

    def _spread(self, total: Minus, said: Limited) -> None:
        """min(placed, k) - domains used <= 0: nobody comes or leaves, so that what is placed is a number."""
        match total:
            case Minus(Capped(Total(everywhere, "final"), most), Whole(Capped(Total(charge, "final"), 1))) if (
                everywhere.over == ALL and said.limits == 0 and said.where is said.unless is None
            ):
                least = min(most, len(self._members(charge)))
                if least <= 1:
                    return
                number = self._tally(charge)
                self.part[number] |= SPREAD
                self.least[number] = max(self.least[number], min(least, int(np.count_nonzero(self.counts[number]))))
            case _:
                raise Unsaid("A difference of sums is limited in a way that the search does not know.")

    def _says_nothing(self, charge: Charge) -> bool:
        """Whether nothing is ever summed: the place decides how much, and it is 0 everywhere."""
        kinds = self._fleet.kinds("pool", charge.sees)
        example = next(iter(self._fleet.inventory.marked(charge.mark)), None) if charge.mark else None
        if example is None:
            return True
        return len(kinds.examples) == 1 and not charge.amount(example.request, example.alternative, kinds.examples[0])

    def _limits(self, charge: Charge, limits: Callable[[Any], int] | int) -> Ints:
        _, numbers = self._fleet.labels(charge.over)
        if isinstance(limits, int):
            return np.full(len(numbers), limits, dtype=np.int64)
        pools = self._fleet.inventory.pools
        given = [limits(pools[label] if charge.over == "pool" else None) for label in numbers]
        return np.array(given, dtype=np.int64)

    def _members(self, charge: Charge) -> Sequence[str]:
        return (
            [v.name for v in self._fleet.inventory.marked(charge.mark) if charge.counts(v.request)]
            if charge.mark
            else ()
        )

    def _tally(self, charge: Charge) -> int:
        """The number of a tally. Unsaid where it counts anything but volumes, each as one wherever it lies."""
        number = self._number.get(charge)
        if number is not None:
            return number
        if charge.over in (ALL, "host") or charge.mark is None:
            raise Unsaid(f"{charge.name} over {charge.over} is limited in a way that the search does not know.")
        _, numbers = self._fleet.labels(charge.over)
        kinds = self._fleet.kinds("pool", charge.sees)
        count = np.zeros(len(numbers), dtype=np.int64)
        number = self._number[charge] = len(self.part)
        for volume in self._fleet.inventory.marked(charge.mark):
            if not charge.counts(volume.request):
                continue
            if charge.amount is not one_each and any(
                charge.amount(volume.request, volume.alternative, pool) != 1 for pool in kinds.examples
            ):
                raise Unsaid(f"{charge.name} are not counted one by one.")
            for label, amount in self._fleet.inventory.amounts(charge, volume):
                count[numbers[label]] += amount
            row = self._rows.get(volume.name)
            if row is not None:
                self._of[row].append(number)
        self._size += len(count)
        if self._size > MOST_COUNTS:
            raise Unsaid("There are more groups and domains than the search keeps.")
        self.part.append(0)
        self.over.append(self._overs.setdefault(charge.over, len(self._overs)))
        self.base.append(self._size - len(count))
        self.partner.append(-1)
        self.least.append(0)
        self.counts.append(count)
        self.crowds.append(np.full(len(count), 2**31 - 1, dtype=np.int64))
        return number

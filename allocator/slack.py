"""Room that is left under a sum: the one test of which masks are made, and goals that cost nothing below a threshold.

What a volume needs rests on documents only, and is kept; how much lies there is read when it is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from allocator.domain.placement import Charge
from allocator.fleet import BoolArray, Figure, Fleet, IntArray

ENDLESS: Final = 2**62
"""Room that no sum fills."""
FEW: Final = 4
"""Places that are asked one by one before all are at once: what is full is soon passed."""
OFTEN: Final = 3
"""Slacks that are asked for so often are laid out to be read at once: that takes as long as asking them once."""


@dataclass(slots=True, eq=False)
class Gate:
    """Room matters only where the sum of another charge lies between two figures."""

    charge: Charge
    index: IntArray
    least: Figure
    most: Figure


class Taking:
    """Some positions of rows, taken once out of each array that several sums share."""

    def __init__(self, positions: IntArray) -> None:
        self.positions = positions
        self._taken: dict[int, tuple[IntArray, IntArray]] = {}

    def index(self, index: IntArray) -> IntArray:
        """These positions of an index."""
        # The array is kept beside what was taken of it, so that no other comes by its identity.
        found = self._taken.get(id(index))
        if found is None:
            found = self._taken[id(index)] = index, index.take(self.positions)
        return found[1]

    def figure(self, figure: Figure) -> Figure:
        """These positions of a figure."""
        return figure if isinstance(figure, int) else figure.take(self.positions)


@dataclass(slots=True, eq=False)
class Slack:
    """Some rows of places, and the most that may lie at each for what is asked to fit beside it."""

    charge: Charge | None
    """None: whatever lies there does not matter."""
    index: IntArray
    """Of each row, where the charge's tally has the row's label."""
    room: Figure
    gate: Gate | None = None
    _tally: IntArray | None = None

    def only(self, taking: Taking) -> Slack | None:
        """The same of some rows; None where all of them have room, whatever lies there."""
        room = taking.figure(self.room)
        least = room if isinstance(room, int) else room.min(initial=ENDLESS)
        if least >= (0 if self.charge is None else ENDLESS):
            return None
        gate = self.gate
        if gate is not None:
            bounds = taking.figure(gate.least), taking.figure(gate.most)
            gate = Gate(gate.charge, taking.index(gate.index), *bounds)
        return Slack(self.charge, taking.index(self.index), room, gate)

    @property
    def even(self) -> bool:
        """Whether it is the same for all rows."""
        figures = (self.room,) if self.gate is None else (self.room, self.gate.least, self.gate.most)
        return all(isinstance(figure, int) for figure in figures)

    def at(self, index: IntArray) -> Slack:
        """What is the same for all rows, at some of them."""
        gate = self.gate
        moved = None if gate is None else Gate(gate.charge, index, gate.least, gate.most)
        return Slack(self.charge, index, self.room, moved)

    def holds(self, fleet: Fleet) -> BoolArray:
        """The rows that have room."""
        if self.charge is None:
            return np.broadcast_to(np.asarray(self.room) >= 0, self.index.shape)
        mask: BoolArray = fleet.tally(self.charge).take(self.index) <= self.room
        if self.gate is not None:
            now = fleet.tally(self.gate.charge).take(self.gate.index)
            mask |= (now < self.gate.least) | (now > self.gate.most)
        return mask

    def holds_at(self, fleet: Fleet, position: int) -> bool:
        """Whether one of the rows has room."""
        room = self.room
        if not isinstance(room, int):
            room = room.item(position)
        if self.charge is None:
            return room >= 0
        tally = self._tally
        if tally is None:
            tally = fleet.tally(self.charge)
            if self.charge.mark is None:
                # Only the tallies of groups and tenants are ever replaced by others.
                self._tally = tally
        if tally.item(self.index.item(position)) <= room:
            return True
        if self.gate is None:
            return False
        gate = fleet.tally(self.gate.charge).item(self.gate.index.item(position))
        return gate < _at(self.gate.least, position) or gate > _at(self.gate.most, position)


def _at(figure: Figure, position: int) -> int:
    return figure if isinstance(figure, int) else figure.item(position)


class Slacks(tuple[Slack, ...]):
    """Slacks of the same rows, of which all must hold; what lies on one sheet is read at once."""

    _sheets: Sequence[tuple[IntArray, IntArray, IntArray]] = ()
    """A sheet, which of its cells is each row's by each sum, and the room there."""
    _apart: Sequence[Slack] = ()
    _held: int = 0
    """How often they were asked for."""

    @property
    def slacks(self) -> Slacks:
        """As of a `Cut`."""
        return self

    def only(self, taking: Taking) -> Slacks:
        """The same of some rows, without those that all of them hold, whatever lies there."""
        return Slacks([cut for slack in self if (cut := slack.only(taking)) is not None])

    @property
    def even(self) -> bool:
        """Whether they are the same for all rows."""
        return all(slack.even for slack in self)

    def at(self, index: IntArray) -> Slacks:
        """What is the same for all rows, at some of them."""
        return Slacks([slack.at(index) for slack in self])

    def holds_at(self, fleet: Fleet, position: int) -> bool:
        """Whether all of them hold at one of the rows."""
        for slack in self:  # noqa: SIM110  a generator takes as long as what it asks
            if not slack.holds_at(fleet, position):
                return False
        return True

    def hold(self, fleet: Fleet, size: int) -> BoolArray:
        """The rows, of which there are so many, where all of them hold."""
        self._held += 1
        if self._held == OFTEN:
            self._lay_out(fleet)
        mask = np.ones(size, dtype=np.bool_)
        for sheet, cells, room in self._sheets:
            mask &= np.logical_and.reduce(sheet.take(cells) <= room, axis=0)
        for slack in self._apart if self._held >= OFTEN else self:
            mask &= slack.holds(fleet)
        return mask

    def _lay_out(self, fleet: Fleet) -> None:
        apart: list[Slack] = []
        together: dict[int, tuple[IntArray, list[tuple[IntArray, Figure]]]] = {}
        for slack in self:
            lies = fleet.sheet(slack.charge) if slack.charge is not None and slack.gate is None else None
            if lies is None:
                apart.append(slack)
            else:
                sheet, row = lies
                cells = slack.index + row * sheet.shape[1]
                together.setdefault(id(sheet), (sheet, []))[1].append((cells, slack.room))
        self._apart = apart
        self._sheets = [
            (
                sheet,
                np.stack([cells for cells, _ in found]),
                np.stack([np.broadcast_to(np.asarray(room), cells.shape) for cells, room in found]),
            )
            for sheet, found in together.values()
        ]


class Cut:
    """Slacks at some positions of their rows: read where they are until they are asked for often, and then cut out."""

    def __init__(self, whole: Slacks, taking: Taking) -> None:
        self._whole, self._taking = whole, taking
        self._cut: Slacks | None = None
        self._asked = 0

    @property
    def slacks(self) -> Slacks:
        """At these positions only."""
        if self._cut is None:
            self._cut = self._whole.only(self._taking)
        return self._cut

    def holds_at(self, fleet: Fleet, place: int) -> bool:
        """Whether all of them hold at one of the positions."""
        if self._cut is not None:
            return self._cut.holds_at(fleet, place)
        self._asked += 1
        if self._asked == OFTEN:
            return self.slacks.holds_at(fleet, place)
        return self._whole.holds_at(fleet, self._taking.positions.item(place))

    def hold(self, fleet: Fleet, size: int) -> BoolArray:
        """Where all of them hold."""
        return self.slacks.hold(fleet, size)


class Sieve:
    """Sums that want the same room everywhere: they pass over what is full among any rows, and keep nothing of rows."""

    def __init__(self, slacks: Iterable[Slack], fleet: Fleet) -> None:
        """Of slacks that are even, and of all rows."""
        self._slacks, self._fleet = Slacks(slacks), fleet
        sheets: dict[int, tuple[IntArray, list[tuple[int, int]]]] = {}
        for slack in self._slacks:
            lies = fleet.sheet(slack.charge) if slack.charge is not None and slack.gate is None else None
            if lies is not None and isinstance(slack.room, int):
                sheet, row = lies
                sheets.setdefault(id(sheet), (sheet, []))[1].append((row * sheet.shape[1], slack.room))
        self._sheets = [(sheet, *np.array(found).T[:, :, np.newaxis]) for sheet, found in sheets.values()]
        """A sheet, where the row of each sum begins on it, and the room that the sum wants."""

    def holds_at(self, row: int) -> bool:
        """Whether every sum leaves one row."""
        return self._slacks.holds_at(self._fleet, row)

    def first(self, rows: IntArray) -> int:
        """The place of the first of these rows that every sum leaves which has neither gate nor mark; -1: none does."""
        left = None
        for sheet, starts, room in self._sheets:
            found = np.logical_and.reduce(sheet.take(starts + rows) <= room, axis=0)
            left = found if left is None else left & found
        if left is None:
            return 0
        place = int(left.argmax())
        return place if left[place] else -1

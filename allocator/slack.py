"""Room that is left under a sum: the one test of which masks are made, and goals that cost nothing below a threshold.

What a volume needs rests on documents only, and is kept; how much lies there is read when it is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from allocator.domain.placement import Charge
from allocator.fleet import BoolArray, Figure, Fleet, IntArray

ENDLESS: Final = 2**62
"""Room that no sum fills."""


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
        self._positions = positions
        self._taken: dict[int, tuple[IntArray, IntArray]] = {}

    def index(self, index: IntArray) -> IntArray:
        """These positions of an index."""
        # The array is kept beside what was taken of it, so that no other comes by its identity.
        found = self._taken.get(id(index))
        if found is None:
            found = self._taken[id(index)] = index, index.take(self._positions)
        return found[1]

    def figure(self, figure: Figure) -> Figure:
        """These positions of a figure."""
        return figure if isinstance(figure, int) else figure.take(self._positions)


@dataclass(slots=True, eq=False)
class Slack:
    """Some rows of places, and the most that may lie at each for what is asked to fit beside it."""

    charge: Charge | None
    """None: whatever lies there does not matter."""
    index: IntArray
    """Of each row, where the charge's tally has the row's label."""
    room: Figure
    gate: Gate | None = None

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
        now = 0 if self.charge is None else fleet.tally(self.charge)[self.index[position]]
        if now <= _at(self.room, position):
            return True
        if self.gate is None:
            return False
        gate = fleet.tally(self.gate.charge)[self.gate.index[position]]
        return bool(gate < _at(self.gate.least, position) or gate > _at(self.gate.most, position))


def _at(figure: Figure, position: int) -> int:
    return figure if isinstance(figure, int) else int(figure[position])

"""Find contents for a shelf that are worth more than they cost, given what each unit is worth."""

from __future__ import annotations

from typing import Final

import numpy as np

from allocator.fleet import BoolArray, IntArray
from allocator.solver.contents.shelves import Shelf
from allocator.solver.relaxation import FloatArray

CELLS: Final = 3_000_000
"""Numbers looked at in one step."""
DENSE: Final = 50_000
"""Room up to which one limit alone is filled exactly, whole number by whole number."""
SCARCITY: Final = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0)
"""How much more a limit counts the less of it is left: none is best everywhere, so that each has its turn."""


def stock(shelf: Shelf, worth: FloatArray, unit_of: IntArray, turn: int) -> tuple[BoolArray, bool]:
    """Some contents, [content, option], that fit the shelf and are worth much; and whether none is worth more.

    With one limit the best there is is among them; with more each begins with another option, and takes whatever gives
    most for what it takes of what is left.
    """
    options, takes, room = _binding(shelf, worth)
    if not len(options):
        return np.zeros((0, len(worth)), dtype=np.bool_), True
    exact = _dense(room, unit_of[options])
    if exact:
        chosen = _filled(takes[:, 0], int(room[0]), worth[options])
    else:
        chosen = _grown(takes, room, worth[options], unit_of[options], SCARCITY[turn % len(SCARCITY)])
    found = np.zeros((len(chosen), len(worth)), dtype=np.bool_)
    found[:, options] = chosen
    return found, exact


def at_most(shelf: Shelf, worth: IntArray, unit_of: IntArray) -> int:
    """No content is worth more, in whole numbers: exactly where one limit binds, else as if units could be cut."""
    options, takes, room = _binding(shelf, worth)
    if not len(options):
        return 0
    if _dense(room, unit_of[options]):
        return int(worth[options][_filled(takes[:, 0], int(room[0]), worth[options])[0]].sum())
    bounds = [
        _in_parts(takes[:, limit].tolist(), int(room[limit]), worth[options].tolist()) for limit in range(len(room))
    ]
    return min(bounds, default=int(worth[options].sum()))


def _binding(shelf: Shelf, worth: FloatArray | IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """The options that are worth anything, what they take of each limit that binds them, and what there is of it."""
    options = np.flatnonzero(shelf.open & (worth > 0) & (shelf.takes <= shelf.room).all(axis=1))
    binding = shelf.takes[options].sum(axis=0) > shelf.room
    return options, shelf.takes[options][:, binding], shelf.room[binding]


def _dense(room: IntArray, units: IntArray) -> bool:
    """Whether one limit alone binds, small enough to be filled exactly, and each option is a unit's only one."""
    return len(room) == 1 and int(room[0]) <= DENSE and len(np.unique(units)) == len(units)


def _in_parts(takes: list[int], room: int, worth: list[int]) -> int:
    """The most that one limit lets through where a unit may be cut, rounded up."""
    total = 0
    for need, value in sorted(zip(takes, worth, strict=True), key=lambda pair: pair[0] / pair[1]):
        if need > room:
            return total + -(-value * room // need)
        room, total = room - need, total + value
    return total


def _filled(takes: IntArray, room: int, worth: FloatArray | IntArray) -> BoolArray:
    """The content of most worth within one limit (dynamic programming over what is taken)."""
    best = np.zeros(room + 1, dtype=worth.dtype)
    taken = np.zeros((len(takes), room + 1), dtype=np.bool_)
    for option, (need, value) in enumerate(zip(takes.tolist(), worth.tolist(), strict=True)):
        more = best[: room + 1 - need] + value
        taken[option, need:] = more > best[need:]
        best[need:] = np.maximum(best[need:], more)
    chosen = np.zeros((1, len(takes)), dtype=np.bool_)
    left = room
    for option in range(len(takes) - 1, -1, -1):
        if taken[option, left]:
            chosen[0, option] = True
            left -= int(takes[option])
    return chosen


def _grown(takes: IntArray, room: IntArray, worth: FloatArray, unit_of: IntArray, scarcity: float) -> BoolArray:
    size, limits = takes.shape
    starts = np.argsort(-worth, kind="stable")[: max(1, CELLS // max(1, size * limits))]
    rows = np.arange(len(starts))
    left = room - takes[starts]
    chosen = np.zeros((len(starts), size), dtype=np.bool_)
    chosen[rows, starts] = True
    closed = unit_of[starts][:, None] == unit_of[None, :]
    shares = takes / np.maximum(room, 1)
    while len(rows):
        fits = ~closed[rows]
        for limit in range(limits):
            fits &= takes[:, limit] <= left[rows, limit][:, None]
        weights = np.maximum(left[rows] / np.maximum(room, 1), 0.02) ** -scarcity
        gain = np.where(fits, worth / np.maximum(weights @ shares.T, 1e-9), -1.0)
        best = gain.argmax(axis=1)
        more = gain[np.arange(len(rows)), best] > 0
        rows, best = rows[more], best[more]
        chosen[rows, best] = True
        closed[rows] |= unit_of[best][:, None] == unit_of[None, :]
        left[rows] -= takes[best]
    return chosen

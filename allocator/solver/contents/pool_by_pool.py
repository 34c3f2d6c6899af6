"""Fill one pool after the other with whatever suits best what is left of it: few pools, in milliseconds.

Dot product and norm-based greedy, bin by bin (Panigrahy, Talwar, Uyeda and Wieder, Heuristics for Vector Bin Packing,
2011), each with dimensions weighted by what is asked of them. Ranking one volume after the other sees what a pool has
left of one dimension as well as of another; here the volume is chosen that uses up what is left in its proportions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from allocator.domain.placement import Volume
from allocator.fleet import BoolArray
from allocator.screen import Screen
from allocator.solver.contents.shelves import Shelf, Shelves
from allocator.solver.relaxation import FloatArray

Placement = dict[str, tuple[Volume, ...]]
Suits = Callable[[FloatArray, FloatArray, FloatArray], FloatArray]
"""How well each option suits, [option], given what it takes, [option, limit], what is left, and the limits' weights."""


POWERS: Final = (0.0, 1.0, 2.0)
"""How much more a dimension weighs of which much is asked: none is best everywhere."""


def few_pools(shelves: Shelves, screen: Screen) -> Placement:
    """The best of some placements: as little refused, and as few pools used, as may be.

    A suggestion, to be judged: what rules say beside sums over one pool has no say in it.
    """
    found = [_filled(shelves, screen, suits, power) for suits in (_along, _closest) for power in POWERS]
    return min(found, key=lambda placed: (-len(placed), len({volumes[0].pool for volumes in placed.values()})))


def _along(takes: FloatArray, left: FloatArray, weights: FloatArray) -> FloatArray:
    suits: FloatArray = takes @ (weights * left)
    return suits


def _closest(takes: FloatArray, left: FloatArray, weights: FloatArray) -> FloatArray:
    suits: FloatArray = -((left - takes) ** 2 @ weights)
    return suits


def _filled(shelves: Shelves, screen: Screen, suits: Suits, power: float) -> Placement:
    found: Placement = {}
    waiting = np.ones(len(shelves.options), dtype=np.bool_)
    for kind in shelves.kinds:
        room = np.maximum(kind.room, 1)
        shares = kind.takes / room
        asked = shares[kind.open].sum(axis=0)
        weights = (asked / max(1e-9, asked.max(initial=0.0))) ** power
        for row in kind.rows:
            if not waiting.any():
                return found
            for option in _content(kind, waiting, shares, weights, shelves, suits):
                ask = shelves.options[option].ask
                name = shelves.units[shelves.options[option].unit].name
                found[name] = (Volume(ask.request, screen.fleet.pools[row].name, (), ask.alternative, ask.asked),)
    return found


def _content(
    kind: Shelf, waiting: BoolArray, shares: FloatArray, weights: FloatArray, shelves: Shelves, suits: Suits
) -> Iterator[int]:
    """What goes to one pool; `waiting` loses it, with every other way to keep the same units."""
    left = kind.room.copy()
    while True:
        fits = waiting & kind.open & (kind.takes <= left).all(axis=1)
        options = np.flatnonzero(fits)
        if not len(options):
            return
        merit = suits(shares[options], left / np.maximum(kind.room, 1), weights)
        option = int(options[int(merit.argmax())])
        left -= kind.takes[option]
        waiting[shelves.unit_of == shelves.unit_of[option]] = False
        yield option

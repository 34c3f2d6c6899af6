"""What every place has left of every limit, as arrays: whether a VM fits is one comparison.

Ranking asks every rule about every VM; a batch of thousands asks the same few hundred shapes over and over. Here the
sums that rules state as limits lie side by side, so that a shape is compared with all places at once. What no limit
says was asked of the filters before the batch; what escapes both is found by the check, and placed by ranking.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from allocator.domain.placement import Charge
from allocator.fleet import Ask, BoolArray, Figure, Fleet, IntArray
from allocator.limits import UNLIMITED, Limit

Asks = Sequence[tuple[Ask, BoolArray]]
"""Each with the places that are open to it."""
ANYTHING: Final = -UNLIMITED
"""A need that every place meets."""


@dataclass(frozen=True, slots=True, eq=False)
class Gated:
    """A limit that holds only where something else lies (`where`), or only where it does not."""

    row: int
    gate: int
    where: bool
    more: IntArray
    """What the need adds to the sum at each place."""
    more_gate: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Need:
    """What one volume takes of a pool, or all volumes of a VM of a host."""

    rows: IntArray
    """The sums it adds to."""
    amounts: IntArray
    """What it adds to them at each place: [row, place], or one column where all places are alike."""
    least: IntArray
    """What must be left of each: the amount, or anything at all where that is 0 or no limit of its own."""
    gated: tuple[Gated, ...]
    counted: IntArray
    """Those of `rows`, by their place in it, that some place limits."""

    def at(self, place: int) -> IntArray:
        found: IntArray = self.amounts[:, place if self.amounts.shape[1] > 1 else 0]
        return found


class Shelf:
    """Pools, or hosts, with what is left of every sum at each of them."""

    def __init__(self, fleet: Fleet, over: str, limits: Iterable[Limit], asks: Asks) -> None:
        """A shelf for these limits, on which these asks will be put, each on some of these places, and nothing else."""
        self.fleet, self.over = fleet, over
        self.places = len(fleet.places(over))
        self.charges: list[Charge] = []
        self.plain: list[bool] = []
        """Of each row whether what is left must be enough; not so of a gate, and of a sum that has one."""
        self.gates: list[tuple[int, int, Limit]] = []
        rows: list[IntArray] = []
        for limit in limits:
            if (limit.charge.over == "host") != (over == "host"):
                continue
            found = list(self._rows(limit, asks))
            if len(found) == 1 and (found[0][1] >= UNLIMITED // 2).all():
                continue
            if len(found) == 2:
                self.gates.append((len(rows), len(rows) + 1, limit))
            for charge, left in found:
                self.charges.append(charge)
                self.plain.append(len(found) == 1)
                rows.append(left)
        self.left = np.array(rows, dtype=np.int64).reshape(len(rows), self.places)
        """What may still be added; negative where the sum is above its limit. Of a gate: minus what lies there."""
        self._first = self.left.copy()
        counted = np.array(self.plain, dtype=np.bool_)[:, None] & (self.left > 0) & (self.left < UNLIMITED // 2)
        self._per = np.where(counted, 1.0 / np.where(counted, self.left, 1), 0.0)
        self.wide = {
            row: fleet.labels(charge.over)[0]
            for row, charge in enumerate(self.charges)
            if charge.over not in ("pool", "host")
        }
        """Sums over more than one place, with the label of each place (-1: the place does not count)."""
        self._needs: dict[Hashable, Need] = {}

    def need(self, asks: Sequence[Ask]) -> Need:
        """What these asks take together; asks that take the same have one need, which is large."""
        key = tuple(tuple(_key(self.fleet.figures(charge, ask)) for charge in self.charges) for ask in asks)
        found = self._needs.get(key)
        if found is None:
            found = self._needs[key] = self._need(asks)
        return found

    def _need(self, asks: Sequence[Ask]) -> Need:
        amounts = [self._amounts(row, charge, asks) for row, charge in enumerate(self.charges)]
        rows = [row for row, amount in enumerate(amounts) if amount.any()]
        table = np.array([amounts[row] for row in rows], dtype=np.int64).reshape(len(rows), self.places)
        plain = np.array([[self.plain[row]] for row in rows], dtype=np.bool_).reshape(len(rows), 1)
        least = np.where((table == 0) | ~plain, ANYTHING, table)
        gated = [
            Gated(row, gate, limit.where is not None, amounts[row], amounts[gate])
            for row, gate, limit in self.gates
            if (((amounts[row] > 0) | (amounts[gate] > 0)) & (self._most(limit) < UNLIMITED)).any()
        ]
        if self.places and (table == table[:, :1]).all():
            table, least = table[:, :1], least[:, :1]
        counted = np.array([number for number, row in enumerate(rows) if self._per[row].any()], dtype=np.int64)
        return Need(np.array(rows, dtype=np.int64), table, least, tuple(gated), counted)

    def _rows(self, limit: Limit, asks: Asks) -> Iterator[tuple[Charge, IntArray]]:
        """The sums that a limit needs, with what is left of them: its own, its gate's as well, or none."""
        most = self._most(limit)
        adds = partial(self._adds, asks, most < UNLIMITED)
        now = np.zeros_like(most) if limit.arrivals else self.fleet.sums(limit.charge)
        if limit.gate is None:
            if adds(limit.charge):
                yield limit.charge, most - now
            return
        gate = self.fleet.sums(limit.gate)
        holds = gate >= 1 if limit.where is not None else gate == 0
        if not adds(limit.gate):
            yield limit.charge, np.where(holds, most - now, UNLIMITED)
        elif limit.where is not None and not adds(limit.charge):
            # The sum stays as it is: where it is above the limit, nobody may make the limit hold.
            yield limit.gate, np.where(~holds & (now > most), 0, UNLIMITED)
        else:
            yield limit.charge, most - now
            yield limit.gate, -gate

    def _most(self, limit: Limit) -> IntArray:
        return self._each(limit.rows(self.fleet))

    def _each(self, figure: Figure) -> IntArray:
        """A figure of every place."""
        return np.broadcast_to(np.asarray(figure, dtype=np.int64), (self.places,))

    def _adds(self, asks: Asks, limited: BoolArray, charge: Charge) -> bool:
        """Whether any of the asks adds to a sum where it is limited."""
        tried = set[tuple[Hashable, bytes]]()
        for ask, places in asks:
            figures = self.fleet.figures(charge, ask)
            key = _key(figures), places.tobytes()
            if (isinstance(figures, int) and not figures) or key in tried:
                continue
            tried.add(key)
            amounts = self.fleet.amounts(charge, (ask,))
            if ((amounts != 0) & places & limited).any():
                return True
        return False

    def _amounts(self, row: int, charge: Charge, asks: Sequence[Ask]) -> IntArray:
        amounts = self._each(self.fleet.amounts(charge, asks))
        return np.where(self.wide[row] >= 0, amounts, 0) if row in self.wide else amounts

    def fits(self, need: Need, only: IntArray | None = None) -> BoolArray:
        """Where (`only`: of these places) the need is met, and what is above its limit already does not grow."""
        return _fits(self.left, need, only)

    def fitted(self, need: Need) -> BoolArray:
        """Where it would be, had nothing been put on the shelf."""
        return _fits(self._first, need, None)

    def spare(self, need: Need, rows: IntArray) -> NDArray[np.float64]:
        """What these places would have left with the need: of each sum, as a share of what there was at first."""
        amounts = need.amounts[need.counted]
        amounts = amounts if amounts.shape[1] == 1 else amounts[:, rows]
        at = need.rows[need.counted, None], rows
        left: NDArray[np.float64] = np.multiply(self.left[at] - amounts, self._per[at])
        return left

    def part(self, need: Need) -> float:
        """The need as parts of what a place has on average, all sums together."""
        if not self.places:
            return 0.0
        return float((need.amounts[need.counted] * self._per[need.rows[need.counted]]).mean(axis=1).sum())

    def take(self, need: Need, place: int, sign: int = 1) -> None:
        """Put the need on a place, or (`sign` -1) take it away again."""
        amounts = need.at(place)
        if not self.wide:
            self.left[need.rows, place] -= sign * amounts
            return
        for row, amount in zip(need.rows.tolist(), amounts.tolist(), strict=True):
            codes = self.wide.get(row)
            if codes is None:
                self.left[row, place] -= sign * amount
            elif codes[place] >= 0:
                self.left[row, codes == codes[place]] -= sign * amount


def _fits(rooms: IntArray, need: Need, only: IntArray | None) -> BoolArray:
    at: Any = slice(None) if only is None else only
    least = need.least if only is None or need.least.shape[1] == 1 else need.least[:, only]
    left = rooms[need.rows] if only is None else rooms[need.rows[:, None], only]
    mask: BoolArray = np.logical_and.reduce(left >= least, axis=0)
    for gated in need.gated:
        spare, lies = rooms[gated.row, at], -rooms[gated.gate, at]
        now, then = lies >= 1, lies + gated.more_gate[at] >= 1
        if not gated.where:
            now, then = ~now, ~then
        mask &= np.maximum(gated.more[at] - spare, 0) * then <= np.maximum(-spare, 0) * now
    return mask


def _key(figures: Figure) -> Hashable:
    return figures if isinstance(figures, int) else figures.tobytes()

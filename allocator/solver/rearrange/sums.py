"""Sums at pools: what every volume adds to them, their limits, and what is above their thresholds."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from allocator.domain.placement import ALL, Charge, Volume
from allocator.domain.places import Pool
from allocator.fleet import Fleet, IntArray
from allocator.limits import UNLIMITED
from allocator.solver.rearrange.words import Limited, Total, Unsaid, Vector

MOST_CELLS: Final = 2**27
"""Numbers that what volumes need may hold (1 GiB of 64 bits each)."""


@dataclass(slots=True, eq=False)
class Column:
    """One sum: `need` by the charge's kinds of pools (`codes`) and by likeness of volumes, and what is said of it."""

    need: IntArray
    codes: IntArray
    use: IntArray
    held: bool
    most: IntArray
    costs: list[tuple[IntArray, IntArray]] = field(default_factory=list)
    """(threshold, weight) of every pool."""


class Sums:
    """The sums that rules and goals speak of, each worked out when it is first spoken of."""

    def __init__(self, movable: Sequence[Volume], fleet: Fleet) -> None:
        self._movable, self.fleet = movable, fleet
        moving = {volume.name for volume in movable}
        self._still = [volume for volume in fleet.inventory.all_volumes() if volume.name not in moving]
        self._home = np.array([fleet.pool_row[volume.pool] for volume in movable], dtype=np.int64)
        self._columns: dict[tuple[Charge, bool], Column] = {}
        known: dict[Hashable, int] = {}
        self._examples: list[Volume] = []
        like = []
        for volume in movable:
            key = volume.request.shape, volume.alternative
            if key not in known:
                known[key] = len(known)
                self._examples.append(volume)
            like.append(known[key])
        self.like = np.array(like, dtype=np.int64)

    def limit(self, said: Limited) -> None:
        """A limit on a sum. Unsaid for one that holds under a condition which may come true."""
        total = said.total
        if not isinstance(total, Total) or total.count not in ("final", "held"):
            raise Unsaid("A limit on a sum is of a form that the search does not know.")
        charge = total.charge
        if charge.over == "host" or (said.where is not None and self._is_nothing(said.where)):
            return
        limits = self.limits(said)
        if (limits >= UNLIMITED).all():
            return
        if charge.over not in ("pool", ALL):
            raise Unsaid(f"{charge.name} over {charge.over} is limited in a way that the search does not know.")
        column = self.column(total)
        if charge.over == ALL and len(column.need) == 1:
            return
        highest = column.use.sum() + np.abs(column.need).max(axis=0, initial=0).take(self.like).sum()
        if (limits >= highest).all():
            return
        if charge.over == ALL or said.where is not None or said.unless is not None:
            raise Unsaid(f"{charge.name} are limited in a way that the search does not know.")
        column.most = np.minimum(column.most, limits)

    def limits(self, said: Limited) -> IntArray:
        """The limit at every pool."""
        given = said.limits
        pools: Sequence[Pool | None] = self.fleet.pools
        if isinstance(said.total, Total) and said.total.over == ALL:
            pools = [None] * len(pools)
        return np.array([given if isinstance(given, int) else given(pool) for pool in pools], dtype=np.int64)

    def cost(self, total: Total, least: Callable[[Any], int] | int | None, weights: IntArray) -> None:
        """What is above `least` of each pool costs so much; None: all of it does."""
        column = self.column(total)
        if least is None:
            lowest = int(np.minimum(column.need, 0).min(axis=0, initial=0).take(self.like).sum())
            threshold = np.minimum(column.use, 0) + lowest
        else:
            given = [least if isinstance(least, int) else least(pool) for pool in self.fleet.pools]
            threshold = np.array(given, dtype=np.int64)
        column.costs.append((threshold, weights))

    def column(self, total: Total) -> Column:
        """The sum at every pool, as it is now."""
        key = total.charge, total.count == "held"
        column = self._columns.get(key)
        if column is None:
            charge = total.charge
            kinds = self.fleet.kinds("pool", charge.sees)
            if len(kinds.examples) * len(self._examples) > MOST_CELLS:
                raise Unsaid(f"{charge.name} differs on more pools for more volumes than the search keeps.")
            need = np.array(
                [[charge.of(v.request, v.alternative, pool) for v in self._examples] for pool in kinds.examples],
                dtype=np.int64,
            )
            use = np.zeros(len(self.fleet.pools), dtype=np.int64)
            np.add.at(use, self._home, need[kinds.codes.take(self._home), self.like])
            for volume in self._still if charge.over == "pool" else ():
                for label, amount in self.fleet.inventory.amounts(charge, volume):
                    use[self.fleet.pool_row[label]] += amount
            column = Column(need, kinds.codes, use, key[1], np.full(len(use), UNLIMITED, dtype=np.int64))
            self._columns[key] = column
        return column

    def amounts(self, total: Total) -> IntArray:
        """What each volume adds wherever it goes. Unsaid where that depends on the pool."""
        need = self.column(total).need
        if len(need) != 1:
            raise Unsaid(f"{total.charge.name} depends on the pool.")
        amounts: IntArray = need[0].take(self.like)
        return amounts

    def arrays(self, stay: Sequence[tuple[int, Column]]) -> dict[str, Any]:
        """The state's arrays of sums; `stay` are the columns of which each volume costs what it adds, and how much."""
        columns = list(_single(_merged([c for c in self._columns.values() if c.costs or _binds(c)])))
        every = [*columns, *(column for _, column in stay)]
        codes = (
            np.stack([column.codes for column in every]) if every else np.zeros((1, len(self.fleet.pools)), np.int64)
        )
        _, first, kind = np.unique(codes, axis=1, return_index=True, return_inverse=True)
        if len(first) * len(self._examples) * max(1, len(columns)) > MOST_CELLS:
            raise Unsaid("Volumes differ on more pools than the search keeps.")
        shape = len(first), len(self._examples)
        need = np.zeros((*shape, len(columns)), dtype=np.int64)
        for d, column in enumerate(columns):
            need[:, :, d] = column.need[column.codes.take(first)]
        cost = sum(
            (weight * column.need[column.codes.take(first)] for weight, column in stay), np.zeros(shape, np.int64)
        )
        pools = len(self.fleet.pools)
        empty = np.zeros((pools, 0), dtype=np.int64)
        return {
            "like": self.like,
            "kind": kind.reshape(-1).astype(np.int64),
            "need": need,
            "stay": cost,
            "use": np.stack([column.use for column in columns], axis=1) if columns else empty,
            "held": np.array([column.held for column in columns], dtype=np.bool_),
            "most": np.stack([np.maximum(c.most, c.use) for c in columns], axis=1) if columns else empty,
            "above": np.stack([c.costs[0][0] for c in columns], axis=1) if columns else empty,
            "weight": np.stack([c.costs[0][1] for c in columns], axis=1) if columns else empty,
        }

    def _is_nothing(self, gate: Vector) -> bool:
        """Whether a sum is 0 whatever moves."""
        if not isinstance(gate, Total) or gate.over not in ("pool", "host"):
            return False
        places = self.fleet.kinds(gate.over, gate.charge.sees).examples
        volumes = [*self._examples, *self._still]
        return not any(gate.charge.of(v.request, v.alternative, place) for place in places for v in volumes)


def _binds(column: Column) -> bool:
    return bool((column.most < UNLIMITED).any())


def _single(columns: Iterable[Column]) -> Iterator[Column]:
    """Columns with one threshold each: limits stay with the first of those that have several."""
    for column in columns:
        endless = np.full(len(column.use), UNLIMITED, dtype=np.int64)
        first, *more = column.costs or [(endless, np.zeros_like(endless))]
        yield replace(column, costs=[first])
        yield from (replace(column, most=endless, costs=[one]) for one in more)


def _merged(columns: Sequence[Column]) -> list[Column]:
    """Columns that sum the same, once, with all that is said of either."""
    known: dict[Hashable, Column] = {}
    for column in columns:
        key = column.held, column.need.tobytes(), column.codes.tobytes(), column.use.tobytes()
        if key in known:
            known[key].most = np.minimum(known[key].most, column.most)
            known[key].costs += column.costs
        else:
            known[key] = column
    return list(known.values())

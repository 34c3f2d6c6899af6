"""Repack the pools of single volumes: contents by what units are worth, then a dive and a search among those found."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

import numpy as np

from allocator.domain.placement import Volume
from allocator.goal import Cost, Tiers
from allocator.screen import Screen
from allocator.solver.classes import Unit
from allocator.solver.contents.ceiling import proven
from allocator.solver.contents.columns import Solved
from allocator.solver.contents.dive import dive, generate
from allocator.solver.contents.fillings import Content, Contents
from allocator.solver.contents.shelves import shelves
from allocator.solver.contents.stock import stock
from allocator.solver.deadline import Deadline
from allocator.solver.relaxation import FloatArray

Placement = dict[str, tuple[Volume, ...]]
LONGEST: Final = 16
"""Units on a pool, on the average, up to which contents are worth looking for: of longer ones there are too many."""
NODES: Final = 2_000
"""Nodes of the search among the contents found."""
SURE: Final = 1e-6
"""How far the programme's cost may lie above a whole number that it means."""
FRUITLESS: Final = 60
"""Neighbourhoods in a row that win nothing before the search gives up."""
SINGLES: Final = 1_000
"""Units times kinds of pools up to which each unit by itself is a content to begin with."""
RANKS: Final = 8
"""Worths to begin with."""
FEW: Final = 4
"""Pools that a neighbourhood empties at the least; at the most it is half of them."""


@dataclass(frozen=True, slots=True, eq=False)
class Repacked:
    """What came of it: a better placement (None: none was found), a bound on the tier, and the work it took."""

    placed: Placement | None = None
    bound: int | None = None
    work: float = 0.0


def repack(
    units: Sequence[Unit],
    placed: Mapping[str, tuple[Volume, ...]],
    screen: Screen,
    tiers: Tiers,
    number: int,
    costs: Sequence[int],
    work: float,
    seed: int,
    deadline: Deadline,
) -> Repacked:
    """Where the units go for less of tier `number`, those before it at most at `costs`.

    The answer is a suggestion, to be verified: rules about several pools have no say in it. `screen` is of a fleet on
    which none of the units lies; `placed` costs `costs`.
    """
    used = len({volumes[0].pool for volumes in placed.values()})
    known = shelves(units, screen, tiers) if len(placed) <= LONGEST * used else None
    if known is None:
        return Repacked()
    contents = Contents(known, screen, tiers, number, tuple(costs))
    _seed(contents)
    _now(contents, placed)
    solved = generate(contents, work / 3, deadline.part(0.4))
    if solved is None:
        return Repacked(work=contents.work)
    bound = proven(contents, solved)
    search = _Search(contents, math.ceil(solved.cost - SURE), seed)
    search.offer(_now(contents, placed))
    search.offer(dive(contents, 2 * work / 3, deadline.part(0.6)))
    search.neighbourhoods(work, deadline.part(0.8))
    if not search.done() and 2 * len(known.kinds) <= sum(len(kind.rows) for kind in known.kinds):
        # Among contents of equal pools it finds what a dive misses; with a kind for each pool it finds nothing in time.
        search.offer(_chosen(contents, solved, search.best, deadline))
    better = search.best < tuple(costs[: number + 1])
    return Repacked(_placement(contents, search.answer) if better else None, bound, contents.work)


class _Search:
    """The best answer so far, and the one from which neighbourhoods are left: that may refuse what it should not."""

    def __init__(self, contents: Contents, least: int, seed: int) -> None:
        self.contents, self.least = contents, least
        self.rng = Random(seed)  # noqa: S311  the same neighbourhoods every time
        self.answer: Sequence[Content] = ()
        self.best: Cost = contents.cost(())
        self.here: Sequence[Content] = ()

    def offer(self, found: Sequence[Content] | None) -> bool:
        """Go on from this answer if it is no worse; whether it is better."""
        if found is None:
            return False
        cost, merit = self.contents.cost(found), self.contents.merit
        before = merit(self.contents.cost(self.here))
        if cost < self.best:
            self.answer, self.best = found, cost
        if merit(cost) <= before:
            self.here = found
        return merit(cost) < before

    def done(self) -> bool:
        return self.contents.merit(self.best) <= self.least

    def neighbourhoods(self, work: float, deadline: Deadline) -> None:
        """Empty some pools and dive anew for what was in them, the others as they are."""
        fruitless = 0
        while not self.done() and fruitless < FRUITLESS and self.contents.work < work and not deadline.passed():
            pools = len(self.here)
            freed = self.rng.randint(min(pools, FEW), max(min(pools, FEW), pools // 2))
            kept = self.rng.sample(list(self.here), pools - freed)
            fruitless = 0 if self.offer(dive(self.contents, work, deadline, kept)) else fruitless + 1


def _now(contents: Contents, placed: Mapping[str, tuple[Volume, ...]]) -> list[Content]:
    """What pools hold now, as contents."""
    known = contents.shelves
    kind_of = {row: kind for kind, shelf in enumerate(known.kinds) for row in shelf.rows}
    option_of = {
        (known.units[option.unit].name, option.ask.alternative): number for number, option in enumerate(known.options)
    }
    held: dict[int, list[int]] = defaultdict(list)
    for name, (volume,) in placed.items():
        row, option = contents.screen.fleet.pool_row[volume.pool], option_of.get((name, volume.alternative))
        # What only others beside it make possible has no kind, and is left out: the answer is judged as a whole.
        if row in kind_of and option is not None:
            held[row].append(option)
    taken = [contents.take(kind_of[row], options) for row, options in sorted(held.items())]
    return [content for content in taken if content is not None]


def _seed(contents: Contents) -> None:
    """Contents for what units may come to be worth: what they cost where they cost least, second least and so on."""
    known = contents.shelves
    cheapest = np.full((len(known.units), len(known.kinds)), np.inf)
    for kind, shelf in enumerate(known.kinds):
        costs = np.where(shelf.open, shelf.costs[:, contents.number], np.inf)
        np.minimum.at(cheapest[:, kind], known.unit_of, costs)
        if len(known.units) * len(known.kinds) <= SINGLES:
            for option in np.flatnonzero(shelf.open & (shelf.takes <= shelf.room).all(axis=1)).tolist():
                contents.take(kind, [option])
    cheapest = np.sort(cheapest, axis=1)
    for rank in range(1, min(RANKS, len(known.kinds))):
        worth = np.where(np.isfinite(cheapest[:, rank]), cheapest[:, rank], cheapest[:, 0])
        for kind, shelf in enumerate(known.kinds):
            gain: FloatArray = np.nan_to_num(worth[known.unit_of], posinf=0.0) - shelf.costs[:, contents.number]
            found, _ = stock(shelf, gain, known.unit_of, 0)
            for row in np.argsort(-(found @ gain), kind="stable")[:1]:
                contents.take(kind, np.flatnonzero(found[row]).tolist())


def _chosen(contents: Contents, solved: Solved, best: Cost, deadline: Deadline) -> list[Content] | None:
    """The best choice among the contents found that costs less than `best`, by branch and bound."""
    spare = contents.merit(best) - 1 - solved.cost
    surplus = contents.surplus(solved)
    useful = [row for row in range(len(surplus)) if surplus[row] <= spare + SURE]
    columns = [*range(contents.first), *(contents.first + row for row in useful)]
    found = contents.columns.whole(columns, NODES, deadline.left())
    deadline.passed()
    if found is None:
        return None
    return [contents.found[row] for row, taken in zip(useful, found[contents.first :].tolist(), strict=True) if taken]


def _placement(contents: Contents, chosen: Sequence[Content]) -> Placement:
    """The contents on pools of their kinds; a unit that is in several goes with the first."""
    found: Placement = {}
    pools = [list(shelf.rows) for shelf in contents.shelves.kinds]
    for content in chosen:
        pool = pools[content.kind].pop(0)
        for volume in contents.volumes(content.kind, content.options, pool):
            found.setdefault(volume.name, (volume,))
    return found

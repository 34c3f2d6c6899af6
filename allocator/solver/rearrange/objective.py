"""What goals say, tier by tier, as one cost: a unit of an earlier tier outweighs all of the later ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np

from allocator.domain.placement import ALL, one_each
from allocator.fleet import IntArray
from allocator.goal import Tiers
from allocator.solver.rearrange.sums import Column, Sums
from allocator.solver.rearrange.words import (
    Above,
    Capped,
    Cost,
    Grown,
    Highest,
    Minus,
    Routes,
    Total,
    Unsaid,
    Vector,
    Whole,
    Words,
)

LARGEST: Final = 2**54
"""Costs stay below it, so that sums of some hundreds of them fit 64 bits."""
Least = Callable[[Any], int] | int | None


class Objective:
    """The costs of one call: those of sums go to the sums, the others are kept here."""

    def __init__(self, words: Words, sums: Sums) -> None:
        self._words, self._sums = words, sums
        volumes, pools = len(words.movable), len(words.fleet.pools)
        self.leaving = np.zeros(volumes, dtype=np.int64)
        self.way = np.zeros((pools, pools), dtype=np.int64)
        self.stay: list[tuple[int, Column]] = []
        self.team = np.full(volumes, -1, dtype=np.int64)
        self.high = 0

    def say(self, tiers: Tiers) -> None:
        """Take over what all goals cost. Unsaid where the search cannot keep to it."""
        costs = [sum((weight * goal.encode(self._words) for goal, weight in tier), Cost()) for tier in tiers]  # type: ignore[arg-type]
        factor = 1
        for cost in reversed(costs):
            most = sum(self._add(factor * weight, term) for weight, term in cost.terms)
            factor += most
            if factor > LARGEST:
                raise Unsaid("The tiers span more than 54 bits.")

    def arrays(self) -> dict[str, Any]:
        sums = self._sums.arrays(self.stay)
        teams = int(self.team.max(initial=-1)) + 1
        counted = np.zeros(len(self.team) + 2, dtype=np.int64)
        counted[0] = teams
        return {
            **sums,
            "leaving": self.leaving,
            "way": self.way,
            "team": self.team,
            "moves": np.zeros(max(1, teams), dtype=np.int64),
            "teams": counted,
            "high": self.high,
            "signed": int((sums["weight"] < 0).any()),
        }

    def _add(self, weight: int, term: Grown | Routes) -> int:
        """Count a term, and tell how much it can make of a difference."""
        if isinstance(term, Routes):
            return self._routes(weight, term)
        if isinstance(term.vector, Highest):
            return self._highest(weight, term.vector)
        most = 0
        for factor, total, least in _pieces(term.vector):
            most += self._piece(weight * factor, total, least, term.weights)
        return most

    def _piece(self, weight: int, total: Total, least: Least, weights: Callable[[Any], int] | None) -> int:
        if total.over == "host":
            if total.count in ("final", "held"):
                return 0
            raise Unsaid("Moves are counted on hosts.")
        if total.over == ALL and least is None and weights is None:
            if total.count == "moved":
                amounts = weight * self._sums.amounts(total)
                self.leaving += amounts
                return int(np.abs(amounts).sum())
            if total.count == "final":
                column = self._sums.column(total)
                if len(column.need) > 1:
                    self.stay.append((weight, column))
                return abs(weight) * _spread(column, self._sums.like)
        if total.over == "pool" and total.count in ("final", "held") and total.charge.mark is None:
            column = self._sums.column(total)
            pools = self._words.fleet.pools
            each = np.array([weight if weights is None else weight * weights(pool) for pool in pools], dtype=np.int64)
            self._sums.cost(total, least, each)
            return int(np.abs(each).max(initial=0)) * (_spread(column, self._sums.like) + int(np.abs(column.use).sum()))
        raise Unsaid(f"{total.charge.name} over {total.over} costs in a way that the search does not know.")

    def _routes(self, weight: int, term: Routes) -> int:
        names = [pool.name for pool in self._words.fleet.pools]
        costs = weight * np.array([[term.cost(a, b) for b in names] for a in names], dtype=np.int64)
        self.way += costs - np.diag(np.diag(costs))
        return int(np.abs(costs).max(initial=0)) * len(self.leaving)

    def _highest(self, weight: int, highest: Highest) -> int:
        if self.high or weight < 0:
            raise Unsaid("Two highest sums cost, or one gains.")
        self.high = weight
        teams: dict[str, int] = {}
        for total in highest.totals:
            charge = total.charge if isinstance(total, Total) and total.over == ALL and total.count == "moved" else None
            if (
                charge is None
                or charge.mark is None
                or charge.mark[0] != "group"
                or charge.members
                or charge.amount is not one_each
            ):
                raise Unsaid("The highest of other sums than the moves of groups costs.")
            teams[charge.mark[1]] = len(teams)
        groups = [volume.request.group for volume in self._words.movable]
        self.team[:] = [-1 if group is None else teams.get(group, -1) for group in groups]
        return weight * len(groups)


def _pieces(vector: Vector) -> Iterator[tuple[int, Total, Least]]:
    """A vector as a sum of what lies above thresholds (None: all)."""
    match vector:
        case Total():
            yield 1, vector, None
        case Above(Total() as total, least):
            yield 1, total, least
        case Capped(Total() as total, most):
            yield 1, total, None
            yield -1, total, most
        case Minus(one, other):
            yield from _pieces(one)
            yield from ((-factor, total, least) for factor, total, least in _pieces(other))
        case Whole(base):
            yield from _pieces(base)
        case _:
            raise Unsaid("A cost is of a form that the search does not know.")


def _spread(column: Column, like: IntArray) -> int:
    """The most by which all volumes together can change the sum."""
    return int(np.abs(column.need).max(axis=0, initial=0).take(like).sum())

"""The linear rows of a CP-SAT model as arrays: what an LP solver reads, and what a part of the model is cut from.

Every row is `least <= sum(factors x columns) <= most`, in whole numbers. A minimum of a sum and a number becomes rows
that hold wherever it does; for `used` (a minimum with 1) they say exactly the same over whole numbers, and whatever is
limited on a place holds there only where the place is used, which the model does not need and the LP does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from allocator.fleet import IntArray

ENDLESS: Final = 2**62
"""A limit of a row that is none; CP-SAT accepts no sum that reaches it."""


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """A minimisation: `costs` x columns + `offset`, each column within `lower` and `upper`.

    Row r holds the entries `starts[r]` to `starts[r + 1]` of `columns` and `factors`. `exact` is False where the model
    has constraints that the rows say only in part: then whatever the rows prove is true, and what fulfils them may
    not fulfil the model.
    """

    lower: IntArray
    upper: IntArray
    costs: IntArray
    offset: int
    starts: IntArray
    columns: IntArray
    factors: IntArray
    least: IntArray
    most: IntArray
    exact: bool

    @property
    def rows(self) -> IntArray:
        """The row of every entry."""
        return np.repeat(np.arange(len(self.least)), np.diff(self.starts))

    def cost(self, values: IntArray) -> int:
        return int(self.costs @ values) + self.offset


_Row = tuple[list[int], list[int], int, int]
"""Columns, factors, least, most."""


@dataclass(frozen=True, slots=True)
class _Sum:
    """A sum of columns and a number."""

    terms: dict[int, int]
    offset: int

    @classmethod
    def of(cls, proto: Any, sign: int = 1) -> _Sum:
        terms: dict[int, int] = {}
        for column, factor in zip(proto.vars, proto.coeffs, strict=True):
            terms[column] = terms.get(column, 0) + sign * factor
        return cls(terms, sign * proto.offset)

    def less(self, other: _Sum, by: int = 1, factor: int = 1) -> _Sum:
        """factor x this - by x other."""
        terms = {column: factor * amount for column, amount in self.terms.items()}
        for column, amount in other.terms.items():
            terms[column] = terms.get(column, 0) - by * amount
        return _Sum(terms, factor * self.offset - by * other.offset)

    def within(self, lower: Sequence[int], upper: Sequence[int]) -> tuple[int, int]:
        """The least and the most that it can be."""
        ends = [sorted((factor * lower[c], factor * upper[c])) for c, factor in self.terms.items()]
        return self.offset + sum(low for low, _ in ends), self.offset + sum(high for _, high in ends)


def program_of(proto: Any) -> Program:
    """The rows of a CP-SAT model's proto. A constraint of a kind that rules and goals do not use is left out."""
    domains = [list(variable.domain) for variable in proto.variables]
    lower, upper = [domain[0] for domain in domains], [domain[-1] for domain in domains]
    rows: list[_Row] = []
    needs: dict[int, int] = {}
    exact = True
    for constraint in proto.constraints:
        if constraint.has_linear():
            domain = list(constraint.linear.domain)
            rows.append((list(constraint.linear.vars), list(constraint.linear.coeffs), domain[0], domain[-1]))
            exact &= len(domain) == 2
        elif constraint.has_lin_max():
            exact &= _minimum(constraint.lin_max, lower, upper, rows, needs)
        else:
            exact = False
    if needs:
        rows = [_only_where_used(row, needs) for row in rows]
    costs = np.zeros(len(lower), dtype=np.int64)
    np.add.at(costs, list(proto.objective.vars), list(proto.objective.coeffs))
    starts = np.cumsum([0, *(len(columns) for columns, _, _, _ in rows)])
    return Program(
        np.array(lower, dtype=np.int64),
        np.array(upper, dtype=np.int64),
        costs,
        round(proto.objective.offset),
        starts,
        np.array([column for columns, _, _, _ in rows for column in columns], dtype=np.int64),
        np.array([factor for _, factors, _, _ in rows for factor in factors], dtype=np.int64),
        np.array([max(least, -ENDLESS) for _, _, least, _ in rows], dtype=np.int64),
        np.array([min(most, ENDLESS) for _, _, _, most in rows], dtype=np.int64),
        exact,
    )


def _minimum(proto: Any, lower: Sequence[int], upper: Sequence[int], rows: list[_Row], needs: dict[int, int]) -> bool:
    """value = min(parts), as CP-SAT keeps it: -value = max(-part). Whether the rows say all of it.

    Of a sum from `low` to `high` and a number `least` between them: value >= the line between the ends of the minimum.
    """
    value, parts = _Sum.of(proto.target, -1), [_Sum.of(part, -1) for part in proto.exprs]
    for part in parts:
        _at_least_0(part.less(value), rows)
    sums, numbers = [part for part in parts if part.terms], [part.offset for part in parts if not part.terms]
    if len(sums) != 1 or not numbers:
        return False
    total, least = sums[0], min(numbers)
    low, high = total.within(lower, upper)
    if low >= least or high <= least:
        _at_least_0(value.less(_Sum({}, least) if low >= least else total), rows)
        return True
    above, most = _Sum(value.terms, value.offset - low), _Sum(total.terms, total.offset - low)
    _at_least_0(above.less(most, least - low, high - low), rows)
    if (low, least, value.offset, list(value.terms.values())) == (0, 1, 0, [1]):
        used = next(iter(value.terms))
        needs |= {column: used for column, factor in total.terms.items() if factor > 0}
    return least - low == 1


def _at_least_0(total: _Sum, rows: list[_Row]) -> None:
    """total >= 0; left out where its figures would be too large."""
    if max(map(abs, (*total.terms.values(), total.offset))) < ENDLESS:
        rows.append((list(total.terms), list(total.terms.values()), -total.offset, ENDLESS))


def _only_where_used(row: _Row, needs: dict[int, int]) -> _Row:
    """A limit on columns that all need the same place to be used: sum <= most is sum <= most x used."""
    columns, factors, least, most = row
    places = {needs.get(column) for column in columns}
    place = next(iter(places), None)
    if len(places) > 1 or place is None or least > -ENDLESS or not 0 <= most < ENDLESS or min(factors) < 0:
        return row
    return [*columns, place], [*factors, -most], least, 0

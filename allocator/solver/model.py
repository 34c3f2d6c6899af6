"""The words in which rules and goals speak to CP-SAT, over one model that counts.

A word denotes a vector over real places. What is merged stands for its sum: a merged model is a relaxation, and exact
when nothing is merged. Rules never see what was before: `require_at_most` works out each place's amount before the call
and forbids that it grows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Literal

from ortools.sat.python import cp_model

from allocator.domain.inventory import Inventory
from allocator.domain.placement import ALL, Charge
from allocator.domain.places import Place
from allocator.domain.sizes import MIB
from allocator.screen import Screen
from allocator.solver.classes import HostClass, UnitClass
from allocator.solver.counts import Counts, Expression, Within

Count = Literal["final", "arrivals", "moved", "held"]
COARSE: Final = 2**55
"""Sums that may pass this are kept in units of 1 MiB: CP-SAT refuses what may reach 2**62 (measured)."""


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """A sum at one real place, or at several that are merged."""

    expression: Expression
    fixed: bool
    """No decision changes it."""
    before: tuple[int, ...]
    """What the sum was when the call began, at each real place."""
    most: int
    """No answer makes the sum larger than this."""
    unit: int = 1
    """All figures are in this unit, rounded up."""


@dataclass(frozen=True, slots=True, eq=False)
class Total:
    """A vector: the label of a place (the first of those that are merged) -> its sum."""

    over: str
    rows: dict[str, Row]


@dataclass(frozen=True, slots=True, eq=False)
class Derived:
    """A variable that follows from choices: the amount of `base` above `spare`, and never more than `most`."""

    variable: Any
    base: Expression
    spare: int
    most: int

    def at(self, value: Callable[[Expression], int]) -> int:
        """Its value, given the values of expressions."""
        return min(max(0, value(self.base) - self.spare), self.most)


@dataclass(slots=True)
class _Sum:
    """A row while it is added up."""

    before: list[int]
    start: int
    most: int
    terms: list[Any] = field(default_factory=list)
    factors: list[int] = field(default_factory=list)

    def row(self) -> Row:
        unit = MIB if max(self.most, *self.before) >= COARSE else 1
        up = partial(_ceil_div, unit=unit)
        factors, start = [up(factor) for factor in self.factors], up(self.start)
        expression = cp_model.LinearExpr.weighted_sum(self.terms, factors) + start if self.terms else start
        return Row(expression, not self.terms, tuple(map(up, self.before)), up(self.most) + len(factors), unit)


class Model(Counts):
    """One CP-SAT model of one call."""

    def __init__(
        self,
        screen: Screen,
        classes: Sequence[UnitClass],
        hosts: Sequence[HostClass],
        within: Mapping[str, Within] | None = None,
        before: Inventory | None = None,
    ) -> None:
        """`before` is how all was when the call began, where the fleet has changed since (None: it has not)."""
        super().__init__(screen, classes, hosts, within)
        self.before = before
        self.derived: list[Derived] = []
        """The variables that are no choice, in an order in which each follows from those before it."""
        self._totals: dict[tuple[Charge, Count], Total] = {}

    def total(self, charge: Charge, count: Count = "final") -> Total:
        """The sum of a charge at every place of its kind.

        `final`: what lies there afterwards; `arrivals`: newcomers only; `moved`: of these, those that lay elsewhere
        before; `held`: those that leave count too.
        """
        found = self._totals.get((charge, count))
        if found is None:
            rows = {label: entry.row() for label, entry in self._sums(charge, count).items()}
            found = self._totals[charge, count] = Total(charge.over, rows)
        return found

    def capped(self, total: Total, most: int) -> Total:
        """min(total, most) of each place; `capped(t, 1)` reads "used". Only bounded where places are merged."""
        return Total(total.over, {label: self._capped(row, most) for label, row in total.rows.items()})

    def above(self, total: Total, least: Callable[[Any], int] | int) -> Total:
        """max(total - least, 0) of each place: for costs, since it is only bounded from below."""
        rows = {}
        for label, row in total.rows.items():
            spare = least if isinstance(least, int) else least(self._place(total.over, label))
            before = tuple(max(amount - spare, 0) for amount in row.before)
            most = max(row.most - min(spare, 0) * len(before), sum(before))
            if row.most <= spare:
                continue
            value = self.cp.new_int_var(0, most, "")
            self.cp.add(value >= row.expression - spare * len(before))
            self.derived.append(Derived(value, row.expression, spare * len(before), most))
            rows[label] = Row(value, row.fixed, before, most)
        return Total(total.over, rows)

    def sum(self, total: Total) -> Total:
        """The one sum over all places."""
        rows = total.rows.values()
        before = sum(amount for row in rows for amount in row.before)
        fixed, most = all(row.fixed for row in rows), sum(row.most for row in rows)
        return Total(ALL, {ALL: Row(sum(row.expression for row in rows), fixed, (before,), most)})

    def minus(self, total: Total, other: Total) -> Total:
        """total - other, place by place."""
        rows = {}
        for label, a in total.rows.items():
            b = other.rows.get(label, Row(0, True, (0,) * len(a.before), 0))
            before = tuple(x - y for x, y in zip(a.before, b.before, strict=True))
            rows[label] = Row(a.expression - b.expression, a.fixed and b.fixed, before, a.most)
        return Total(total.over, rows)

    def highest(self, totals: Sequence[Total]) -> Total:
        """The largest of several sums over everything, none of them ever below 0."""
        highest = Row(0, True, (0,), 0)
        for row in (row for total in totals for row in total.rows.values()):
            more = self.above(self.minus(Total(ALL, {ALL: row}), Total(ALL, {ALL: highest})), 0).rows
            if more:
                before, most = max(highest.before, row.before), max(highest.most, row.most)
                highest = Row(highest.expression + more[ALL].expression, False, before, most)
        return Total(ALL, {ALL: highest})

    def routes(self, cost: Callable[[str, str], int]) -> Expression:
        """The sum of `cost` from the old to the new pool, over volumes that have a home."""
        return sum(
            cost(home[index].pool, self.fleet.pools[row].name) * target
            for (u, index, _, row), target in self.targets.items()
            if (home := self.classes[u].example.home)
        )

    def change(self, total: Total, weights: Callable[[Any], int] = lambda place: 1) -> Expression:
        """How much the sum over all places grows: what a goal costs."""
        return sum(
            weights(self._place(total.over, label)) * (row.expression - sum(row.before))
            for label, row in total.rows.items()
            if not row.fixed
        )

    def require_at_most(
        self,
        total: Total,
        limits: Callable[[Any], int] | int,
        where: Total | None = None,
        unless: Total | None = None,
    ) -> None:
        """At each place: total <= limit, enforced where `where` >= 1, or where `unless` = 0.

        A place that is above its limit already may stay so, but not grow.
        """
        gates = where if where is not None else unless
        for label, row in total.rows.items():
            limit = limits if isinstance(limits, int) else limits(self._place(total.over, label))
            limit //= row.unit
            none = Row(0, True, (0,) * len(row.before), 0)
            gate = None if gates is None else gates.rows.get(label, none)
            if row.most <= limit or (row.fixed and (gate is None or gate.fixed)):
                continue
            held = [True] * len(row.before) if gate is None else [(g >= 1) == (where is not None) for g in gate.before]
            excess = sum(max(0, b - limit) for b, on in zip(row.before, held, strict=True) if on)
            most = limit * len(row.before) + self._broken(total.over, label, row, gate, limit, excess)
            if gate is None or (gate.fixed and all(held)):
                self.cp.add(row.expression <= most)
            elif not gate.fixed or any(held):
                used = self._capped(gate, 1).expression
                slack = row.most * (len(row.before) - used if where is not None else used)
                self.cp.add(row.expression <= most + slack)

    def _broken(self, over: str, label: str, row: Row, gate: Row | None, limit: int, excess: int) -> Expression:
        """How far above its limit a sum may be that was so much above it before."""
        return excess

    def _capped(self, row: Row, most: int) -> Row:
        before, size = tuple(min(amount, most) for amount in row.before), len(row.before)
        if row.fixed:
            return Row(sum(before), True, before, most * size)
        value = self.cp.new_int_var(0, most * size, "")
        self.derived.append(Derived(value, row.expression, 0, most * size))
        if size == 1:
            self.cp.add_min_equality(value, [row.expression, most])
        else:
            self.cp.add(value <= row.expression)
            self.cp.add(most * row.expression <= max(row.most, most) * value)
        return Row(value, False, before, most * size)

    def _place(self, over: str, label: str) -> Place | None:
        if over == "host":
            return self.inventory.hosts[label]
        return self.inventory.pools[label] if over == "pool" else None

    def _sums(self, charge: Charge, count: Count) -> dict[str, _Sum]:
        """The rows of a charge: those that a decision can change, or that hold something."""
        sums = dict(self._starts(charge, count))
        for volume in (volume for c in self.classes for unit in c.units for volume in unit.home):
            for label, amount in self.inventory.amounts(charge, volume):
                if count in ("final", "held") and self.before is None:
                    sums[label].before[0] += amount
                if count == "held":
                    sums[label].start += amount
                    sums[label].most += amount
        for u, label, variable, amount, arrives in self._terms(charge):
            if amount and (count == "final" or arrives) and (count != "moved" or self.classes[u].example.home):
                sums[label].terms.append(variable)
                sums[label].factors.append(amount)
                sums[label].most += max(0, amount) * len(self.classes[u])
        return {label: entry for label, entry in sums.items() if entry.terms or entry.start or any(entry.before)}

    def _starts(self, charge: Charge, count: Count) -> Iterator[tuple[str, _Sum]]:
        """What lies at every place and cannot move."""
        _, numbers = self.fleet.labels(charge.over)
        tally = self.fleet.tally(charge)
        groups = [[label] for label in numbers]
        if charge.over == "host":
            groups = [[self.fleet.hosts[row].name for row in hosts.rows] for hosts in self.host_classes]
        known = None if self.before is None else self.before.totals(charge)
        for labels in groups:
            nothing = count in ("arrivals", "moved")
            now = [0 if nothing else int(tally[numbers[label]]) for label in labels]
            before = now if known is None or nothing else [known.get(label, 0) for label in labels]
            yield labels[0], _Sum(before, sum(now), sum(now))

    def _terms(self, charge: Charge) -> Iterator[tuple[int, str, Any, int, bool]]:
        """(class, label, variable, amount of one, whether it is new there) of every variable that a charge counts."""
        if charge.over == "host":
            for (u, _, ask, _, k), flow in self.flows.items():
                for row in self._host_rows(u, k):
                    host = self.fleet.hosts[row]
                    amount = charge.of(ask.request, ask.alternative, host)
                    yield u, host.name, flow, amount, not self.classes[u].example.home
            return
        for (u, index, ask, row), target in self.targets.items():
            pool = self.fleet.pools[row]
            label = ALL if charge.over == ALL else pool.domain(charge.over)
            if label is not None:
                home = self.classes[u].example.home
                amount = charge.of(ask.request, ask.alternative, pool)
                yield u, label, target, amount, not home or home[index].pool != pool.name


def _ceil_div(amount: int, unit: int) -> int:
    return -(-amount // unit)

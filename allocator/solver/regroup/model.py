"""One model of volumes that lie somewhere already: how many of each sort lie on each pool in the end.

Which of equal volumes goes where is of no interest to rules or goals, so that the size depends on sorts and pools, not
on volumes, and not on pairs of pools: `targets[u, 0, ask, p]` counts what ends on pool p, `came` what was elsewhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from ortools.sat.python.cp_model_helper import FlatIntExpr

from allocator.domain.placement import Charge, Volume
from allocator.domain.places import Pool
from allocator.fleet import Ask, IntArray
from allocator.rule import Rule
from allocator.screen import Screen
from allocator.solver.classes import HostClass, UnitClass
from allocator.solver.counts import Expression
from allocator.solver.model import Count, Model, Row, _Sum
from allocator.solver.regroup.alike import asks_of

MILLION: Final = 1_000_000
Key = tuple[int, int, Ask, int]
Counts = Mapping[Key, Any]


class Regrouping(Model):
    """Counts of volumes that move; rules and goals speak to it in the same words as to any model."""

    def __init__(
        self,
        screen: Screen,
        classes: Sequence[UnitClass],
        *,
        mends: frozenset[str] | None = frozenset(),
        whole: bool = False,
    ) -> None:
        """`screen` is of a fleet on which none of the volumes lies. What is broken of a sum at pools in `mends` (None:
        anywhere) is to be mended, `whole` or as far as it goes; everything else may stay as broken as it is.
        """
        self.mends, self.whole = mends, whole
        self._start: dict[int, int] = {}
        self.lay: list[Counter[int]] = []
        """Of each class, how many lie on each pool now."""
        self.arriving: dict[Key, Any] = {}
        self.left_over: list[tuple[Expression, int]] = []
        """(what stays broken of a sum, how much one of it costs)."""
        # What a rule says in sums is asked of sums: its mask sees a volume as new, which one that moves is not.
        self._filters = [rule for rule in screen.rules if rule.static or type(rule).encode is Rule.encode]
        self._rows: list[dict[Ask, tuple[IntArray, list[Any], list[Any]]]] = []
        self._on_host: list[bool] = []
        self._as_wrong: list[list[Ask]] = []
        super().__init__(screen, classes, [HostClass((row,)) for row in range(len(screen.fleet.hosts))])
        self.exact = True

    def came(self, target: Key) -> Expression:
        return self.arriving[target]

    def forbid(self, whom: Callable[[Volume], bool], where: Callable[[Pool], bool]) -> None:
        for target, came in self.arriving.items():
            if whom(self.classes[target[0]].example.home[0]) and where(self.fleet.pools[target[3]]):
                self.cp.add(came == 0)

    def staying(self, number: int, row: int) -> Expression:
        """How many volumes of a class lie on a pool in the end, where some lie now: those, or others like them."""
        ask = next(iter(self._rows[number]))
        return self.targets[number, 0, ask, row]

    def unchanged(self, number: int) -> tuple[Expression, bool]:
        """How many volumes of a class are kept no better for their hosts; and whether some could be kept better."""
        as_wrong = self._as_wrong[number]
        kept = [variable for ask in as_wrong for variable in self._rows[number][ask][1]]
        return sum(kept), len(as_wrong) < len(self._rows[number])

    def left(self, number: int, row: int) -> Expression:
        """How many volumes of a class leave a pool."""
        key = number, 0, next(iter(self._rows[number])), row
        return self.lay[number][row] - self.targets[key] + self.arriving[key]

    def _choose(self, number: int, unit_class: UnitClass, coming: frozenset[str]) -> None:
        home, size = unit_class.example.home[0], len(unit_class)
        lay = Counter(self.fleet.pool_row[unit.home[0].pool] for unit in unit_class.units)
        reached = self._reached(home.hosts)
        found: dict[Ask, tuple[IntArray, list[Any], list[Any]]] = {}
        before, as_wrong = set[Rule](), list[Ask]()
        for order, ask in enumerate(asks_of(home, self.screen, coming)):
            here = lay if order == 0 else Counter[int]()
            is_open = self.screen.narrowed(reached.copy(), ask, self._filters)
            complaints = self._complaints(ask, home.hosts)
            if order == 0:
                before = complaints
            elif not complaints <= before:
                continue
            # To become another alternative where it lies is no move.
            rows = sorted({*np.flatnonzero(is_open).tolist(), *here} - (set(lay) if order else set()))
            if order and not rows:
                continue
            variables, arrivals = [], []
            for row in rows:
                key = number, 0, ask, row
                variable = self._follower(size if is_open[row] else here[row], here[row])
                came: Any = variable
                if here[row] and not is_open[row]:
                    came = 0
                elif here[row]:
                    came = self._follower(size - here[row], 0)
                    self.cp.add(came >= variable - here[row])
                self.targets[key], self.arriving[key] = variable, came
                variables.append(variable)
                arrivals.append(came)
            found[ask] = np.array(rows, dtype=np.int64), variables, arrivals
            if complaints == before:
                as_wrong.append(ask)
        self.cp.add(sum(variable for _, variables, _ in found.values() for variable in variables) == size)
        self.lay.append(lay)
        self._rows.append(found)
        self._as_wrong.append(as_wrong)
        self._on_host.append(bool(home.hosts) and len(found) > 1)

    def _complaints(self, ask: Ask, hosts: Sequence[str]) -> set[Rule]:
        """The filters that close some of the hosts to a volume."""
        rows = np.array([self.fleet.host_row[name] for name in hosts], dtype=np.int64)
        masks = {rule: rule.open_hosts((ask,), self.fleet, rows) for rule in self._filters} if hosts else {}
        return {rule for rule, mask in masks.items() if mask is not None and not mask.all()}

    def _reached(self, hosts: Sequence[str]) -> Any:
        mask = np.ones(len(self.fleet.pools), dtype=np.bool_)
        for name in hosts:
            only = np.zeros(len(self.fleet.hosts), dtype=np.bool_)
            only[self.fleet.host_row[name]] = True
            mask &= self.screen.reached(only)
        return mask

    def _broken(self, over: str, label: str, row: Row, gate: Row | None, limit: int, excess: int) -> Expression:
        if self.mends is not None and (over != "pool" or label not in self.mends):
            return excess
        if not excess:
            return 0
        if self.whole:
            # What cannot move may be too much by itself, and where no gate opens it stays so.
            return 0 if gate is not None else min(excess, max(0, FlatIntExpr(row.expression).offset - limit))
        unit = -(-excess // MILLION)
        steps = -(-excess // unit)
        more = self._follower(excess, excess)
        share = more if unit == 1 else self._follower(steps, steps)
        if unit > 1:
            self.cp.add(more <= unit * share)
        self.left_over.append((share, -(-MILLION // steps)))
        return more

    def start(self) -> IntArray:
        """Every variable where nothing moves."""
        values = self._start
        for derived in self.derived:
            values[derived.variable.index] = derived.at(self._worth)
        # What is true whatever is decided, CP-SAT says by constants of its own.
        variables = enumerate(self.cp.proto.variables)
        return np.array([values.get(index, variable.domain[0]) for index, variable in variables], dtype=np.int64)

    def _worth(self, expression: Expression) -> int:
        if isinstance(expression, int):
            return expression
        flat = FlatIntExpr(expression)
        terms = zip(flat.coeffs, flat.vars, strict=True)
        return int(sum(factor * self._start[variable.index] for factor, variable in terms) + flat.offset)

    def _follower(self, most: int, start: int) -> Any:
        """A variable from 0 to `most`, and what it is where nothing moves."""
        variable = self.cp.new_int_var(0, most, "")
        self._start[variable.index] = start
        return variable

    def _capped(self, row: Row, most: int) -> Row:
        """In rows that say all of it: a linear solver reads them."""
        if row.fixed or len(row.before) != 1:
            return super()._capped(row, most)
        before = row.before[0]
        value = self._follower(most, min(before, most))
        reached = value if most == 1 else self._follower(1, int(before >= most))
        self.cp.add(value <= row.expression)
        self.cp.add(row.expression <= value + max(row.most, most) * reached)
        self.cp.add(value >= most * reached)
        return Row(value, False, (min(before, most),), most)

    def _sums(self, charge: Charge, count: Count) -> dict[str, _Sum]:
        on_host = charge.over == "host"
        if on_host and not any(self._on_host):
            return {}
        sums = dict(self._starts(charge, count))
        for number, unit_class in enumerate(self.classes):
            if not charge.counts(unit_class.example.requests[0]):
                continue
            if on_host:
                self._add_on_host(sums, charge, count, number)
            else:
                self._add_on_pools(sums, charge, count, number)
        return {label: entry for label, entry in sums.items() if entry.terms or entry.start or any(entry.before)}

    def _add_on_pools(self, sums: dict[str, _Sum], charge: Charge, count: Count, number: int) -> None:
        codes, labels = self._labels(charge.over)
        size = len(self.classes[number])
        for order, (ask, (rows, variables, arrivals)) in enumerate(self._rows[number].items()):
            amounts = self.fleet.amounts(charge, (ask,), rows)
            if isinstance(amounts, int) and not amounts:
                continue
            figures = np.broadcast_to(np.asarray(amounts), rows.shape).tolist()
            terms = variables if count == "final" else arrivals
            here = self.lay[number] if order == 0 else Counter[int]()
            for row, term, amount in zip(rows.tolist(), terms, figures, strict=True):
                if not amount or codes[row] < 0:
                    continue
                entry = sums[labels[codes[row]]]
                if here[row] and count in ("final", "held"):
                    entry.before[0] += amount * here[row]
                    if count == "held":
                        entry.start += amount * here[row]
                        entry.most += amount * here[row]
                if not isinstance(term, int):
                    entry.terms.append(term)
                    entry.factors.append(amount)
                    entry.most += max(0, amount) * size

    def _add_on_host(self, sums: dict[str, _Sum], charge: Charge, count: Count, number: int) -> None:
        """Volumes keep their hosts: what one carries changes only where a pool would keep a volume otherwise."""
        units = self.classes[number].units
        if count in ("arrivals", "moved"):
            return
        for unit in units:
            volume = unit.home[0]
            for label, host in self.inventory.places(volume, "host"):
                amount = charge.of(volume.request, volume.alternative, host)
                sums[label].before[0] += amount
                if not self._on_host[number]:
                    sums[label].start += amount
                    sums[label].most += amount
        if self._on_host[number]:
            for label, host in self.inventory.places(units[0].home[0], "host"):
                for ask, (_, variables, _) in self._rows[number].items():
                    amount = charge.of(ask.request, ask.alternative, host)
                    if amount:
                        sums[label].terms += variables
                        sums[label].factors += [amount] * len(variables)
                        sums[label].most += amount * len(units)

    def _labels(self, over: str) -> tuple[list[int], list[str]]:
        codes, numbers = self.fleet.labels(over)
        return codes.tolist(), list(numbers)

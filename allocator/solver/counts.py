"""The variables of one model: how many units of each class go where.

`hosts[u, k]` are units of class u on host class k, `targets[u, i, ask, p]` volumes of their i-th request on pool p,
and `flows[u, i, ask, g, k]` the same by group of pools and class of hosts: the flow carries reach, and makes a host's
charge follow the alternative. With nothing merged all of them are 0 or 1.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ortools.sat.python import cp_model

from allocator.domain.inventory import Inventory
from allocator.domain.placement import Volume
from allocator.domain.places import Pool
from allocator.fleet import Ask, Fleet
from allocator.screen import Screen
from allocator.solver.classes import HostClass, Unit, UnitClass

Expression = Any
"""A linear expression of CP-SAT, or a whole number."""
NOWHERE: Final = -1
"""The host class of a volume that is not attached."""


@dataclass(frozen=True, slots=True, eq=False)
class Within:
    """Rows of pools and hosts among which a unit chooses; None: all that are open to it."""

    pools: frozenset[int] | None = None
    hosts: frozenset[int] | None = None


ANYWHERE: Final = Within()


class Counts:
    """One CP-SAT model's variables, and the constraints that make every unit whole or refused."""

    def __init__(
        self,
        screen: Screen,
        classes: Sequence[UnitClass],
        hosts: Sequence[HostClass],
        within: Mapping[str, Within] | None = None,
    ) -> None:
        """`within` narrows the choice of units, by the name of their class's example."""
        self.screen = screen
        self.within = within or {}
        self.fleet: Fleet = screen.fleet
        self.inventory: Inventory = screen.fleet.inventory
        self.classes, self.host_classes = classes, hosts
        self.cp = cp_model.CpModel()
        self.hosts: dict[tuple[int, int], Any] = {}
        self._seats: dict[int, list[Any]] = defaultdict(list)
        self.targets: dict[tuple[int, int, Ask, int], Any] = {}
        self.flows: dict[tuple[int, int, Ask, int, int], Any] = {}
        self.group_of: dict[tuple[int, int, Ask, int], int] = {}
        self.exact = all(len(c) == 1 for c in classes) and all(len(h) == 1 for h in hosts)
        """Nothing is merged."""
        coming = frozenset(r.group for c in classes for unit in c.units for r in unit.requests if r.group is not None)
        for number, unit_class in enumerate(classes):
            self._choose(number, unit_class, coming)

    def asks(self) -> Iterator[Ask]:
        """Every ask the model decides on, once."""
        yield from {ask: None for _, _, ask, _ in self.targets}

    def placed(self, number: int) -> Expression:
        """How many units of a class are placed."""
        return sum(self._seats[number])

    def came(self, target: tuple[int, int, Ask, int]) -> Expression:
        """How many of the volumes that a target counts were on another pool before; newcomers were on none."""
        number, index, _, row = target
        home = self.classes[number].example.home
        return self.targets[target] if home and home[index].pool != self.fleet.pools[row].name else 0

    def forbid(self, whom: Callable[[Volume], bool], where: Callable[[Pool], bool]) -> None:
        """No volume of these moves to such a pool; one that lies there may stay."""
        for (number, index, _, row), target in self.targets.items():
            home, pool = self.classes[number].example.home, self.fleet.pools[row]
            if home and home[index].pool != pool.name and whom(home[index]) and where(pool):
                self.cp.add(target == 0)

    def _choose(self, number: int, unit_class: UnitClass, coming: frozenset[str]) -> None:
        """The variables of one class, and what makes its units whole."""
        unit, size = unit_class.example, len(unit_class)
        ways = [
            {
                ask: (self._open_pools(unit, index, ask), self._open_hosts(unit, index, ask))
                for ask in self._asks(unit, index, coming)
            }
            for index in range(len(unit.requests))
        ]
        seats = set.intersection(*({k for _, hosts in way.values() for k in hosts} for way in ways))
        for k in sorted(seats):
            self.hosts[number, k] = self.cp.new_int_var(0, size, "")
            self._seats[number].append(self.hosts[number, k])
        chosen = self.placed(number)
        self.cp.add(chosen == size if unit.home else chosen <= size)
        for index, way in enumerate(ways):
            arriving: dict[int, list[Any]] = defaultdict(list)
            for ask, (pools, open_hosts) in way.items():
                for k, flow in self._flow((number, index, ask), pools, sorted(seats & open_hosts), size):
                    arriving[k].append(flow)
            for k in sorted(seats):
                self.cp.add(sum(arriving[k]) == self.hosts[number, k])

    def _flow(
        self, key: tuple[int, int, Ask], pools: Sequence[int], seats: Sequence[int], size: int
    ) -> Iterator[tuple[int, Any]]:
        """Volumes on pools, and the flow of each group of pools to the hosts that reach it."""
        links = self.screen.links
        groups: dict[tuple[int, int, bool], list[int]] = defaultdict(list)
        for row in pools:
            self.targets[(*key, row)] = self.cp.new_int_var(0, size, "")
            groups[int(links.pool_group[row]), int(links.only_host[row]), self._stays(key, row)].append(row)
        for group, (pool_group, only_host, stays) in enumerate(sorted(groups)):
            rows = groups[pool_group, only_host, stays]
            self.group_of |= {(*key, row): group for row in rows}
            leaving = []
            for k in seats:
                if stays or all(self._reaches(pool_group, only_host, host) for host in self._host_rows(key[0], k)):
                    flow = self.flows[(*key, group, k)] = self.cp.new_int_var(0, size, "")
                    leaving.append(flow)
                    yield k, flow
            self.cp.add(sum(self.targets[(*key, row)] for row in rows) == sum(leaving))

    def _asks(self, unit: Unit, index: int, coming: frozenset[str]) -> list[Ask]:
        asks = self.screen.asks(unit.requests[index], coming)
        if unit.home and all(ask.alternative != unit.home[index].alternative for ask in asks):
            asks.append(Ask.of(unit.home[index]))
        return asks

    def _open_pools(self, unit: Unit, index: int, ask: Ask) -> list[int]:
        rows = {int(row) for row in self.screen.pools(ask).nonzero()[0]}
        if unit.home and unit.home[index].alternative == ask.alternative:
            rows.add(self.fleet.pool_row[unit.home[index].pool])
        chosen = self.within.get(unit.name, ANYWHERE).pools
        return sorted(rows if chosen is None else rows & chosen)

    def _stays(self, key: tuple[int, int, Ask], row: int) -> bool:
        """Whether a volume would lie where it lies now, as it is: it may, even where its host does not reach it."""
        number, index, ask = key
        home = self.classes[number].example.home
        if not home:
            return False
        return home[index].pool == self.fleet.pools[row].name and home[index].alternative == ask.alternative

    def _open_hosts(self, unit: Unit, index: int, ask: Ask) -> set[int]:
        """Classes of hosts; a unit with a home keeps its hosts, which must be open to what it asks anew."""
        if not unit.attaches:
            return {NOWHERE}
        open_hosts = self.screen.hosts((ask,))
        if unit.home:
            rows = [self.fleet.host_row[name] for name in unit.home[0].hosts]
            if ask.asked != unit.home[index].asked and not open_hosts[rows].all():
                return set()
            return {k for k, hosts in enumerate(self.host_classes) if rows[0] in hosts.rows}
        chosen = self.within.get(unit.name, ANYWHERE).hosts
        return {
            k
            for k, hosts in enumerate(self.host_classes)
            if any(open_hosts[row] and (chosen is None or row in chosen) for row in hosts.rows)
        }

    def _host_rows(self, number: int, k: int) -> Sequence[int]:
        """One host for all of its class; a unit with a home has every host that its volumes are attached to."""
        home = self.classes[number].example.home
        if home:
            return [self.fleet.host_row[name] for name in home[0].hosts]
        return [] if k == NOWHERE else self.host_classes[k].rows[:1]

    def _reaches(self, pool_group: int, only_host: int, host: int) -> bool:
        if only_host >= 0:
            return only_host == host
        return bool(self.screen.links.table[pool_group, self.screen.links.host_group[host]])

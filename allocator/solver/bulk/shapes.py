"""Equal VMs, and the ways to place each of their volumes: a batch of thousands knows a few hundred shapes.

A group that is new does not tell VMs apart here. Its limits count a few volumes each (`few.py`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import islice, product
from typing import Final

import numpy as np

from allocator.domain.inventory import Inventory
from allocator.domain.request import Request
from allocator.fleet import Ask, BoolArray
from allocator.goals.placed import weight
from allocator.limits import Limit, LimitRule
from allocator.rule import Rule
from allocator.screen import Screen
from allocator.solver.bulk.few import concerns_few
from allocator.solver.bulk.room import Need, Shelf
from allocator.solver.classes import Likeness, Unit, ungrouped

MOST_CHOICES: Final = 24
"""Combinations of alternatives that are tried for one VM, the preferred ones first."""


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """One ask of one request, with the pools and hosts that no filter closes to it.

    Of one batch, masks and needs that are equal are one object: there are thousands of ways, and each place has a cell.
    """

    ask: Ask
    pools: BoolArray
    hosts: BoolArray
    need: Need
    """Of a pool."""
    load: Need
    """Of a host, were it alone."""


Ways = tuple[Way, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """One way for each request of a VM, and what they take of a host together."""

    ways: Ways
    hosts: BoolArray
    load: Need


@dataclass(frozen=True, eq=False)
class Shape:
    """Units that differ in names and new groups only."""

    number: int
    units: tuple[Unit, ...]
    requests: tuple[Request, ...]
    """Those of one unit, without new groups."""
    ways: tuple[Ways, ...]
    """For each request; requests that differ in nothing that counts share theirs."""
    combine: Callable[[tuple[Ways, ...]], Iterator[Choice]]

    @cached_property
    def choices(self) -> tuple[Choice, ...]:
        """Combinations of ways that some host takes, the preferred ones first; none: there is nowhere to go."""
        return tuple(islice(self.combine(self.ways), MOST_CHOICES)) if self.placeable else ()

    @property
    def placeable(self) -> bool:
        """Whether each request has somewhere to go by itself."""
        return all(self.ways)

    @property
    def attaches(self) -> bool:
        return self.units[0].attaches

    @property
    def weight(self) -> int:
        """What refusing one unit costs."""
        return sum(map(weight, self.requests))


class Shapes:
    """The shapes of a batch of newcomers, and the shelves they are placed on."""

    def __init__(self, units: Sequence[Unit], screen: Screen) -> None:
        self.screen, self.fleet = screen, screen.fleet
        alike: dict[Hashable, list[Unit]] = defaultdict(list)
        likeness = Likeness()
        plain: dict[tuple[bool, str | None, Hashable], tuple[Request, ...]] = {}
        for unit in units:
            requests = tuple(ungrouped(request, self.fleet.inventory) for request in unit.requests)
            vm = unit.requests[0].vm
            there = vm if vm is not None and any(True for _ in self.fleet.inventory.volumes_of_vm(vm)) else None
            key = unit.attaches, there, tuple(map(likeness.of, requests))
            alike[key].append(unit)
            plain.setdefault(key, requests)
        stated = [limit for asked in plain.values() for request in asked for limit in self._limits(request)]
        limits = {id(limit): limit for limit in stated if not concerns_few(limit)}
        distinct = {
            (request.attaches, there, request.shape): request
            for (_, there, _), asked in plain.items()
            for request in asked
        }
        self._masks: dict[tuple[int, bytes], BoolArray] = {}
        self._others = [rule for rule in screen.rules if not rule.static and not isinstance(rule, LimitRule)]
        self._open: dict[Hashable, list[tuple[Ask, BoolArray, BoolArray]]] = {
            key: list(self._opened(request)) for key, request in distinct.items()
        }
        opened = [found for ways in self._open.values() for found in ways]
        self.pools = Shelf(self.fleet, "pool", limits.values(), [(ask, pools) for ask, pools, _ in opened])
        attached = [(ask, hosts) for ask, _, hosts in opened if ask.request.attaches]
        self.hosts = Shelf(self.fleet, "host", limits.values(), attached)
        self._ways: dict[Hashable, Ways] = {}
        self.all = tuple(
            self._shape(number, tuple(alike[key]), requests) for number, (key, requests) in enumerate(plain.items())
        )

    def bulk(self, shape: Shape) -> float:
        """How much of an average host one unit takes, all sums together; 0 for a unit without a host."""
        return self.hosts.part(shape.choices[0].load) if shape.choices else 0.0

    def _limits(self, request: Request) -> Iterator[Limit]:
        yield from limits_of(request, self.screen.rules, self.fleet.inventory)

    def _shape(self, number: int, units: tuple[Unit, ...], requests: tuple[Request, ...]) -> Shape:
        vm = requests[0].vm
        there = vm if vm is not None and any(True for _ in self.fleet.inventory.volumes_of_vm(vm)) else None
        ways = tuple(self._ways_of(request, there) for request in requests)
        return Shape(number, units, requests, ways, partial(self._choices, attaches=units[0].attaches))

    def _ways_of(self, request: Request, vm: str | None) -> Ways:
        key = request.attaches, vm, request.shape
        found = self._ways.get(key)
        if found is None:
            opened = self._open[request.attaches, vm, request.shape]
            ways = [self._way(ask, pools, hosts, attaches=request.attaches) for ask, pools, hosts in opened]
            usable = (way for way in ways if way.pools.any() and (way.hosts.any() or not request.attaches))
            found = self._ways[key] = tuple(usable)
        return found

    def _way(self, ask: Ask, pools: BoolArray, hosts: BoolArray, *, attaches: bool) -> Way:
        """What limits close is read off the shelves: each rule by itself would take ten times as long (measured)."""
        need, load = self.pools.need((ask,)), self.hosts.need((ask,) if attaches else ())
        hosts = hosts & self.hosts.fitted(load) if attaches else hosts
        return Way(ask, self._shared(pools & self.pools.fitted(need)), self._shared(hosts), need, load)

    def _opened(self, request: Request) -> Iterator[tuple[Ask, BoolArray, BoolArray]]:
        """Each ask that, limits aside, some pool and, if it attaches, some host takes, with those that do."""
        for ask in self.screen.asks(request):
            pools = self.screen.narrowed(self.screen.lasting_pools(ask), ask, self._others)
            hosts = np.ones(len(self.fleet.hosts), dtype=np.bool_)
            if request.attaches and pools.any():
                hosts = self._open_hosts((ask,))
            if pools.any() and (hosts.any() or not request.attaches):
                yield ask, self._shared(pools), self._shared(hosts)

    def _open_hosts(self, asks: Sequence[Ask]) -> BoolArray:
        """Hosts that these asks may go to together, limits aside."""
        mask = self.screen.lasting_hosts(asks)
        for rule in self._others:
            found = rule.open_hosts(asks, self.fleet)
            if found is not None:
                mask &= found
        return mask

    def _shared(self, mask: BoolArray) -> BoolArray:
        return self._masks.setdefault((len(mask), np.packbits(mask).tobytes()), mask)

    def _choices(self, ways: tuple[Ways, ...], *, attaches: bool) -> Iterator[Choice]:
        for chosen in sorted(product(*ways), key=lambda picked: sum(way.ask.alternative.index for way in picked)):
            asks = [way.ask for way in chosen]
            load = self.hosts.need(asks if attaches else ())
            hosts = np.ones(self.hosts.places, dtype=np.bool_)
            if attaches:
                hosts = self._open_hosts(asks) & self.hosts.fitted(load)
            if hosts.any() or not attaches:
                yield Choice(chosen, self._shared(hosts), load)


def limits_of(request: Request, rules: Sequence[Rule], inventory: Inventory) -> Iterator[Limit]:
    """Every limit that concerns a request."""
    for rule in rules:
        if isinstance(rule, LimitRule):
            yield from rule.limits(request, inventory)

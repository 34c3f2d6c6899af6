"""An inventory as it would be with a few volumes more, fewer or elsewhere: nothing is copied for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from allocator.domain.inventory import Inventory
from allocator.domain.lazily import lazily
from allocator.domain.placement import Charge, Volume
from allocator.domain.places import Place
from allocator.domain.request import Mark


class View(Inventory):
    """A view of another inventory with a few volumes added or taken away."""

    def __init__(self, base: Inventory, arrivals: Sequence[Volume], departures: Sequence[str]) -> None:
        self.base = base
        self.pools, self.hosts = base.pools, base.hosts
        self.offerings, self.tenants = base.offerings, base.tenants
        self.drivers, self.agents = base.drivers, base.agents
        self.largest_floor_iops = base.largest_floor_iops
        moved = [volume.name for volume in arrivals if volume.name in base.volumes]
        self._gone = frozenset(departures) | frozenset(moved)
        self._came = {volume.name: volume for volume in arrivals}
        self.arrivals = base.arrivals | frozenset(self._came)
        self._tallies: dict[Charge, Mapping[str, int]] = {}
        self._moves: dict[tuple[str, Mark | None], list[tuple[Volume, Sequence[tuple[str, Place]], int]]] = {}
        self._left: dict[Charge, dict[str, int]] = {}

    @property
    def volumes(self) -> dict[str, Volume]:  # type: ignore[override]
        """Everything that is here; `all_volumes` and `volumes_at` read it without copying."""
        kept = {name: volume for name, volume in self.base.volumes.items() if name not in self._gone}
        return kept | self._came

    def all_volumes(self) -> Iterator[Volume]:
        yield from self._mix(self.base.all_volumes(), self._came.values())

    def volumes_at(self, over: Literal["pool", "host"], name: str) -> Iterable[Volume]:
        return self._mix(self.base.volumes_at(over, name), self._coming.get((over, name), ()))

    def find(self, name: str) -> Volume | None:
        return self._came.get(name) or (None if name in self._gone else self.base.find(name))

    def volumes_of_vm(self, vm: str) -> Iterable[Volume]:
        return self._mix(self.base.volumes_of_vm(vm), self._coming.get(("vm", vm), ()))

    def marked(self, mark: Mark) -> Iterable[Volume]:
        return self._mix(self.base.marked(mark), self._coming.get(mark, ()))

    @lazily
    def _coming(self) -> dict[tuple[str, str], list[Volume]]:
        """The newcomers by pool, host, VM and mark."""
        found: dict[tuple[str, str], list[Volume]] = defaultdict(list)
        for volume in self._came.values():
            for form in volume.forms:
                found["pool", form.pool].append(volume)
            for host in volume.hosts:
                found["host", host].append(volume)
            if volume.request.vm:
                found["vm", volume.request.vm].append(volume)
            for mark in volume.request.marks:
                found[mark].append(volume)
        return found

    @lazily
    def _leaving(self) -> dict[Mark, list[Volume]]:
        """Those that left, by mark."""
        found: dict[Mark, list[Volume]] = defaultdict(list)
        for volume in map(self.base.volumes.__getitem__, self._gone):
            for mark in volume.request.marks:
                found[mark].append(volume)
        return found

    def groups(self) -> Iterable[str]:
        requests = [volume.request for volume in self._came.values()]
        named = {r.group for r in requests if r.group} | {near.group for r in requests for near in r.nears}
        return sorted(named | set(self.base.groups()))

    def is_new(self, volume: Volume, over: str, label: str) -> bool:
        if volume.name not in self._came:
            return self.base.is_new(volume, over, label)
        before = self.base.find(volume.name)
        return before is None or label not in [known for known, _ in self.places(before, over)]

    def total(self, charge: Charge, place: str) -> int:
        return self.base.total(charge, place) + self._change_of(charge).get(place, 0)

    def figures(self, what: Hashable) -> dict[Any, Any]:
        return self.base.figures(what)

    def held(self, charge: Charge, place: str) -> int:
        left = self._left.get(charge)
        if left is None:
            left = self._left[charge] = defaultdict(int)
            for volume, places, sign in self._moved(charge.over, charge.mark):
                now = self._came.get(volume.name)
                # What was deleted is gone; what moved within a label counts by what it is there now.
                there = {} if now is None else dict(self.places(now, charge.over))
                for label, amount in self.amounts(charge, volume, places) if sign < 0 and now is not None else ():
                    if label not in there:
                        left[label] += amount
        return self.base.held(charge, place) + self._change_of(charge).get(place, 0) + left.get(place, 0)

    def totals(self, charge: Charge) -> Mapping[str, int]:
        change = self._change_of(charge)
        return {**self.base.totals(charge), **{place: self.total(charge, place) for place in change}}

    def settle(self, arrivals: Iterable[Volume] = (), departures: Iterable[str] = ()) -> None:
        raise TypeError("A view cannot be changed. Maybe settle the inventory it was taken from.")

    def _mix(self, kept: Iterable[Volume], came: Iterable[Volume]) -> Iterator[Volume]:
        for volume in kept:
            if volume.name not in self._gone:
                yield volume
        yield from came

    def _change_of(self, charge: Charge) -> Mapping[str, int]:
        change = self._tallies.get(charge)
        return self._change(charge) if change is None else change

    def _change(self, charge: Charge) -> Mapping[str, int]:
        change: dict[str, int] = {}
        for volume, places, sign in self._moved(charge.over, charge.mark):
            self._count(change, self.amounts(charge, volume, places), sign)
        self._tallies[charge] = change
        return change

    def _moved(self, over: str, mark: Mark | None) -> Sequence[tuple[Volume, Sequence[tuple[str, Place]], int]]:
        """What left (-1) and what came (1), with its places of one kind, of those that carry a mark (None: of all)."""
        known = self._moves.get((over, mark))
        if known is not None:
            return known
        left = map(self.base.volumes.__getitem__, self._gone) if mark is None else self._leaving.get(mark, ())
        gone = [(volume, -1) for volume in left]
        came = [(volume, 1) for volume in (self._came.values() if mark is None else self._coming.get(mark, ()))]
        found = self._moves[over, mark] = [(volume, self.places(volume, over), sign) for volume, sign in (*gone, *came)]
        return found

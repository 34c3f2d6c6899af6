"""All facts at one moment: pools, hosts, volumes, offerings and manifests, with running totals per place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from allocator.domain.amounts import Amounts
from allocator.domain.placement import ALL, Charge, Volume
from allocator.domain.places import Connection, Host, Place, Pool, Tenant
from allocator.domain.request import Mark, Offering


class Inventory:
    """Facts and volumes. Reading never changes it but for totals, which are summed once and then kept.

    `plus` gives a view with some volumes added or taken away; `settle` makes such a change permanent.
    """

    def __init__(
        self,
        pools: Iterable[Pool] = (),
        hosts: Iterable[Host] = (),
        volumes: Iterable[Volume] = (),
        offerings: Iterable[Offering] = (),
        tenants: Iterable[Tenant] = (),
        drivers: Iterable[Connection] = (),
        agents: Iterable[Connection] = (),
    ) -> None:
        self.pools = {pool.name: pool for pool in sorted(pools, key=lambda pool: pool.name)}
        self.hosts = {host.name: host for host in sorted(hosts, key=lambda host: host.name)}
        self.offerings = {offering.name: offering for offering in offerings}
        self.tenants = {tenant.name: tenant for tenant in tenants}
        self.drivers = {connection.name: connection for connection in drivers}
        self.agents = {connection.name: connection for connection in agents}
        self.largest_floor_iops = _largest_floor_iops(self.offerings.values())
        self.volumes: dict[str, Volume] = {}
        self.arrivals: frozenset[str] = frozenset()
        self._at: dict[tuple[str, str], dict[str, Volume]] = defaultdict(dict)
        self._marked: dict[Mark, dict[str, Volume]] = defaultdict(dict)
        self._vms: dict[str, dict[str, Volume]] = defaultdict(dict)
        self._totals: dict[Mark | None, dict[Charge, dict[str, int]]] = {None: {}}
        """By the mark that the volumes carry which a charge counts; those of a mark are forgotten with the last one."""
        self._amounts: Amounts[tuple[str, dict[str, int]], tuple[tuple[str, dict[str, int]], int]] = Amounts(tuple)
        """What volumes add to the totals that are not of a mark."""
        self._figures: dict[Hashable, dict[Any, Any]] = {}
        for volume in volumes:
            self._add(volume)

    def places(self, volume: Volume, over: str) -> Sequence[tuple[str, Place]]:
        """Where a volume counts: (label, the pool or host its charge depends on)."""
        if over == "host":
            return [(name, self.hosts[name]) for name in volume.hosts]
        if volume.moving_to is not None:
            return [*dict(spot for form in _apart(volume) for spot in self.places(form, over)).items()]
        pool = self.pools[volume.pool]
        label = label_of(pool, over)
        return [] if label is None else [(label, pool)]

    def amounts(
        self, charge: Charge, volume: Volume, places: Iterable[tuple[str, Place]] | None = None
    ) -> Iterable[tuple[str, int]]:
        """What a volume takes of a charge, label by label; `places` are its own, where the caller has them.

        One that is on the move takes room by both pools. Where they share a label, as all do under a quota, it takes
        the more of the two, once.
        """
        if volume.moving_to is None:
            known = self.places(volume, charge.over) if places is None else places
            return [(label, charge.of(volume.request, volume.alternative, place)) for label, place in known]
        most: dict[str, int] = {}
        for form in _apart(volume):
            for label, amount in self.amounts(charge, form):
                most[label] = max(amount, most.get(label, amount))
        return most.items()

    def volumes_at(self, over: Literal["pool", "host"], name: str) -> Iterable[Volume]:
        """The volumes on one pool or host."""
        return self._at.get((over, name), {}).values()

    def find(self, name: str) -> Volume | None:
        return self.volumes.get(name)

    def volumes_of_vm(self, vm: str) -> Iterable[Volume]:
        return self._vms.get(vm, {}).values()

    def members(self, group: str) -> Iterable[Volume]:
        """The volumes that belong to a group."""
        return self.marked(("group", group))

    def wanting(self, group: str) -> Iterable[Volume]:
        """The volumes that want to be near a group."""
        return self.marked(("near", group))

    def marked(self, mark: Mark) -> Iterable[Volume]:
        """The volumes that carry a mark."""
        return self._marked.get(mark, {}).values()

    def groups(self) -> Iterable[str]:
        """Every group with a member, or that a volume wants to be near."""
        return sorted({name for kind, name in self._marked if kind != "tenant"})

    def total(self, charge: Charge, place: str) -> int:
        """The sum of a charge over the volumes at one place: a tally, kept as volumes come and go."""
        kept = self._totals.get(charge.mark)
        tally = kept.get(charge) if kept is not None else None
        return (self.totals(charge) if tally is None else tally).get(place, 0)

    def held(self, charge: Charge, place: str) -> int:
        """As `total`, and what left the place by the change that a view shows counts as if it were still there."""
        return self.total(charge, place)

    def totals(self, charge: Charge) -> Mapping[str, int]:
        """The sums of a charge at every place that has any."""
        mark = charge.mark
        if mark is not None and mark not in self._marked:
            return {}
        kept = self._totals.setdefault(mark, {})
        tally = kept.get(charge)
        if tally is None:
            tally = kept[charge] = {}
            for volume in self.volumes.values() if mark is None else self.marked(mark):
                self._count(tally, self.amounts(charge, volume), 1)
            if mark is None:
                self._amounts.include(charge, (charge.over, tally))
        return tally

    def figures(self, what: Hashable) -> dict[Any, Any]:
        """Where to keep what rests on documents only, by place; `what` must be lasting."""
        return self._figures.setdefault(what, {})

    def all_volumes(self) -> Iterator[Volume]:
        yield from self.volumes.values()

    def is_new(self, volume: Volume, over: str, label: str) -> bool:
        """Whether a volume came to a place by the change that a view shows; where it was before is nothing new."""
        return False

    def plus(self, arrivals: Iterable[Volume] = (), departures: Iterable[str] = ()) -> Inventory:
        """This inventory with some volumes added or taken away, as a view; the original does not change.

        An arrival with the name of a volume that is here takes its place (a move).
        """
        from allocator.domain.view import View

        return View(self, tuple(arrivals), tuple(departures))

    def copy(self, without: Iterable[str] = (), instead: Iterable[Place] = ()) -> Inventory:
        """The same facts with volumes of their own, some left out, and with some places other than they are."""
        left_out = frozenset(without)
        changed = list(instead)
        return Inventory(
            pools=(self.pools | {place.name: place for place in changed if isinstance(place, Pool)}).values(),
            hosts=(self.hosts | {place.name: place for place in changed if isinstance(place, Host)}).values(),
            volumes=(volume for volume in self.all_volumes() if volume.name not in left_out),
            offerings=self.offerings.values(),
            tenants=self.tenants.values(),
            drivers=self.drivers.values(),
            agents=self.agents.values(),
        )

    def settle(self, arrivals: Iterable[Volume] = (), departures: Iterable[str] = ()) -> None:
        """Make a change permanent: the totals follow. Views taken earlier are no longer valid."""
        for name in departures:
            self._remove(self.volumes[name])
        for volume in arrivals:
            if volume.name in self.volumes:
                self._remove(self.volumes[volume.name])
            self._add(volume)

    def _indices(self, volume: Volume) -> Iterator[dict[str, Volume]]:
        for form in volume.forms:
            yield self._at["pool", form.pool]
        for host in volume.hosts:
            yield self._at["host", host]
        for mark in volume.request.marks:
            yield self._marked[mark]
        if volume.request.vm:
            yield self._vms[volume.request.vm]

    def _add(self, volume: Volume) -> None:
        self.volumes[volume.name] = volume
        for index in self._indices(volume):
            index[volume.name] = volume
        self._count_everywhere(volume, 1)

    def _remove(self, volume: Volume) -> None:
        del self.volumes[volume.name]
        for index in self._indices(volume):
            del index[volume.name]
        self._count_everywhere(volume, -1)
        for mark in volume.request.marks:
            if not self._marked[mark]:
                del self._marked[mark]
                self._totals.pop(mark, None)

    def _count_everywhere(self, volume: Volume, sign: int) -> None:
        if volume.moving_to is not None:
            for charge, tally in self._totals[None].items():
                self._count(tally, self.amounts(charge, volume), sign)
        elif self._totals[None]:
            self._count_at("pool", self.pools[volume.pool], volume, sign)
            for host in volume.hosts:
                self._count_at("host", self.hosts[host], volume, sign)
        for mark in volume.request.marks:
            for charge, tally in self._totals.get(mark, {}).items():
                self._count(tally, self.amounts(charge, volume), sign)

    def _count_at(self, at: str, place: Place, volume: Volume, sign: int) -> None:
        for (over, tally), amount in self._amounts.of(volume, place):
            label = label_of(place, over) if over != at and isinstance(place, Pool) else place.name
            if label is not None:
                tally[label] = tally.get(label, 0) + sign * amount

    @staticmethod
    def _count(tally: dict[str, int], amounts: Iterable[tuple[str, int]], sign: int) -> None:
        for label, amount in amounts:
            if amount:
                tally[label] = tally.get(label, 0) + sign * amount


def label_of(pool: Pool, over: str) -> str | None:
    """Under which label a pool counts in sums over such places; None: under none."""
    return ALL if over == ALL else pool.domain(over)


def _largest_floor_iops(offerings: Iterable[Offering]) -> int:
    """The most IOPS that one volume of any offering is promised, whatever its size; 0 where none is."""
    return max((wish.qos.iops.floor() or 0 for offering in offerings for wish in offering.qos), default=0)


def _apart(volume: Volume) -> Iterator[Volume]:
    """The forms of a volume on the move, each as if it were there alone."""
    for form in volume.forms:
        yield replace(form, moving_to=None)

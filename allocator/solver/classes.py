"""Equal requests and equal hosts, grouped: what the model counts instead of naming one by one.

A *unit* is what is placed or refused as a whole: the requests of one VM, or one request that has none. With nothing
merged every class holds one unit and one host, and the counts are yes or no.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from operator import attrgetter
from typing import Final

from allocator.domain.inventory import Inventory
from allocator.domain.placement import Volume
from allocator.domain.places import Host
from allocator.domain.request import Request
from allocator.fleet import Fleet


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """Requests that are placed together on one host, or (`attaches` False) one request without a host."""

    requests: tuple[Request, ...]
    home: tuple[Volume, ...] = ()
    """Where they lie now, request by request; empty for newcomers."""

    @property
    def name(self) -> str:
        return self.requests[0].vm or self.requests[0].name

    @property
    def attaches(self) -> bool:
        return bool(self.home[0].hosts) if self.home else self.requests[0].attaches


@dataclass(frozen=True, slots=True, eq=False)
class UnitClass:
    """Units that rules and goals cannot tell apart."""

    units: tuple[Unit, ...]

    @property
    def example(self) -> Unit:
        return self.units[0]

    def __len__(self) -> int:
        return len(self.units)


@dataclass(frozen=True, slots=True, eq=False)
class HostClass:
    """Rows of hosts that rules and goals cannot tell apart, whatever is placed on them."""

    rows: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.rows)


def units_of(requests: Iterable[Request]) -> tuple[Unit, ...]:
    """Requests grouped by VM, in the order in which they were given."""
    groups: dict[tuple[bool, str], list[Request]] = defaultdict(list)
    for request in requests:
        groups[request.vm is not None, request.vm or request.name].append(request)
    return tuple(Unit(tuple(group)) for group in groups.values())


def unit_classes(units: Sequence[Unit], fleet: Fleet, *, merge: bool) -> tuple[UnitClass, ...]:
    """Equal units together. A unit that moves, or whose VM is there already, stays single."""
    groups: dict[Hashable, list[Unit]] = defaultdict(list)
    for unit in units:
        vm = unit.requests[0].vm
        single = not merge or unit.home or (vm is not None and any(fleet.inventory.volumes_of_vm(vm)))
        groups[unit.name if single else _shape(unit)].append(unit)
    return tuple(UnitClass(tuple(group)) for group in groups.values())


def host_classes(units: Sequence[Unit], fleet: Fleet, *, merge: bool) -> tuple[HostClass, ...]:
    """Equal hosts together. A host with pools of its own, or that a request or a VM names, stays single."""
    named = {pool.host for pool in fleet.pools if pool.host is not None}
    for unit in units:
        named |= {request.host for request in unit.requests if request.host is not None}
        named |= {host for volume in unit.home for host in volume.hosts}
        vm = unit.requests[0].vm
        if vm is not None:
            named |= {host for volume in fleet.inventory.volumes_of_vm(vm) for host in volume.hosts}
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for row, host in enumerate(fleet.hosts):
        groups[host.name if not merge or host.name in named else host_facts(host)].append(row)
    return tuple(HostClass(tuple(rows)) for rows in groups.values())


class Likeness:
    """Numbers for requests that differ in names only.

    Most requests of an offering share one object for their alternatives: it is told apart by that first, since a hash
    of all figures in it takes longer than all else that is done for a request (20 us, measured).
    """

    def __init__(self) -> None:
        self._shapes: dict[Hashable, int] = {}
        self._seen: dict[Hashable, int] = {}
        self._alive: list[Request] = []

    def of(self, request: Request) -> int:
        """The number of the request's shape."""
        key = id(request.alternatives), *_APART_FROM_ALTERNATIVES(request)
        number = self._seen.get(key)
        if number is None:
            number = self._seen[key] = self._shapes.setdefault(request.shape, len(self._shapes))
            self._alive.append(request)
        return number


_APART_FROM_ALTERNATIVES: Final = attrgetter(
    *(field.name for field in fields(Request) if field.name not in ("name", "vm", "alternatives"))
)


def ungrouped(request: Request, inventory: Inventory) -> Request:
    """The request without its group and what it wants of it, where nobody who is there knows of the group."""
    group = request.group
    if group is None or any(True for _ in inventory.members(group)) or any(True for _ in inventory.wanting(group)):
        return request
    return replace(request, group=None, apart=None)


def _shape(unit: Unit) -> Hashable:
    return unit.attaches, tuple(request.shape for request in unit.requests)


def host_facts(host: Host) -> Hashable:
    """All that a rule can read of a host but its name and its endpoints."""
    return (
        host.zone, host.cluster, host.tags, host.protocols, host.manifest, host.access_groups, host.tenants, host.iops,
        host.bandwidth, tuple(sorted(host.resources.items())), host.max_volumes, host.state,
    )  # fmt: skip

"""One part of a batch with all facts that decide about it, and none of the rest of the fleet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from allocator.domain.inventory import Inventory
from allocator.domain.placement import Volume
from allocator.domain.policy import Policy
from allocator.fleet import Ask, BoolArray, Fleet
from allocator.rule import Rows, Rule
from allocator.screen import Screen
from allocator.solver.classes import Unit
from allocator.solver.parts import Part


@dataclass(frozen=True, slots=True, eq=False)
class Shard:
    """Units, and an inventory that answers about them as the whole fleet's would."""

    units: tuple[Unit, ...]
    inventory: Inventory
    outside: frozenset[str] = frozenset()
    """Pools and hosts that are here only because a volume that matters lies there: not all that lies on them is known,
    and nothing may go there."""

    def screen(self, rules: Sequence[Rule]) -> Screen:
        """The rules' filters over the places of the part, with what may move taken out."""
        moving = [volume.name for unit in self.units for volume in unit.home]
        within = (Within(rules[0].policy, self.outside),) if self.outside else ()
        return Screen(Fleet(self.inventory.copy(without=moving)), (*rules, *within))


class Within(Rule):
    """Rule: a volume goes to no place outside its part of the fleet.

    Formula: pool not in outside, host not in outside.

    Why: the whole fleet's rules have closed those places to it already, by facts that are not here.
    """

    name = "within"
    static = True

    def __init__(self, policy: Policy, outside: frozenset[str]) -> None:
        super().__init__(policy)
        self.outside = outside

    def open_pools(self, ask: Ask, fleet: Fleet, only: Rows = None) -> BoolArray | None:
        return self._inside(fleet, "pool", only)

    def open_hosts(self, asks: Sequence[Ask], fleet: Fleet, only: Rows = None) -> BoolArray | None:
        return self._inside(fleet, "host", only)

    def _inside(self, fleet: Fleet, over: str, only: Rows) -> BoolArray:
        mask = np.array([f"{over} {place.name}" not in self.outside for place in fleet.places(over)], dtype=np.bool_)
        return mask if only is None else mask[only]


def cut(part: Part, inventory: Inventory, elsewhere: frozenset[str]) -> Shard:
    """The shard of a part: its places, what lies on them, and what its groups, tenants and VMs have anywhere.

    `elsewhere` names volumes that other parts may move. What rules and goals ask about a volume, they ask of its pool,
    its host, its failure domains by group, its tenant and its VM; so no more of the fleet is needed.
    """
    volumes = {volume.name: volume for volume in _concerned(part, inventory) if volume.name not in elsewhere}
    pools = {name: inventory.pools[name] for name in part.pools}
    hosts = {name: inventory.hosts[name] for name in part.hosts}
    outside = set()
    for volume in volumes.values():
        if volume.pool not in pools:
            pools[volume.pool] = inventory.pools[volume.pool]
            outside.add(f"pool {volume.pool}")
        for host in volume.hosts:
            if host not in hosts:
                hosts[host] = inventory.hosts[host]
                outside.add(f"host {host}")
    tenants = {request.tenant for unit in part.units for request in unit.requests}
    return Shard(
        part.units,
        Inventory(
            pools.values(),
            hosts.values(),
            volumes.values(),
            inventory.offerings.values(),
            [tenant for tenant in inventory.tenants.values() if tenant.name in tenants],
        ),
        frozenset(outside),
    )


def fenced(part: Part, inventory: Inventory) -> Shard:
    """The part with the whole fleet, of which only its own places are open."""
    outside = {f"pool {name}" for name in inventory.pools.keys() - set(part.pools)}
    outside |= {f"host {name}" for name in inventory.hosts.keys() - set(part.hosts)}
    return Shard(part.units, inventory, frozenset(outside))


def _concerned(part: Part, inventory: Inventory) -> Iterator[Volume]:
    """The volumes on the part's places, and those that its requests name by group, tenant or VM."""
    for pool in part.pools:
        yield from inventory.volumes_at("pool", pool)
    for host in part.hosts:
        yield from inventory.volumes_at("host", host)
    requests = [request for unit in part.units for request in unit.requests]
    groups = {request.group for request in requests} | {near.group for request in requests for near in request.nears}
    for group in sorted(filter(None, groups)):
        yield from inventory.members(group)
        yield from inventory.wanting(group)
    for vm in sorted({request.vm for request in requests if request.vm is not None}):
        yield from inventory.volumes_of_vm(vm)
    tenants = {request.tenant for request in requests if request.tenant is not None}
    if tenants:
        yield from (volume for volume in inventory.all_volumes() if volume.request.tenant in tenants)

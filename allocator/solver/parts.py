"""Cut a batch into parts that cannot influence each other, such as zones: each is solved by itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import networkx as nx
import numpy as np

from allocator.domain.request import Request
from allocator.fleet import IntArray
from allocator.screen import Screen
from allocator.solver.classes import Likeness, Unit, ungrouped

NOBODYS: Final = -1
"""The component of places that no unit may go to."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Units and the places that decide about them: they go nowhere else, and nobody else comes here."""

    units: tuple[Unit, ...]
    pools: tuple[str, ...]
    hosts: tuple[str, ...]


def independent_parts(units: Sequence[Unit], screen: Screen) -> list[Part]:
    """Units that share no pool, host, group or tenant with any other part, in the order they were given.

    Pools and hosts stand for their groups of equal reach, so that the graph stays small.
    """
    graph: nx.Graph[Hashable] = nx.Graph()
    links = screen.links
    shared = set(links.pool_group[links.only_host < 0].tolist())
    for pool_group, host_group in zip(*links.table.nonzero(), strict=True):
        if int(pool_group) in shared:
            graph.add_edge(("pools", int(pool_group)), ("hosts", int(host_group)))
    coming = frozenset(r.group for unit in units for r in unit.requests if r.group is not None)
    alike, likeness = set[Hashable](), Likeness()
    for number, unit in enumerate(units):
        graph.add_node(("unit", number))
        for neighbour in _neighbours(unit, screen):
            graph.add_edge(("unit", number), neighbour)
        for request in unit.requests:
            plain = ungrouped(request, screen.fleet.inventory)
            like = _like(unit, plain, screen, likeness)
            graph.add_edge(("unit", number), like)
            if like not in alike:
                alike.add(like)
                graph.add_edges_from((like, place) for place in _places(unit, plain, screen, coming))
    component = {node: part for part, nodes in enumerate(nx.connected_components(graph)) for node in nodes}
    parts: dict[int, tuple[list[Unit], list[str], list[str]]] = defaultdict(lambda: ([], [], []))
    for number, unit in enumerate(units):
        parts[component["unit", number]][0].append(unit)
    for row, pool in enumerate(screen.fleet.pools):
        parts[component.get(_pools(row, screen), NOBODYS)][1].append(pool.name)
    for host, group in zip(screen.fleet.hosts, links.host_group.tolist(), strict=True):
        parts[component.get(("hosts", group), NOBODYS)][2].append(host.name)
    return [Part(tuple(found), tuple(pools), tuple(hosts)) for found, pools, hosts in parts.values() if found]


def zone_numbers(screen: Screen) -> IntArray:
    """The zone of each host: hosts that reach a pool together are in one."""
    links = screen.links
    graph: nx.Graph[Hashable] = nx.Graph()
    graph.add_nodes_from(("hosts", group) for group in links.host_group.tolist())
    shared = set(links.pool_group[links.only_host < 0].tolist())
    for pool_group, host_group in zip(*links.table.nonzero(), strict=True):
        if int(pool_group) in shared:
            graph.add_edge(("pools", int(pool_group)), ("hosts", int(host_group)))
    found = {place: number for number, places in enumerate(nx.connected_components(graph)) for place in places}
    return np.array([found["hosts", group] for group in links.host_group.tolist()], dtype=np.int64)


def _like(unit: Unit, request: Request, screen: Screen, likeness: Likeness) -> Hashable:
    """Equal for requests that may go to the same places; those of a VM that is there, or that move, are like none."""
    vm = request.vm
    single = unit.home or (vm is not None and any(True for _ in screen.fleet.inventory.volumes_of_vm(vm)))
    return "like", request.name if single else (unit.attaches, likeness.of(request))


def _places(unit: Unit, request: Request, screen: Screen, coming: frozenset[str]) -> Iterator[Hashable]:
    """Where a request may go once the groups have come that are placed in the same call."""
    for ask in screen.asks(request, coming):
        pools = screen.pools(ask)
        if unit.attaches and not unit.home:
            pools &= screen.reached(screen.hosts((ask,)))
        yield from {_pools(int(row), screen): None for row in pools.nonzero()[0]}


def _neighbours(unit: Unit, screen: Screen) -> Iterator[Hashable]:
    """With whom a unit goes, and where it is."""
    for request in unit.requests:
        for group in filter(None, (request.group, *(near.group for near in request.nears))):
            yield "group", group
        if request.tenant is not None:
            yield "tenant", request.tenant
    for volume in unit.home:
        yield _pools(screen.fleet.pool_row[volume.pool], screen)
        for host in volume.hosts:
            yield "hosts", int(screen.links.host_group[screen.fleet.host_row[host]])


def _pools(row: int, screen: Screen) -> Hashable:
    """The group a pool stands in; a local pool stands with its host's."""
    only_host = int(screen.links.only_host[row])
    if only_host >= 0:
        return "hosts", int(screen.links.host_group[only_host])
    return "pools", int(screen.links.pool_group[row])

"""The fleet as graphs: who reaches what, and the tree of failure domains."""

from __future__ import annotations

from collections.abc import Iterator

import networkx as nx
import numpy as np

from allocator.domain.inventory import Inventory
from allocator.fleet import Fleet
from allocator.rules.reach import Reach, unreached

Vertex = tuple[str, str]
"""(what it is, its name): `zone`, `cluster`, `host`, `pool`, or a failure domain such as `rack`."""


def reach_graph(inventory: Inventory) -> nx.Graph[Vertex]:
    """Groups of equal pools and groups of equal hosts, joined where the hosts reach the pools.

    Each vertex carries its `members`. A local pool is a group of its own beside its host.
    """
    fleet = Fleet(inventory)
    pools, hosts = fleet.kinds("pool", Reach.sees_pool), fleet.kinds("host", Reach.sees_host)
    graph: nx.Graph[Vertex] = nx.Graph()
    for kind, groups, places in (("pool", pools, fleet.pools), ("host", hosts, fleet.hosts)):
        for number, example in enumerate(groups.examples):
            rows = np.flatnonzero(groups.codes == number)
            graph.add_node((kind, example.name), members=tuple(places[row].name for row in rows))
    for pool in pools.examples:
        for host in hosts.examples:
            if pool.scope != "host" and unreached(pool, host) is None:
                graph.add_edge(("pool", pool.name), ("host", host.name))
    return graph


def unreachable_pools(inventory: Inventory) -> list[str]:
    """Pools that no host reaches: what lies there can be attached nowhere."""
    graph = reach_graph(inventory)
    found = []
    for kind, name in nx.isolates(graph):
        if kind == "pool":
            found += [
                member for member in graph.nodes[kind, name]["members"] if inventory.pools[member].scope != "host"
            ]
    return sorted(found)


def blind_hosts(inventory: Inventory) -> list[str]:
    """Hosts that reach no pool at all."""
    graph = reach_graph(inventory)
    local = {pool.host for pool in inventory.pools.values() if pool.scope == "host"}
    found: list[str] = []
    for kind, name in nx.isolates(graph):
        if kind == "host":
            found += [member for member in graph.nodes[kind, name]["members"] if member not in local]
    return sorted(found)


def domain_tree(inventory: Inventory, kinds: tuple[str, ...] = ()) -> nx.DiGraph[Vertex]:
    """Zone -> failure domains in the order given -> pools, and zone -> cluster -> hosts -> local pools.

    Without `kinds` the domains are nested from the coarsest to the finest, by how many there are.
    """
    tree: nx.DiGraph[Vertex] = nx.DiGraph()
    order = kinds or _coarse_to_fine(inventory)
    for host in inventory.hosts.values():
        path = [("zone", host.zone), *([("cluster", f"{host.zone}/{host.cluster}")] if host.cluster else [])]
        nx.add_path(tree, [*path, ("host", host.name)])
    for pool in inventory.pools.values():
        if pool.scope == "host" and pool.host is not None:
            tree.add_edge(("host", pool.host), ("pool", pool.name))
            continue
        path = [("zone", pool.zone or "-")]
        path += [(kind, label) for kind in order if (label := pool.domain(kind)) is not None]
        nx.add_path(tree, [*path, ("pool", pool.name)])
    return tree


def tree_lines(tree: nx.DiGraph[Vertex]) -> Iterator[str]:
    """The tree as indented text, in order of name."""
    roots = sorted(vertex for vertex, parents in tree.in_degree() if parents == 0)
    stack = [(vertex, 0) for vertex in reversed(roots)]
    while stack:
        (kind, name), depth = stack.pop()
        yield f"{'  ' * depth}{kind} {name}"
        stack += [(child, depth + 1) for child in sorted(tree.successors((kind, name)), reverse=True)]


def _coarse_to_fine(inventory: Inventory) -> tuple[str, ...]:
    labels: dict[str, set[str]] = {}
    for pool in inventory.pools.values():
        for kind in pool.domains:
            labels.setdefault(kind, set()).add(pool.domain(kind) or "")
    return tuple(sorted(labels, key=lambda kind: (len(labels[kind]), kind)))

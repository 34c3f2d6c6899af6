"""`list`: one kind of thing in order of name, or the tree of failure domains."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Literal

import networkx as nx

from allocator import Allocator
from allocator.cli import show
from allocator.cli.codes import DONE
from allocator.cli.place_rows import host_rows, pool_rows
from allocator.cli.session import Given
from allocator.cli.volume_rows import offering_rows, volume_rows
from allocator.topology import Vertex, domain_tree, tree_lines

What = Literal["pools", "hosts", "volumes", "offerings"]
Rows = Callable[[Allocator], Iterator[tuple[list[str], dict[str, Any]]]]
"""For each thing what stands under the headings, and the same for programs."""

LISTS: Final[Mapping[What, tuple[str, Rows]]] = {
    "pools": ("POOL STATE DRIVER SCOPE TAGS CAPACITY IOPS BANDWIDTH RESOURCES VOLUMES USED DETAILS", pool_rows),
    "hosts": ("HOST STATE ZONE CLUSTER TAGS AGENT PROTOCOLS IOPS BANDWIDTH RESOURCES VOLUMES", host_rows),
    "volumes": ("VOLUME STATE POOL HOSTS SIZE QOS OFFERING VM TENANT DETAILS", volume_rows),
    "offerings": ("OFFERING TAGS HOST-TAGS QOS PROVISIONING DETAILS", offering_rows),
}


def show_list(given: Given, what: What) -> int:
    """Everything of one kind."""
    headings, rows = LISTS[what]
    with given.open() as allocator:
        found = sorted(rows(allocator), key=lambda row: str(row[1]["name"]))
    if given.as_json:
        show.data({"version": 1, what: [data for _, data in found]})
    elif not found:
        show.say(f"There are no {what}.")
    else:
        show.table(headings.split(), [cells for cells, _ in found])
    return DONE


def show_tree(given: Given) -> int:
    """Zones, what they are divided into, and the pools there."""
    with given.open() as allocator:
        tree = domain_tree(allocator.inventory)
    if given.as_json:
        roots = sorted(vertex for vertex, parents in tree.in_degree() if parents == 0)
        show.data({"version": 1, "tree": [_branch(tree, root) for root in roots]})
    else:
        for line in tree_lines(tree):
            show.say(line)
    return DONE


def _branch(tree: nx.DiGraph[Vertex], vertex: Vertex) -> dict[str, Any]:
    kind, name = vertex
    children = [_branch(tree, child) for child in sorted(tree.successors(vertex))]
    return {"kind": kind, "name": name, "children": children}

"""Who reaches what, and where failures stay."""

from __future__ import annotations

from pathlib import Path

from allocator.topology import blind_hosts, domain_tree, reach_graph, tree_lines, unreachable_pools
from tests.engine.fleets import opened

ROOMS = """
version: 1
drivers: {files: {driver: nfs}, disk: {driver: local}, target: {driver: tgt}}
pools:
  - {name: n1, driver: files, managed: false, zone: z1, domains: {row: a, rack: r1}}
  - {name: n2, driver: files, managed: false, zone: z1, domains: {row: a, rack: r2}}
  - {name: n3, driver: files, managed: false, zone: z1, domains: {row: b, rack: r3}}
  - {name: d1, driver: disk, host: h1}
  - {name: t1, driver: target, cluster: c1}
  - {name: far, driver: files, managed: false, zone: z3}
hosts:
  - {name: h1, zone: z1, cluster: c1, protocols: [nfs]}
  - {name: h2, zone: z1, cluster: c1, protocols: [nfs]}
  - {name: h3, zone: z1, cluster: c2, protocols: [iscsi]}
  - {name: h4, zone: z2}
"""


def test_R17_equal_places_are_one_vertex_and_reach_is_an_edge(tmp_path: Path) -> None:
    graph = reach_graph(opened(tmp_path, ROOMS).inventory)
    members = {vertex: graph.nodes[vertex]["members"] for vertex in graph.nodes}
    assert members["pool", "n1"] == ("n1", "n2", "n3")
    assert members["host", "h1"] == ("h1", "h2")
    assert list(graph.edges) == [(("pool", "n1"), ("host", "h1"))]


def test_R17_what_nobody_reaches_is_found(tmp_path: Path) -> None:
    """t1 speaks iSCSI to a cluster of hosts that do not; h3 speaks nothing else; d1 is its host's own."""
    allocator = opened(tmp_path, ROOMS)
    assert unreachable_pools(allocator.inventory) == ["far", "t1"]
    assert blind_hosts(allocator.inventory) == ["h3", "h4"]
    assert [finding.text for finding in allocator.check()] == [
        "pool far is reached by no host. Maybe its protocols differ.",
        "pool t1 is reached by no host. Maybe its protocols differ.",
        "host h3 reaches no pool. Maybe its zone or protocols differ.",
        "host h4 reaches no pool. Maybe its zone or protocols differ.",
    ]


def test_a_host_with_only_its_own_disk_is_not_blind(tmp_path: Path) -> None:
    own = "version: 1\npools: [{name: d4, driver: disk, host: h4}]"
    assert blind_hosts(opened(tmp_path, ROOMS, own).inventory) == ["h3"]


def test_domains_nest_from_the_coarsest(tmp_path: Path) -> None:
    """Two rows hold three racks. Labels are told apart by zone."""
    lines = list(tree_lines(domain_tree(opened(tmp_path, ROOMS).inventory)))
    assert lines == [
        "zone z1",
        "  cluster z1/c1",
        "    host h1",
        "      pool d1",
        "    host h2",
        "  cluster z1/c2",
        "    host h3",
        "  pool t1",
        "  row z1/a",
        "    rack z1/r1",
        "      pool n1",
        "    rack z1/r2",
        "      pool n2",
        "  row z1/b",
        "    rack z1/r3",
        "      pool n3",
        "zone z2",
        "  host h4",
        "zone z3",
        "  pool far",
    ]


def test_domains_nest_as_they_are_asked_to(tmp_path: Path) -> None:
    tree = domain_tree(opened(tmp_path, ROOMS).inventory, ("rack",))
    assert list(tree.predecessors(("pool", "n1"))) == [("rack", "z1/r1")]
    assert ("row", "z1/a") not in tree

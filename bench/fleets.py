"""Fleets and batches from a seed for `python -m bench batch`: partly filled, and as tight as is asked.

*Tightness* is demand / what is still sellable, summed over the fleet: for the bytes and the guaranteed IOPS of each
type of pool, and for the vCPUs, memory and IOPS of the hosts. Demand counts every volume where its plan means it to go
(`offers.py`). Pools and hosts of one type differ in size, and bytes are spread over pools in other proportions than
IOPS are, so that a fleet that could take everything takes it only by the right choices.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from random import Random
from typing import Final

from allocator.domain.inventory import Inventory
from allocator.domain.places import Amount, Capacity, Host, Pool
from allocator.domain.request import Request
from allocator.domain.sizes import GIB, MIB
from bench.filling import LEGACY_EACH, LEGACY_GIB, Filling, Resident
from bench.layout import GENERATIONS, HostSite, Layout, PoolSite
from bench.offers import OFFERINGS, PLAN, POOL_TYPES, agent_manifest, taken
from bench.templates import Machine, Template, Templates, machines, picked

RESIDENTS: Final = Fraction(1, 5)
"""VMs that are there already, for each VM of the batch."""
HOST_STEPS: Final = {"vcpu": 1, "memory": GIB, "iops": 100}
"""Hosts come with whole numbers of these."""
HOST_OVERCOMMIT: Final = {"vcpu": Fraction(2), "memory": Fraction(1), "iops": Fraction(1)}
POOL_OVERCOMMIT: Final = {"bytes": Fraction(2), "iops": Fraction(3, 2)}

Needs = Counter[tuple[str, str]]
"""What is needed: by (type of pool or `host`, dimension)."""


def batch_case(
    seed: int,
    *,
    pools: int,
    hosts: int,
    vms: int,
    zones: int = 1,
    tightness: str | float = "0.85",
    templates: int | None = None,
) -> tuple[Inventory, list[Request]]:
    """A partly filled fleet and the requests of so many VMs; the same seed and sizes give the same.

    `templates` are the ordinary ones that VMs are made from: what is asked for comes in so many shapes.

    Where there are few VMs for each host, or few volumes for each pool, places are as large as the largest VM or volume
    and less tight than asked. Raises ValueError for a zone that cannot hold every type of pool.
    """
    rng = Random(f"batch {seed} {pools} {hosts} {vms} {zones} {tightness}")  # noqa: S311  reproducible, not secret
    kinds = Templates.drawn(rng, templates)
    layout = Layout.drawn(rng, pools=pools, hosts=hosts, zones=zones)
    asked = machines(rng, kinds, vms, layout.zones)
    drawn = [Machine(f"old-{number}", picked(rng, kinds.general)) for number in range(int(vms * RESIDENTS))]
    residents = [Resident.drawn(rng, machine) for machine in drawn]
    free = {need: amount / Fraction(str(tightness)) for need, amount in needed(asked).items()}
    held = _held(residents, layout)
    sites = _pools(layout, free, held, _largest_volumes(asked))
    stations = _hosts(layout, free, held, _largest_vms(asked))
    filling = Filling(layout, sites, stations)
    volumes = [*filling.legacy(), *filling.residents(rng, residents)]
    inventory = Inventory(sites.values(), stations.values(), volumes, OFFERINGS.values())
    return inventory, [request for machine in asked for request in machine.requests()]


def needed(asked: Iterable[Machine]) -> dict[tuple[str, str], Fraction]:
    """The demand of a batch, each volume counted where its plan means it to go."""
    total: dict[tuple[str, str], Fraction] = Counter()  # type: ignore[assignment]
    for template, number in Counter(machine.template for machine in asked).items():
        for need, amount in _of_template(template).items():
            total[need] += number * amount
    return total


def _of_template(template: Template) -> dict[tuple[str, str], Fraction]:
    total: dict[tuple[str, str], Fraction] = Counter()  # type: ignore[assignment]
    total["host", "vcpu"] += template.vcpu
    total["host", "memory"] += template.memory_gib * GIB
    for offering, size_gib in template.disks:
        for meant in PLAN[offering]:
            takes, share = taken(offering, size_gib, meant), Fraction(meant.share, 100)
            total[meant.pool_type, "bytes"] += share * takes.pool_bytes
            total[meant.pool_type, "iops"] += share * takes.pool_iops
            total["host", "iops"] += share * takes.host_iops
    return total


def _held(residents: Sequence[Resident], layout: Layout) -> Needs:
    """What the residents and the old volumes hold."""
    held: Needs = Counter()
    for resident in residents:
        held["host", "vcpu"] += resident.machine.template.vcpu
        held["host", "memory"] += resident.machine.template.memory_gib * GIB
        for meant, disk in zip(resident.meant, resident.takes(), strict=True):
            held[meant.pool_type, "bytes"] += disk.pool_bytes
            held[meant.pool_type, "iops"] += disk.pool_iops
            held["host", "iops"] += disk.host_iops
    for site in layout.pools:
        held[site.kind, "bytes"] += _legacy_bytes(site)
    return held


def _legacy_bytes(site: PoolSite) -> int:
    return LEGACY_EACH * LEGACY_GIB * GIB if site.legacy else 0


def _pools(
    layout: Layout, free: Mapping[tuple[str, str], Fraction], held: Needs, largest: Mapping[tuple[str, str], int]
) -> dict[str, Pool]:
    weights: Needs = Counter()
    for site in layout.pools:
        weights[site.kind, "bytes"] += site.bytes_weight
        weights[site.kind, "iops"] += 0 if site.legacy else site.iops_weight
    each = {key: (free.get(key, 0) + held[key]) / Fraction(weight) for key, weight in weights.items() if weight}
    pools = {}
    for site in layout.pools:
        sold_bytes = site.bytes_weight * each[site.kind, "bytes"]
        sold_iops = site.iops_weight * each.get((site.kind, "iops"), Fraction(0))
        least_bytes = Fraction(largest[site.kind, "bytes"] + _legacy_bytes(site))
        least_iops = Fraction(largest[site.kind, "iops"])
        pools[site.name] = _pool(site, max(sold_bytes, least_bytes), max(sold_iops, least_iops))
    return pools


def _pool(site: PoolSite, sold_bytes: Fraction, sold_iops: Fraction) -> Pool:
    """A pool that sells so much."""
    kind = POOL_TYPES[site.kind]
    size, iops = sold_bytes / POOL_OVERCOMMIT["bytes"], sold_iops / POOL_OVERCOMMIT["iops"]
    return Pool(
        name=site.name,
        driver=site.kind,
        manifest=kind.manifest,
        scope="host" if site.host else "cluster" if site.cluster else "zone",
        zone=site.zone,
        cluster=site.cluster,
        host=site.host,
        tags=kind.tags,
        managed=kind.managed,
        capacity=Capacity(-(-size // MIB) * MIB, POOL_OVERCOMMIT["bytes"]),
        iops=Amount(-(-iops // 1), POOL_OVERCOMMIT["iops"]) if kind.sells_iops else Amount(),
        domains={"rack": site.rack},
        default_qos=kind.default_qos,
    )


def _hosts(
    layout: Layout, free: Mapping[tuple[str, str], Fraction], held: Needs, largest: Mapping[str, Fraction]
) -> dict[str, Host]:
    """Hosts of a cluster are equal; what rounding adds to one cluster is taken off the next."""
    sizes: dict[tuple[str, str], int] = {}
    for column, (dimension, step) in enumerate(HOST_STEPS.items()):
        weights = Counter(GENERATIONS[site.generation][column] for site in layout.hosts)
        whole = (free["host", dimension] + held["host", dimension]) / HOST_OVERCOMMIT[dimension]
        each = whole / sum(weight * number for weight, number in weights.items())
        least, carried = largest[dimension] / HOST_OVERCOMMIT[dimension], Fraction(0)
        for cluster, members in _clusters(layout).items():
            wanted = each * sum(GENERATIONS[site.generation][column] for site in members) + carried
            steps = max(round(wanted / len(members) / step), -(-least // step))
            sizes[cluster, dimension] = steps * step
            carried = wanted - steps * step * len(members)
    return {site.name: _host(site, sizes) for site in layout.hosts}


def _host(site: HostSite, sizes: Mapping[tuple[str, str], int]) -> Host:
    amounts = {name: Amount(sizes[site.cluster, name], HOST_OVERCOMMIT[name]) for name in HOST_STEPS}
    return Host(
        name=site.name,
        zone=site.zone,
        cluster=site.cluster,
        tags=frozenset({"gpu"}) if site.gpu else frozenset(),
        protocols=frozenset({"iscsi", "nfs", "file"}),
        agent="qemu",
        manifest=agent_manifest(),
        iops=amounts["iops"],
        bandwidth=Amount(4 * GIB),
        resources={"memory": amounts["memory"], "vcpu": amounts["vcpu"]},
    )


def _clusters(layout: Layout) -> dict[str, list[HostSite]]:
    found: dict[str, list[HostSite]] = {}
    for site in layout.hosts:
        found.setdefault(site.cluster, []).append(site)
    return found


def _largest_volumes(asked: Iterable[Machine]) -> Needs:
    """What a pool must sell so that every volume fits one that is empty."""
    largest: Needs = Counter()
    for template in {machine.template for machine in asked}:
        for offering, size_gib in template.disks:
            for meant in PLAN[offering]:
                takes = taken(offering, size_gib, meant)
                largest[meant.pool_type, "bytes"] = max(largest[meant.pool_type, "bytes"], takes.pool_bytes)
                largest[meant.pool_type, "iops"] = max(largest[meant.pool_type, "iops"], takes.pool_iops)
    return largest


def _largest_vms(asked: Iterable[Machine]) -> dict[str, Fraction]:
    """What a host must have so that every VM fits one that is empty."""
    needs = [_of_template(template) for template in {machine.template for machine in asked}]
    return {name: max((need["host", name] for need in needs), default=Fraction(0)) for name in HOST_STEPS}

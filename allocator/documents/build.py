"""Documents to facts: the inventory, and the requests that are asked of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path as FilePath
from typing import Any

from allocator.documents.asking import Asking, carriers
from allocator.documents.connections import agents, drivers
from allocator.documents.errors import DocumentError
from allocator.documents.form import Document, checked
from allocator.documents.holding import Holding
from allocator.documents.hosts import host
from allocator.documents.merge import merge
from allocator.documents.offerings import offering
from allocator.documents.pausing import collection_paused
from allocator.documents.pools import PLACES, Surroundings, cluster_zones
from allocator.documents.requests import RequestEntry
from allocator.documents.sources import Source, locate
from allocator.documents.tenants import tenant
from allocator.domain.inventory import Inventory
from allocator.domain.placement import Volume
from allocator.domain.places import Host, Place, Pool
from allocator.domain.policy import Policy
from allocator.domain.request import Request


@dataclass(frozen=True, slots=True)
class World:
    """What documents say: all facts, what is asked, and how further requests and volumes are read."""

    inventory: Inventory
    requests: tuple[Request, ...]
    holding: Holding
    asked: tuple[RequestEntry, ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    """The documents that this was read from: each name, and the first 16 hex digits of its SHA-256."""

    def ask(self, entries: Iterable[Mapping[str, Any]] | None, inventory: Inventory) -> tuple[Request, ...]:
        """Entries of `requests` (None: the documents' own) as requests of an inventory with further volumes.

        A VM that has volumes on a host carries its demands there already: those that are listed, else those that its
        volumes know of. Raises DocumentError.
        """
        asked = self.asked
        if entries is not None:
            asked = tuple(checked(merge({"version": 1, "requests": list(entries)})).requests)
        asking = self.holding.asking
        there = {vm: list(inventory.volumes_of_vm(vm)) for entry in asked if (vm := entry.vm) is not None}
        known = {vm: dict(one.request.demands) for vm, found in there.items() for one in found if one.request.demands}
        demands = known | _listed(asking)
        new = [entry for entry in asked if not any(volume.hosts for volume in there.get(entry.vm or "", ()))]
        of_requests, _ = carriers(demands, new, ())
        return tuple(asking.request(entry, of_requests.get(entry.name), demands.get(entry.vm or "")) for entry in asked)

    def hold(self, documents: Iterable[Mapping[str, Any]], inventory: Inventory) -> tuple[Volume, ...]:
        """Volume documents, as `volume_document` writes them, as volumes on the pools of an inventory.

        Its pools may give another default QoS than the documents say, as was observed. Raises DocumentError.
        """
        holding = replace(self.holding, pools=inventory.pools)
        entries = checked(merge({"version": 1, "volumes": list(documents)})).volumes
        return tuple(holding.volume(entry) for entry in entries)


def load(paths: Sequence[FilePath], policy: Policy, text: Mapping[str, str] | None = None) -> World:
    """Files, then texts by name, merged in this order: later ones override by name.

    Raises DocumentError, with file, line and key, for the first thing that is wrong.
    """
    with collection_paused():
        sources = [Source.of_file(path) for path in paths]
        sources += [Source.of_text(name, content) for name, content in (text or {}).items()]
        try:
            world = _world(checked(merge(*(source.data for source in sources))), policy)
        except DocumentError as error:
            locate(error, sources)
            raise
    return replace(world, files=tuple((source.name, source.hash) for source in sources))


def build(data: Mapping[str, Any], policy: Policy) -> World:
    """Plain data (dicts, lists, str, int, bool, Decimal) as facts. Raises DocumentError, with key."""
    return _world(checked(merge(data)), policy)


def _world(document: Document, policy: Policy) -> World:
    known_agents, known_drivers = agents(document.agents), drivers(document.drivers)
    offerings = {entry.name: offering(entry) for entry in document.offerings}
    tenants = {entry.name: tenant(entry, offerings) for entry in document.tenants}
    hosts = {entry.name: host(entry, known_agents, tenants, policy.overcommit) for entry in document.hosts}
    clusters = cluster_zones(hosts.values())
    surroundings = Surroundings(known_drivers, hosts, clusters, tenants, policy.overcommit, policy.full_at)
    pools = {entry.name: surroundings.pool(entry) for entry in document.pools}
    asking = Asking(
        offerings=offerings,
        tenants=tenants,
        vms={entry.name: entry for entry in document.vms},
        places=_places(pools, hosts),
        domains=PLACES | {kind for pool in pools.values() for kind in pool.domains},
        default_limit=policy.default_limit,
    )
    of_requests, of_volumes = carriers(_listed(asking), document.requests, document.volumes)
    holding = Holding(asking, pools)
    inventory = Inventory(
        pools=pools.values(),
        hosts=hosts.values(),
        volumes=[holding.volume(entry, of_volumes.get(entry.name)) for entry in document.volumes],
        offerings=offerings.values(),
        tenants=tenants.values(),
        drivers=known_drivers.values(),
        agents=known_agents.values(),
    )
    requests = [asking.request(entry, of_requests.get(entry.name)) for entry in document.requests]
    return World(inventory, tuple(requests), holding, tuple(document.requests))


def _listed(asking: Asking) -> dict[str, Mapping[str, int]]:
    """What VMs demand of their hosts, by the documents."""
    return {name: vm.resources for name, vm in asking.vms.items() if vm.resources}


def _places(pools: Mapping[str, Pool], hosts: Mapping[str, Host]) -> dict[str, Collection[str]]:
    every: list[Place] = [*pools.values(), *hosts.values()]
    return {
        "pool": pools.keys(),
        "host": hosts.keys(),
        "cluster": {place.cluster for place in every if place.cluster is not None},
        "zone": {place.zone for place in every if place.zone is not None},
    }

"""Volumes made of what is written: the request each of them was, and the alternative it is kept by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from allocator.documents.asking import Asking, Ways
from allocator.documents.errors import DocumentError, Path, nearest, shown
from allocator.documents.offerings import overlaid
from allocator.documents.qos import QosEntry, wishes
from allocator.documents.references import check, find
from allocator.documents.volumes import PinEntry, VolumeEntry
from allocator.documents.words import members
from allocator.domain.placement import Volume
from allocator.domain.places import Pool
from allocator.domain.qos import Alternative, Kind, Qos, QosWish
from allocator.domain.request import Offering


@dataclass(frozen=True)
class Holding:
    """What volumes refer to."""

    asking: Asking
    pools: Mapping[str, Pool]

    def volume(self, entry: VolumeEntry, host_resources: Mapping[str, int] | None = None) -> Volume:
        """Raises DocumentError for a pool, host, tenant or alternative that is not there.

        Of the rest nothing is asked: what has changed since it was placed is an audit's finding (R05), not an
        error of reading. So an offering may be gone if the volume states its own QoS.
        """
        path: Path = ("volumes", entry.name)
        pool = find(entry.pool, self.pools, "pool", (*path, "pool"))
        hosts = tuple(entry.hosts or ([entry.host] if entry.host else []))
        check(hosts, self.asking.places["host"], "host", (*path, "hosts" if entry.hosts else "host"))
        check([entry.tenant] if entry.tenant else None, self.asking.tenants, "tenant", (*path, "tenant"))
        offering = self.asking.offerings.get(entry.offering or "")
        if entry.offering is not None and offering is None and entry.qos is None:
            raise DocumentError(
                f"There is no offering named {shown(entry.offering)}, and the volume states no QoS.",
                nearest(entry.offering, self.asking.offerings, "Maybe add `qos: {...}` to the volume."),
                (*path, "offering"),
            )
        one = entry.qos if isinstance(entry.qos, QosEntry) else entry.has
        asked = _asked(entry, offering, path)
        ways = self.asking.ways(asked, entry.size, path)
        base = overlaid(offering or Offering(""), entry)
        if entry.host_tags is None:
            vm = self.asking.vms.get(entry.vm or "")
            base = replace(base, host_tags=base.host_tags | members(vm.tags if vm else None))
        pinned = entry.pinned or PinEntry()
        pins = {"pool": pinned.pool, "host": pinned.host, "cluster": entry.cluster, "zone": entry.zone}
        resources = host_resources if entry.host_resources is None else entry.host_resources
        request = self.asking.made(entry, base, ways, pins, resources, entry.vm_resources)
        chosen = _chosen(entry, ways, path) if one is None else _held(one, entry, ways)
        found = Volume.on(pool, request, chosen, hosts, foreign=entry.foreign)
        if entry.moving_to is None:
            return found
        there = find(entry.moving_to.pool, self.pools, "pool", (*path, "moving_to", "pool"))
        index = entry.moving_to.alternative
        then = chosen if index is None else _way(index, ways, (*path, "moving_to"))
        return replace(found, moving_to=Volume.on(there, request, then, hosts))


def _asked(entry: VolumeEntry, offering: Offering | None, path: Path) -> tuple[QosWish, ...]:
    """A list says it; else its offering does; else what it has is all that is known."""
    if isinstance(entry.qos, list):
        return wishes(entry.qos, (*path, "qos"))
    if offering is not None:
        return offering.qos
    wish = entry.qos.wish() if entry.qos is not None else None
    return () if wish is None else (wish,)


def _chosen(entry: VolumeEntry, ways: Ways, path: Path) -> Alternative:
    return _way(entry.alternative or 0, ways, path)


def _way(index: int, ways: Ways, path: Path) -> Alternative:
    if index >= len(ways):
        raise DocumentError(
            f"There is no alternative {index}, only {len(ways)} of them, from 0.",
            f"Maybe {len(ways) - 1}.",
            (*path, "alternative"),
        )
    return ways[index]


def _held(one: QosEntry, entry: VolumeEntry, ways: Ways) -> Alternative:
    wish = one.wish()
    kind, qos = (Kind.NONE, Qos()) if wish is None else (wish.kind, wish.at_size(entry.size))
    index = entry.alternative
    if index is None:
        index = next((way.index for way in ways if (way.kind, way.qos) == (kind, qos)), 0)
    return Alternative(index, kind, qos)

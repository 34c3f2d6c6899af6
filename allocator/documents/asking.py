"""Requests made of what is written: what offering, VM and policy have to add is filled in."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from allocator.documents.details import check_details
from allocator.documents.errors import Path
from allocator.documents.offerings import overlaid
from allocator.documents.qos import expanded, wishes
from allocator.documents.references import check, find
from allocator.documents.requests import AlsoEntry, ApartEntry, NearEntry, RequestEntry, VmEntry
from allocator.documents.volumes import VolumeEntry
from allocator.documents.words import members, sorted_items
from allocator.domain.qos import Alternative, Kind, Qos, QosWish
from allocator.domain.request import Apart, Near, Offering, Request

PINS: Final = ("pool", "host", "cluster", "zone")
Ways = tuple[Alternative, ...]
Demands = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class Asking:
    """What requests and volumes refer to."""

    offerings: Mapping[str, Offering]
    tenants: Collection[str]
    vms: Mapping[str, VmEntry]
    places: Mapping[str, Collection[str]]
    """The names of pools, hosts, clusters and zones, by `pool`, `host`..."""
    domains: Collection[str]
    """What `over` may name."""
    default_limit: Qos
    _known: dict[tuple[tuple[QosWish, ...], int], Ways] = field(default_factory=dict)

    def request(
        self,
        entry: RequestEntry,
        host_resources: Mapping[str, int] | None = None,
        vm_resources: Mapping[str, int] | None = None,
    ) -> Request:
        """Raises DocumentError for a name that is not there, and for details their driver does not know."""
        path: Path = ("requests", entry.name)
        base = Offering("")
        if entry.offering is not None:
            base = find(entry.offering, self.offerings, "offering", (*path, "offering"))
        check([entry.tenant] if entry.tenant else None, self.tenants, "tenant", (*path, "tenant"))
        pins = {pin: getattr(entry, pin) for pin in PINS}
        for pin, name in pins.items():
            check([name] if name else None, self.places[pin], pin, (*path, pin))
        spread = [(keys, apart.over) for keys, apart in entry.wishes_apart()]
        for keys, over in [*spread, *((keys, near.over) for keys, near in entry.wishes_near())]:
            check([over], self.domains, "failure domain", (*path, *keys, "over"))
        check_details(entry.details, (*path, "details"))
        asked = base.qos if entry.qos is None else wishes(entry.qos, (*path, "qos"))
        if not asked and self.default_limit:
            asked = (QosWish(Kind.LIMIT, self.default_limit),)
        vm = self.vms.get(entry.vm or "")
        wished = overlaid(base, entry)
        wished = replace(wished, host_tags=wished.host_tags | members(vm.tags if vm else None))
        return self.made(entry, wished, self.ways(asked, entry.size, path), pins, host_resources, vm_resources)

    def ways(self, asked: tuple[QosWish, ...], size_bytes: int, path: Path) -> Ways:
        """The alternatives at a size; equal ones are one object, of which there are as many as offerings."""
        known = self._known.get((asked, size_bytes))
        if known is None:
            known = self._known[asked, size_bytes] = expanded(asked, size_bytes, (*path, "size"))
        return known

    def made(
        self,
        entry: RequestEntry,
        wished: Offering,
        ways: Ways,
        pins: Mapping[str, str | None],
        host_resources: Mapping[str, int] | None,
        vm_resources: Mapping[str, int] | None = None,
    ) -> Request:
        """The request that an entry stands for, its wishes already settled."""
        vm = self.vms.get(entry.vm or "")
        others = None if host_resources else vm_resources or (vm.resources if vm else None)
        priority = entry.priority if entry.priority is not None else (vm.priority if vm else None)
        return Request(
            name=entry.name,
            size_bytes=entry.size,
            alternatives=ways,
            offering=entry.offering,
            vm=entry.vm,
            tenant=entry.tenant,
            priority=priority or 0,
            tags=wished.tags,
            forbid_tags=wished.forbid_tags,
            preferred_tags=wished.preferred_tags,
            host_tags=wished.host_tags,
            provisioning=wished.provisioning,
            encrypted=wished.encrypted,
            dedicated=wished.dedicated,
            snapshot_reserve=wished.snapshot_reserve,
            details=wished.details,
            resources=sorted_items(entry.resources),
            host_resources=sorted_items(host_resources),
            vm_resources=sorted_items(others),
            **pins,
            group=entry.own_group,
            apart=_apart(entry.apart) if entry.apart else None,
            near=_near(entry.near) if entry.near else None,
            also=tuple(_also(wish) for wish in entry.also or ()),
            move_cost=entry.move_cost,
        )


def carriers(
    demands: Demands, requests: Iterable[RequestEntry], volumes: Iterable[VolumeEntry]
) -> tuple[Demands, Demands]:
    """By name, the requests and the volumes that carry their VM's demands on its host; `demands` are those by VM.

    The first volume by name, or where a VM has none the first request. Where a volume states them itself,
    nothing is left to carry.
    """
    settled = {volume.vm for volume in volumes if volume.host_resources}
    first_volumes = _first_of_each_vm(volumes)
    of_volumes = {first_volumes[vm]: demands[vm] for vm in demands.keys() & first_volumes.keys() - settled}
    first_requests = _first_of_each_vm(requests)
    of_requests = {
        first_requests[vm]: demands[vm] for vm in demands.keys() & first_requests.keys() - first_volumes.keys()
    }
    return of_requests, of_volumes


def _first_of_each_vm(entries: Iterable[RequestEntry]) -> dict[str, str]:
    first: dict[str, str] = {}
    for entry in entries:
        if entry.vm is not None:
            first[entry.vm] = min(entry.name, first.get(entry.vm, entry.name))
    return first


def _also(entry: AlsoEntry) -> Apart | Near:
    if entry.apart is not None:
        return _apart(entry.apart)
    assert entry.near is not None, "an entry states one of the two"
    return _near(entry.near)


def _near(wish: NearEntry) -> Near:
    return Near(wish.group, wish.over)


def _apart(wish: ApartEntry) -> Apart:
    most = 1 if wish.max_per_domain is None and wish.min_domains is None else wish.max_per_domain
    return Apart(wish.over, most, wish.min_domains)

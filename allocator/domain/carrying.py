"""Which of a VM's volumes carries what the VM demands of its host, once for all of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from allocator.domain.inventory import Inventory
from allocator.domain.placement import Volume

Demands = tuple[tuple[str, int], ...]


def passed_on(volumes: Iterable[Volume]) -> list[Volume]:
    """Those of a VM's volumes that carry its demands from now on, and those that no longer do.

    An attached one carries them before one that is on no host, else whoever did, else the first by name: so they stay
    on the host until the last has left it. The same volumes give the same answer, in whatever order they come.
    """
    ordered = sorted(volumes, key=lambda one: (not one.hosts, not one.request.host_resources, one.name))
    if not ordered:
        return []
    first, *others = ordered
    demands = next((one.request.demands for one in ordered if one.request.demands), ())
    changed = [] if first.request.host_resources == demands else [_asking(first, host_resources=demands)]
    return changed + [_asking(one, vm_resources=demands) for one in others if one.request.host_resources]


def passed_on_by(arrivals: Iterable[Volume], departures: Iterable[str], inventory: Inventory) -> list[Volume]:
    """The same for each VM of which volumes come, change or go; `inventory` is as it was before."""
    came = {volume.name: volume for volume in arrivals}
    gone = [volume for name in departures if (volume := inventory.find(name)) is not None]
    before = [volume for name in came if (volume := inventory.find(name)) is not None]
    vms = {volume.request.vm for volume in (*came.values(), *gone, *before) if volume.request.demands}
    if not vms:
        return []
    after = inventory.plus(came.values(), [volume.name for volume in gone])
    return [volume for vm in sorted(vm for vm in vms if vm) for volume in passed_on(after.volumes_of_vm(vm))]


def _asking(volume: Volume, *, host_resources: Demands = (), vm_resources: Demands = ()) -> Volume:
    request = replace(volume.request, host_resources=host_resources, vm_resources=vm_resources)
    there = None if volume.moving_to is None else replace(volume.moving_to, request=request)
    return replace(volume, request=request, moving_to=there)

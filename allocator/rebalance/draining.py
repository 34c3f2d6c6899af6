"""Pools and hosts that are to be left: which pools that comes to, and which VMs only the control plane can move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from allocator.domain.inventory import Inventory
from allocator.domain.rebalance import Aim


def check_names(inventory: Inventory, aim: Aim) -> None:
    """Raises LookupError for a name that is not there."""
    for name in aim.drain:
        if name not in inventory.pools and name not in inventory.hosts:
            raise LookupError(f"There is no pool or host {name} to drain. Maybe `allocator list pools` shows its name.")
    for name in sorted(aim.pinned):
        if inventory.find(name) is None:
            raise LookupError(f"There is no volume {name} to pin. Maybe `allocator list volumes` shows its name.")


def emptied(inventory: Inventory, names: Sequence[str]) -> Inventory:
    """The facts with these pools, and the local pools of these hosts, draining: what lies there is broken then."""
    if not names:
        return inventory
    pools = [replace(inventory.pools[name], state="draining") for name in drained_pools(inventory, names)]
    return inventory.copy(instead=pools)


def drained_pools(inventory: Inventory, names: Sequence[str]) -> list[str]:
    """Pools that are named, and the local ones of hosts that are; one that is down stays so."""
    return [
        pool.name
        for pool in inventory.pools.values()
        if pool.state != "down" and (pool.name in names or (pool.host is not None and pool.host in names))
    ]


def vms_to_leave(after: Inventory, names: Sequence[str]) -> list[tuple[str, str]]:
    """(VM, host): hosts are the control plane's, and so are the VMs on them."""
    found = {
        (volume.request.vm or volume.name, name)
        for name in names
        if name in after.hosts
        for volume in after.volumes_at("host", name)
    }
    return sorted(found)

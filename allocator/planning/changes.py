"""The plans that change volumes which exist: attach, detach, delete."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from allocator.documents import volume_document
from allocator.domain.carrying import passed_on_by
from allocator.domain.inventory import Inventory
from allocator.domain.placement import Volume
from allocator.domain.plan import Plan
from allocator.planning.steps import attach_steps, delete_steps, detach_steps
from allocator.rule import Rule
from allocator.verify import worsened


def attaching(name: str, host: str, inventory: Inventory, rules: Sequence[Rule]) -> Plan:
    """Grant and attach a volume to a host, beside any it is on already.

    Raises LookupError for a name that is not there, ValueError for what is attached already or breaks a rule.
    """
    volume = _known(name, inventory)
    if host not in inventory.hosts:
        raise LookupError(f"There is no host {host} in the documents. Maybe `allocator list hosts` shows its name.")
    if host in volume.hosts:
        raise ValueError(f"Volume {name} is attached to {host} already. Maybe detach it first.")
    there = replace(volume, hosts=(*volume.hosts, host))
    carrying = {one.name: one for one in passed_on_by([there], (), inventory)}
    there = carrying.pop(name, there)
    found = worsened(inventory, rules, [there, *carrying.values()])
    if found:
        by_name, after = {rule.name: rule for rule in rules}, inventory.plus([there, *carrying.values()])
        raise ValueError("; ".join(by_name[violation.rule].reason(violation, after).text for violation in found))
    return Plan.of(attach_steps([volume], host), [volume_document(there)])


def detaching(name: str, host: str | None, inventory: Inventory) -> Plan:
    """Detach a volume from a host (None: from the only one it is on) and revoke its access. Raises as `attaching`."""
    volume = _known(name, inventory)
    leaving = host if host is not None or len(volume.hosts) != 1 else volume.hosts[0]
    if leaving is None or leaving not in volume.hosts:
        where = " and ".join(volume.hosts) or "no host"
        wrong = "" if host is None else f", not to {host}"
        raise ValueError(f"Volume {name} is attached to {where}{wrong}. Maybe `allocator list volumes` helps.")
    left = replace(volume, hosts=tuple(other for other in volume.hosts if other != leaving))
    return Plan.of(detach_steps([volume], leaving), [volume_document(left)])


def deleting(name: str, inventory: Inventory) -> Plan:
    """Detach and revoke a volume everywhere, and delete it. Raises LookupError."""
    volume = _known(name, inventory)
    return Plan.of(delete_steps([volume]), [volume_document(volume)])


def _known(name: str, inventory: Inventory) -> Volume:
    found = inventory.find(name)
    if found is None or found.foreign:
        raise LookupError(f"There is no volume {name} in the ledger. Maybe `allocator list volumes` shows its name.")
    return found

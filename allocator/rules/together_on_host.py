"""Rule `together_on_host`: the volumes of one VM lie on one host."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from allocator.domain.inventory import Inventory
from allocator.domain.outcome import Reason
from allocator.domain.placement import Touched, Volume
from allocator.domain.request import Request
from allocator.fleet import Ask, BoolArray, Fleet, IntArray
from allocator.rule import Rows, Rule, Violation


class TogetherOnHost(Rule):
    """Rule: one host attaches all volumes of a VM.

    Formula: with hosts = all hosts of the VM's attached volumes: len(hosts) - 1 <= 0, unless some host has all of them.

    Why: a VM runs on one host (R23). New requests of a VM are placed as one unit, so that the solver needs no words for
    it; a request for a VM that has volumes already goes where they are.
    """

    name = "together_on_host"
    local = False

    def concerned(self, request: Request, inventory: Inventory) -> bool:
        return request.vm is not None and any(True for _ in inventory.volumes_of_vm(request.vm))

    def open_hosts(self, asks: Sequence[Ask], fleet: Fleet, only: Rows = None) -> BoolArray | None:
        vm = asks[0].request.vm if asks else None
        hosts = _meeting(fleet.inventory.volumes_of_vm(vm)) if vm is not None else frozenset()
        if not hosts:
            return None
        mask = np.zeros(len(fleet.hosts), dtype=np.bool_)
        mask[[fleet.host_row[host] for host in hosts]] = True
        return mask if only is None else mask[only]

    def violations(self, inventory: Inventory, touched: Touched | None = None) -> Iterator[Violation]:
        requests = touched.requests if touched is not None else (volume.request for volume in inventory.all_volumes())
        for vm in sorted({request.vm for request in requests if request.vm is not None}):
            attached = [volume.hosts for volume in inventory.volumes_of_vm(vm) if volume.hosts]
            if attached and not frozenset(attached[0]).intersection(*attached):
                hosts = sorted({host for hosts in attached for host in hosts})
                yield Violation(self.name, ("vm", vm), len(hosts) - 1, ", ".join(hosts))

    def clears(self, arrivals: Sequence[Volume], inventory: Inventory) -> bool:
        hosts: dict[str, tuple[str, ...]] = {}
        for volume in arrivals:
            vm = volume.request.vm
            if vm is not None and volume.hosts and hosts.setdefault(vm, volume.hosts) != volume.hosts:
                return False
        return not any(True for vm in hosts for _ in inventory.volumes_of_vm(vm))

    def reason(self, violation: Violation, inventory: Inventory) -> Reason:
        vm = violation.subject[1]
        text = f"VM {vm} has volumes on {violation.amount + 1} hosts: {violation.cause}"
        return Reason(self.name, vm, {"hosts": violation.amount + 1, "limit": 1}, text)

    def phrase(self, asks: Sequence[Ask], fleet: Fleet, rows: IntArray, over: str) -> str:
        return f"are not where VM {asks[0].request.vm} is"


def _meeting(volumes: Iterable[Volume]) -> frozenset[str]:
    """Where one more volume of the VM makes nothing worse: the hosts that have all of it, else any it is on."""
    attached = [frozenset(volume.hosts) for volume in volumes if volume.hosts]
    if not attached:
        return frozenset()
    return frozenset.intersection(*attached) or frozenset.union(*attached)

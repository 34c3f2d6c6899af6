"""What other schedulers would do on the same fleet, under the same rules: one VM after the other, as they arrive.

Each is stronger than the product it stands for: Cinder knows no hosts and OpenStack's Nova no pools, while these choose
the host first, among those that reach a pool for each volume, and then a pool for each, with all rules on. Nothing is
ever taken back but the VM at hand.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice, product
from random import Random
from typing import Final

import numpy as np
from numpy.typing import NDArray

from allocator.domain.inventory import Inventory
from allocator.domain.placement import Volume
from allocator.domain.request import Request
from allocator.fleet import Ask, BoolArray, Fleet, IntArray
from allocator.rule import Rule
from allocator.screen import Screen
from allocator.solver.classes import Unit
from bench.masks import Masks
from bench.room import Room

POLICIES: Final = ("random", "first-fit", "best-fit", "most-free")
COMBINATIONS: Final = 6
"""Choices of alternatives tried for one VM, the preferred ones first."""
HOSTS_TRIED: Final = 4
"""Hosts tried for one choice of alternatives; Nova retries 3 times by default (`scheduler.max_attempts`)."""


def packed(
    units: Sequence[Unit], inventory: Inventory, rules: Sequence[Rule], policy: str, seed: int = 1
) -> dict[str, tuple[Volume, ...]]:
    """Where each VM goes by one of `POLICIES`, by the VM's name; those that are missing found no room.

    Of groups it knows `apart` with one in each domain, and no `near`. Raises ValueError for another policy.
    """
    if policy not in POLICIES:
        raise ValueError(f"{policy!r} is no baseline. Maybe one of {', '.join(POLICIES)}.")
    packing = _Packing(inventory, rules, policy, seed)
    found = ((unit.name, packing.place(unit.requests)) for unit in units)
    return {name: volumes for name, volumes in found if volumes}


class _Packing:
    """A fleet that one policy fills."""

    def __init__(self, inventory: Inventory, rules: Sequence[Rule], policy: str, seed: int) -> None:
        self.fleet = Fleet(inventory)
        screen = Screen(self.fleet, rules)
        self.links, self.masks = screen.links, Masks(screen)
        self.room = Room(self.fleet)
        self.policy, self.rng = policy, Random(seed)  # noqa: S311  a reproducible choice, not a secret
        self.used: dict[tuple[str, str], set[str]] = defaultdict(set)
        """By (group, what it is apart over) the domains in use."""

    def place(self, requests: Sequence[Request]) -> tuple[Volume, ...]:
        """One VM's volumes; none where no host and pools were found."""
        ways = [[ask for ask in self._asks(request) if self._open(ask, request).any()] for request in requests]
        for asks in islice(product(*ways), COMBINATIONS):
            for host in self._hosts(asks, requests):
                volumes = self._on(host, asks, requests)
                if volumes:
                    return volumes
        return ()

    def _asks(self, request: Request) -> list[Ask]:
        return self.fleet.asks(replace(request, group=None, apart=None, zone=None))

    def _hosts(self, asks: Sequence[Ask], requests: Sequence[Request]) -> list[int]:
        """The hosts to be tried, by the policy: those that take the VM and reach an open pool for each volume."""
        mask = self.masks.hosts(asks).copy()
        for ask, request in zip(asks, requests, strict=True):
            mask &= self._reaching(self._open(ask, request))
            if request.apart is not None and request.apart.over == "host":
                mask[[self.fleet.host_row[name] for name in self.used[str(request.group), "host"]]] = False
        return self._ordered(np.flatnonzero(mask), self.room.hosts, HOSTS_TRIED)

    def _on(self, host: int, asks: Sequence[Ask], requests: Sequence[Request]) -> tuple[Volume, ...]:
        """The VM's volumes on one host, pool after pool; none where one of them finds no pool."""
        links, name = self.links, self.fleet.hosts[host].name
        shared = links.only_host < 0
        reached = (links.table[links.pool_group, links.host_group[host]] & shared) | (links.only_host == host)
        taken: list[Volume] = []
        for ask, request in zip(asks, requests, strict=True):
            rows = np.flatnonzero(self._open(ask, request) & reached)
            best = self._ordered(rows, self.room.pools, 1)
            if not best:
                for volume in taken:
                    self.masks.remove(volume)
                return ()
            taken.append(Volume(ask.request, self.fleet.pools[best[0]].name, (name,), ask.alternative, ask.asked))
            self.masks.add(taken[-1])
        return tuple(self._kept(volume, request) for volume, request in zip(taken, requests, strict=True))

    def _kept(self, volume: Volume, request: Request) -> Volume:
        """The volume as it was asked for; its room is taken, and its group's domains are in use."""
        self.room.take(volume)
        whole = replace(volume, request=request)
        if request.apart is not None:
            for label, _ in self.fleet.inventory.places(whole, request.apart.over):
                self.used[str(request.group), request.apart.over].add(label)
        return whole

    def _open(self, ask: Ask, request: Request) -> BoolArray:
        """The pools that take the ask, lie in the zone that is named, and in no domain that the group uses.

        Masks know neither zones nor groups, so that they are as few as the shapes of VMs.
        """
        pools = self.masks.pools(ask)
        if request.zone is not None:
            codes, numbers = self.fleet.labels("zone")
            pools = pools & (codes == numbers[request.zone])
        if request.apart is None or request.apart.over == "host":
            return pools
        codes, numbers = self.fleet.labels(request.apart.over)
        used = [numbers[label] for label in self.used[str(request.group), request.apart.over]]
        return pools & ~np.isin(codes, used) if used else pools

    def _reaching(self, pools: BoolArray) -> BoolArray:
        """Hosts that reach at least one of these pools."""
        links = self.links
        local = pools & (links.only_host >= 0)
        groups = np.unique(links.pool_group[pools & ~local])
        mask: BoolArray = np.logical_or.reduce(links.table[groups], axis=0)[links.host_group]
        mask[links.only_host[local]] = True
        return mask

    def _ordered(self, rows: IntArray, free: NDArray[np.float64], number: int) -> list[int]:
        """The first of the rows in the policy's order."""
        if self.policy == "first-fit" or not len(rows):
            return [int(row) for row in rows[:number]]
        if self.policy == "random":
            return [int(rows[at]) for at in self.rng.sample(range(len(rows)), min(number, len(rows)))]
        keys = free[rows] if self.policy == "best-fit" else -free[rows]
        first = np.argpartition(keys, min(number, len(rows)) - 1)[:number]
        return [int(rows[at]) for at in first[np.argsort(keys[first], kind="stable")]]

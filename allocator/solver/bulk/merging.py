"""Places that count as one in a linear programme: hosts of a cluster, local pools of such hosts, or all of a zone."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from allocator.fleet import BoolArray, IntArray
from allocator.solver.bulk.shapes import Shapes, Way
from allocator.solver.classes import host_facts
from allocator.solver.parts import zone_numbers

MOST_ALONE: Final = 60
"""Hosts with pools of their own that are each counted by themselves; beyond it those with equal facts are one."""


@dataclass(frozen=True, slots=True, eq=False)
class Merged:
    """Classes of places: the class of each row, and the rows of each class."""

    of: IntArray
    rows: tuple[IntArray, ...]

    @classmethod
    def by(cls, keys: Iterable[Hashable]) -> Merged:
        numbers: dict[Hashable, int] = {}
        of = np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)
        order = np.argsort(of, kind="stable")
        ends = np.cumsum(np.bincount(of, minlength=len(numbers)))
        return cls(of, tuple(np.split(order, ends[:-1])) if numbers else ())


def by_cluster(shapes: Shapes) -> tuple[Merged, Merged]:
    """(hosts, pools): hosts with equal facts are one, and every pool is itself, but for local ones of merged hosts."""
    fleet, links = shapes.fleet, shapes.screen.links
    local = np.unique(links.only_host[links.only_host >= 0])
    alone = set(local.tolist()) if len(local) <= MOST_ALONE else set()
    seen = _told_apart((way.hosts for way in _ways(shapes)), len(fleet.hosts))
    hosts = Merged.by(
        row if row in alone else (host_facts(host), seen[row], row in local) for row, host in enumerate(fleet.hosts)
    )
    seen = _told_apart((way.pools for way in _ways(shapes)), len(fleet.pools))
    pools = Merged.by(
        row if host < 0 or host in alone else (int(hosts.of[host]), seen[row], fleet.pools[row].manifest)
        for row, host in enumerate(links.only_host.tolist())
    )
    return hosts, pools


@dataclass(frozen=True, slots=True, eq=False)
class Zones:
    """What the reach of pools cuts a fleet into, whatever it is called: places of one zone reach nothing in another."""

    of_hosts: IntArray
    of_pools: IntArray
    """-1: no host reaches the pool."""
    hosts: Merged
    pools: Merged
    """Places of a zone that documents open to the same requests are one; hosts with pools of their own are apart."""

    @classmethod
    def of(cls, shapes: Shapes) -> Zones:
        fleet, links = shapes.fleet, shapes.screen.links
        of_hosts = zone_numbers(shapes.screen)
        reached = {group: row.argmax() if row.any() else -1 for group, row in enumerate(links.table)}
        first = {group: row for row, group in reversed(list(enumerate(links.host_group.tolist())))}
        owners = [
            host if host >= 0 else first.get(int(reached[group]), -1)
            for host, group in zip(links.only_host.tolist(), links.pool_group.tolist(), strict=True)
        ]
        of_pools = np.array([-1 if host < 0 else of_hosts[host] for host in owners], dtype=np.int64)
        local = np.isin(np.arange(len(fleet.hosts)), links.only_host)
        screen, asks = shapes.screen, {way.ask.likeness: way.ask for way in _ways(shapes)}.values()
        on_hosts = _told_apart([screen.lasting_hosts((ask,)) for ask in asks if ask.request.attaches], len(fleet.hosts))
        on_pools = _told_apart([screen.lasting_pools(ask) for ask in asks], len(fleet.pools))
        hosts = Merged.by(zip(of_hosts.tolist(), on_hosts, local.tolist(), strict=True))
        scopes = [pool.scope for pool in fleet.pools]
        pools = Merged.by(zip(of_pools.tolist(), on_pools, scopes, strict=True))
        return cls(of_hosts, of_pools, hosts, pools)


def _ways(shapes: Shapes) -> Iterator[Way]:
    return (way for shape in shapes.all for ways in shape.ways for way in ways)


def _told_apart(masks: Iterable[BoolArray], places: int) -> Sequence[bytes]:
    """For each place which of the masks leave it open."""
    distinct = {np.packbits(mask).tobytes(): mask for mask in masks}
    if not distinct:
        return [b""] * places
    return [column.tobytes() for column in np.packbits(np.array(list(distinct.values())), axis=0).T]

"""Ask every rule's filter: which targets are open to a request, and what closes the others."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from functools import partial
from typing import Final

import numpy as np

from allocator.domain.charging import kept
from allocator.domain.places import Pool
from allocator.domain.qos import Alternative
from allocator.domain.request import Request
from allocator.fleet import Ask, BoolArray, Fleet, IntArray
from allocator.rule import Links, Rows, Rule

MOST_SHAPES: Final = 10_000
"""Shapes of requests that are remembered; beyond it all are forgotten."""


class Screen:
    """The rules' filters over one fleet."""

    def __init__(self, fleet: Fleet, rules: Sequence[Rule]) -> None:
        self.fleet = fleet
        self.rules = rules
        self.links = _joined([links for rule in rules if (links := rule.links(fleet)) is not None], fleet)
        self.views = _views(self.links)
        self._static = [rule for rule in rules if rule.static]
        self._live = [rule for rule in rules if not rule.static]
        self._ways: dict[tuple[object, ...], list[tuple[Alternative, Alternative, int]]] = {}
        self._alike = 0

    def asks(self, request: Request, coming: frozenset[str] = frozenset()) -> list[Ask]:
        """Every way to keep the request on some pool, the preferred ones first.

        An alternative gives one ask, or one more for each default with which arrays would fill it.
        """
        ways = self._ways.get(request.shape)
        if ways is None:
            if len(self._ways) >= MOST_SHAPES:
                self._ways.clear()
            ways = self._ways[request.shape] = list(self._new_ways(request))
        return [Ask(request, way, asked, coming, likeness) for way, asked, likeness in ways]

    def pools(self, ask: Ask, only: Rows = None) -> BoolArray:
        """Pools that no rule closes to the ask."""
        mask = self.fleet.remember("open pools", ask, partial(self._static_pools, ask))
        mask = mask.copy() if only is None else mask[only]
        return self.narrowed(mask, ask, self._live, only)

    def narrowed(self, mask: BoolArray, ask: Ask, rules: Iterable[Rule], only: Rows = None) -> BoolArray:
        """The mask without the pools that these rules close to the ask; it is written to."""
        for rule in rules:
            found = rule.open_pools(ask, self.fleet, only)
            if found is not None:
                mask &= found
        return mask

    def hosts(self, asks: Sequence[Ask], only: Rows = None) -> BoolArray:
        """Hosts that no rule closes to these volumes of one VM together.

        By a rule that is static a VM fits where each of its volumes does.
        """
        mask = np.ones(len(self.fleet.hosts) if only is None else len(only), dtype=np.bool_)
        for ask in asks:
            static = self.fleet.remember("open hosts", ask, partial(self._static_hosts, ask))
            mask &= static if only is None else static[only]
        for rule in self._live:
            found = rule.open_hosts(asks, self.fleet, only)
            if found is not None:
                mask &= found
        return mask

    def reached(self, hosts: BoolArray) -> BoolArray:
        """Pools that at least one of these hosts reaches."""
        links = self.links
        groups = np.unique(links.host_group[hosts])
        shared = links.table[:, groups].any(axis=1) if len(groups) else np.zeros(len(links.table), dtype=np.bool_)
        own = links.only_host
        local = own >= 0
        mask: BoolArray = np.take(shared, links.pool_group)
        mask[local] = np.take(hosts, own[local])
        return mask

    def _static_pools(self, ask: Ask) -> BoolArray:
        return self.narrowed(np.ones(len(self.fleet.pools), dtype=np.bool_), ask, self._static)

    def _static_hosts(self, ask: Ask) -> BoolArray:
        mask = np.ones(len(self.fleet.hosts), dtype=np.bool_)
        for rule in self._static:
            found = rule.open_hosts((ask,), self.fleet)
            if found is not None:
                mask &= found
        return mask

    def _new_ways(self, request: Request) -> Iterator[tuple[Alternative, Alternative, int]]:
        pools = self.fleet.kinds("pool", _gives).examples
        for asked in request.alternatives:
            for way in {kept(asked, pool): None for pool in pools}:
                yield way, asked, self._alike
                self._alike += 1


def _gives(pool: Pool) -> Hashable:
    return pool.manifest.qos.always, pool.given_qos if pool.manifest.qos.always else None


def _joined(links: Sequence[Links], fleet: Fleet) -> Links:
    """The one relation between pools and hosts; without any, everything reaches everything."""
    if len(links) > 1:
        raise LookupError("Only one rule may relate pools to hosts.")
    if links:
        return links[0]
    pools, hosts = np.zeros(len(fleet.pools), dtype=np.int64), np.zeros(len(fleet.hosts), dtype=np.int64)
    return Links(pools, hosts, np.ones((1, 1), dtype=np.bool_), pools - 1)


def _views(links: Links) -> IntArray:
    """For each group of hosts a number: groups with the same number reach the same pools, local ones aside."""
    shared = np.unique(links.pool_group[links.only_host < 0])
    _, views = np.unique(links.table[shared], axis=1, return_inverse=True)
    numbers: IntArray = views.reshape(-1)
    return numbers

"""Ask every rule's filter: which targets are open to a request, and what closes the others."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

import numpy as np

from allocator.domain.charging import kept
from allocator.domain.places import Pool
from allocator.domain.request import Request
from allocator.fleet import Ask, BoolArray, Fleet
from allocator.rule import Links, Rows, Rule


class Screen:
    """The rules' filters over one fleet."""

    def __init__(self, fleet: Fleet, rules: Sequence[Rule]) -> None:
        self.fleet = fleet
        self.rules = rules
        self.links = _joined([links for rule in rules if (links := rule.links(fleet)) is not None], fleet)

    def asks(self, request: Request, coming: frozenset[str] = frozenset()) -> list[Ask]:
        """Every way to keep the request on some pool, the preferred ones first.

        An alternative gives one ask, or one more for each default with which arrays would fill it.
        """
        pools = self.fleet.kinds("pool", _gives).examples
        asks = []
        for asked in request.alternatives:
            ways = {kept(asked, pool): None for pool in pools}
            asks += [Ask(request, way, asked, coming) for way in ways]
        return asks

    def pools(self, ask: Ask, only: Rows = None, rules: Iterable[Rule] | None = None) -> BoolArray:
        """Pools that no rule closes to the ask."""
        mask = np.ones(len(self.fleet.pools) if only is None else len(only), dtype=np.bool_)
        for rule in self.rules if rules is None else rules:
            found = rule.open_pools(ask, self.fleet, only)
            if found is not None:
                mask &= found
        return mask

    def hosts(self, asks: Sequence[Ask], only: Rows = None) -> BoolArray:
        """Hosts that no rule closes to these volumes of one VM together."""
        mask = np.ones(len(self.fleet.hosts) if only is None else len(only), dtype=np.bool_)
        for rule in self.rules:
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

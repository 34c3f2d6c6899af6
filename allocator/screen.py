"""Ask every rule's filter: which targets are open to a request, and what closes the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final

import numpy as np

from allocator.domain.request import Request
from allocator.fleet import Ask, BoolArray, Fleet, IntArray
from allocator.goal import Tiers
from allocator.ranking.outlook import Outlook
from allocator.rule import Links, Rows, Rule

FEWER: Final = 4
"""Where documents leave open no more than one place in so many, the other rules are asked about these alone."""


class Screen:
    """The rules' filters over one fleet."""

    def __init__(self, fleet: Fleet, rules: Sequence[Rule]) -> None:
        self.fleet = fleet
        self.rules = rules
        self._lasting = tuple(rule for rule in rules if rule.static)
        self._moving = tuple(rule for rule in rules if not rule.static)
        self._mending = tuple(rule for rule in rules if not rule.monotone)
        self._mending_alone = tuple(rule for rule in self._mending if rule.reads != "groups")
        self.links = _joined([links for rule in rules if (links := rule.links(fleet)) is not None], fleet)
        self.views = _views(self.links)
        self._outlook: Outlook | None = None

    def outlook(self, tiers: Tiers) -> Outlook:
        """All that can be kept ready for ranking by these goals; that of the goals asked for last is kept."""
        if self._outlook is None or self._outlook.tiers is not tiers:
            self._outlook = Outlook(self.fleet, self.rules, self.links, self.views, tiers)
        return self._outlook

    def mended(self, requests: Iterable[Request]) -> bool:
        """Whether others may mend what these break: then only a complete answer tells whether they may go there."""
        for request in requests:
            rules = self._mending if request.grouped else self._mending_alone
            if rules and any(rule.mended(request) for rule in rules):
                return True
        return False

    def asks(self, request: Request, coming: frozenset[str] = frozenset()) -> list[Ask]:
        """Every way to keep the request on some pool, the preferred ones first."""
        return self.fleet.asks(request, coming)

    def pools(self, ask: Ask, only: Rows = None) -> BoolArray:
        """Pools that no rule closes to the ask."""
        return self._narrowed(
            self.lasting_pools(ask, only), lambda rule, rows: rule.open_pools(ask, self.fleet, rows), only
        )

    def lasting_pools(self, ask: Ask, only: Rows = None) -> BoolArray:
        """Pools that documents leave open to the ask, and that would keep it in this way, whatever lies there."""
        mask = np.ones(len(self.fleet.pools) if only is None else len(only), dtype=np.bool_)
        return self.narrowed(mask, ask, self._lasting, only)

    def narrowed(self, mask: BoolArray, ask: Ask, rules: Iterable[Rule], only: Rows = None) -> BoolArray:
        """The mask without the pools that these rules close to the ask, or that would keep it in another way.

        It is written to.
        """
        keeps = self.fleet.remember("keeps", ask, partial(self.fleet.keeps, ask))
        mask &= keeps if only is None else keeps[only]
        for rule in rules:
            if rule.static:
                found = self.fleet.remember((rule, "pool"), ask, partial(rule.open_pools, ask, self.fleet))
                found = found if found is None or only is None else found[only]
            else:
                found = rule.open_pools(ask, self.fleet, only)
            if found is not None:
                mask &= found
        return mask

    def hosts(self, asks: Sequence[Ask]) -> BoolArray:
        """Hosts that no rule closes to these volumes of one VM together."""
        return self._narrowed(self.lasting_hosts(asks), lambda rule, rows: rule.open_hosts(asks, self.fleet, rows))

    def lasting_hosts(self, asks: Sequence[Ask]) -> BoolArray:
        """Hosts that documents leave open to each of these volumes, whatever lies there."""
        mask = np.ones(len(self.fleet.hosts), dtype=np.bool_)
        for rule in self._lasting:
            # By a static rule each volume answers for itself, so that the answers can be kept.
            for ask in asks:
                found = self.fleet.remember((rule, "host"), ask, partial(rule.open_hosts, (ask,), self.fleet))
                if found is not None:
                    mask &= found
        return mask

    def _narrowed(
        self, mask: BoolArray, opened: Callable[[Rule, Rows], BoolArray | None], only: Rows = None
    ) -> BoolArray:
        """The mask without what the other rules close; it is written to."""
        rows = mask.nonzero()[0]
        few = len(rows) * FEWER <= len(mask)
        asked = only if not few else rows if only is None else only[rows]
        for rule in self._moving:
            found = opened(rule, asked)
            if found is not None:
                mask[rows if few else slice(None)] &= found
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

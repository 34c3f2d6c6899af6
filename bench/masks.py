"""Masks of open places that follow a fleet as it fills: worked out once for asks that look alike, then only mended.

A static rule is asked once, and a rule that says nothing of an ask at first is not asked again. Whoever uses such masks
verifies the answer in full.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from allocator.domain.placement import Volume
from allocator.fleet import Ask, BoolArray, Fleet
from allocator.rule import Rows, Rule

Asked = Callable[[Rule, Rows], BoolArray | None]


@dataclass(slots=True, eq=False)
class _Kept:
    """What is open now, what the static rules leave open, the rules that may change, and how much was seen."""

    now: BoolArray
    static: BoolArray
    rules: tuple[Rule, ...]
    seen: int


class Masks:
    """What the rules leave open on one fleet, which is changed through `add` and `remove` alone."""

    def __init__(self, fleet: Fleet, rules: Sequence[Rule]) -> None:
        self.fleet, self.rules = fleet, rules
        self._pools: dict[int, _Kept] = {}
        self._hosts: dict[tuple[int, ...], _Kept] = {}
        self._pools_touched: list[int] = []
        self._hosts_touched: list[int] = []

    def pools(self, ask: Ask) -> BoolArray:
        """Pools that take the ask. Not to be written to."""
        asked = partial(_open_pools, self.fleet, ask)
        kept = self._pools.get(ask.likeness)
        if kept is None:
            kept = self._pools[ask.likeness] = self._new(asked, len(self.fleet.pools), len(self._pools_touched))
        return _mended(kept, asked, self._pools_touched)

    def hosts(self, asks: Sequence[Ask]) -> BoolArray:
        """Hosts that take all these volumes of one VM together. Not to be written to."""
        asked = partial(_open_hosts, self.fleet, asks)
        key = tuple(ask.likeness for ask in asks)
        kept = self._hosts.get(key)
        if kept is None:
            kept = self._hosts[key] = self._new(asked, len(self.fleet.hosts), len(self._hosts_touched))
        return _mended(kept, asked, self._hosts_touched)

    def add(self, volume: Volume) -> None:
        """A volume takes its place."""
        self.fleet.add(volume)
        self._touch(volume)

    def remove(self, volume: Volume) -> None:
        """A volume that was added leaves again."""
        self.fleet.remove(volume)
        self._touch(volume)

    def _touch(self, volume: Volume) -> None:
        self._pools_touched.append(self.fleet.pool_row[volume.pool])
        self._hosts_touched.extend(self.fleet.host_row[host] for host in volume.hosts)

    def _new(self, asked: Asked, places: int, seen: int) -> _Kept:
        static = np.ones(places, dtype=np.bool_)
        changing, rules = static.copy(), []
        for rule in self.rules:
            found = asked(rule, None)
            if found is not None and rule.static:
                static &= found
            elif found is not None:
                changing &= found
                rules.append(rule)
        return _Kept(changing & static, static, tuple(rules), seen)


def _mended(kept: _Kept, asked: Asked, touched: Sequence[int]) -> BoolArray:
    if kept.seen < len(touched):
        rows = np.unique(np.array(touched[kept.seen :], dtype=np.int64))
        rows = rows[kept.static[rows]]
        kept.seen = len(touched)
        if len(rows):
            open_ = np.ones(len(rows), dtype=np.bool_)
            for rule in kept.rules:
                found = asked(rule, rows)
                if found is not None:
                    open_ &= found
            kept.now[rows] = open_
    return kept.now


def _open_pools(fleet: Fleet, ask: Ask, rule: Rule, rows: Rows) -> BoolArray | None:
    return rule.open_pools(ask, fleet, rows)


def _open_hosts(fleet: Fleet, asks: Sequence[Ask], rule: Rule, rows: Rows) -> BoolArray | None:
    return rule.open_hosts(asks, fleet, rows)

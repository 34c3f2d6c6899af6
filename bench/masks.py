"""Masks of open places that follow a fleet as it fills: worked out once for asks that look alike, then only mended.

A static rule is asked once, and a rule that says nothing of an ask at first is not asked again. Whoever uses such masks
verifies the answer in full.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from allocator.domain.placement import Volume
from allocator.fleet import Ask, BoolArray, IntArray
from allocator.rule import Rule
from allocator.screen import Screen


@dataclass(slots=True, eq=False)
class _Kept:
    """What is open now, what the static rules leave open, the rules that may change, and how much was seen."""

    now: BoolArray
    static: BoolArray
    rules: tuple[Rule, ...]
    seen: int


class Masks:
    """What the rules leave open on one fleet, which is changed through `add` and `remove` alone."""

    def __init__(self, screen: Screen) -> None:
        self.screen, self.fleet = screen, screen.fleet
        self._static = [rule for rule in screen.rules if rule.static]
        self._changing = [rule for rule in screen.rules if not rule.static]
        self._pools: dict[int, _Kept] = {}
        self._hosts: dict[tuple[int, ...], _Kept] = {}
        self._pools_touched: list[int] = []
        self._hosts_touched: list[int] = []

    def pools(self, ask: Ask) -> BoolArray:
        """Pools that take the ask. Not to be written to."""
        kept = self._pools.get(ask.likeness)
        if kept is None:
            kept = self._pools[ask.likeness] = self._new_pools(ask)
        _mend(kept, self._pools_touched, lambda rows: self._open_pools(ask, kept.rules, rows))
        return kept.now

    def hosts(self, asks: Sequence[Ask]) -> BoolArray:
        """Hosts that take all these volumes of one VM together. Not to be written to."""
        key = tuple(ask.likeness for ask in asks)
        kept = self._hosts.get(key)
        if kept is None:
            kept = self._hosts[key] = self._new_hosts(asks)
        _mend(kept, self._hosts_touched, lambda rows: self._open_hosts(asks, kept.rules, rows))
        return kept.now

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

    def _new_pools(self, ask: Ask) -> _Kept:
        rules = tuple(rule for rule in self._changing if rule.open_pools(ask, self.fleet) is not None)
        every = np.arange(len(self.fleet.pools))
        static = self._open_pools(ask, self._static, every)
        return _Kept(static & self._open_pools(ask, rules, every), static, rules, len(self._pools_touched))

    def _new_hosts(self, asks: Sequence[Ask]) -> _Kept:
        rules = tuple(rule for rule in self._changing if rule.open_hosts(asks, self.fleet) is not None)
        every = np.arange(len(self.fleet.hosts))
        static = self._open_hosts(asks, self._static, every)
        return _Kept(static & self._open_hosts(asks, rules, every), static, rules, len(self._hosts_touched))

    def _open_pools(self, ask: Ask, rules: Sequence[Rule], rows: IntArray) -> BoolArray:
        mask = self.fleet.keeps(ask, rows)
        for rule in rules:
            found = rule.open_pools(ask, self.fleet, rows)
            if found is not None:
                mask &= found
        return mask

    def _open_hosts(self, asks: Sequence[Ask], rules: Sequence[Rule], rows: IntArray) -> BoolArray:
        mask = np.ones(len(rows), dtype=np.bool_)
        for rule in rules:
            found = rule.open_hosts(asks, self.fleet, rows)
            if found is not None:
                mask &= found
        return mask


def _mend(kept: _Kept, touched: Sequence[int], asked: Callable[[IntArray], BoolArray]) -> None:
    """Ask again where volumes have come or gone since; what a static rule closes stays closed."""
    if kept.seen < len(touched):
        rows = np.unique(np.array(touched[kept.seen :], dtype=np.int64))
        rows = rows[kept.static[rows]]
        kept.seen = len(touched)
        if len(rows):
            kept.now[rows] = asked(rows)

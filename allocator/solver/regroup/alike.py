"""Volumes that may move, grouped by what rules and goals can tell apart: where they lie is counted, not told apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable

from allocator.domain.placement import Volume
from allocator.fleet import Ask
from allocator.screen import Screen
from allocator.solver.classes import Unit, UnitClass


def alike(volumes: Iterable[Volume], screen: Screen, *, by_pool: bool = False) -> tuple[UnitClass, ...]:
    """Each volume a unit of its own, since it keeps its hosts; equal ones of all pools together, or of each.

    `screen` is of a fleet on which none of them lies.
    """
    reachable = _Reachable(screen)
    groups: dict[Hashable, list[Unit]] = defaultdict(list)
    for volume in volumes:
        request = volume.request
        shape = request.wishes, request.pins, request.group, request.apart, request.near, request.also
        key = shape, volume.alternative, volume.asked, reachable.from_hosts(volume), by_pool and volume.pool
        groups[key].append(Unit((request,), (volume,)))
    return tuple(UnitClass(tuple(group)) for group in groups.values())


def asks_of(volume: Volume, screen: Screen, coming: frozenset[str]) -> list[Ask]:
    """As what the volume may lie anywhere: as it is, or by no worse a choice than the one it has."""
    asks = screen.asks(volume.request, coming)
    own = next((ask for ask in asks if (ask.alternative, ask.asked) == (volume.alternative, volume.asked)), None)
    better = [ask for ask in asks if ask is not own and ask.asked.index <= volume.asked.index]
    return [own or Ask.of(volume), *better]


class _Reachable:
    """Tells hosts apart by the pools they reach, and altogether where a move may change what a host carries."""

    def __init__(self, screen: Screen) -> None:
        self.screen = screen
        self._with_own = set(screen.links.only_host.tolist())
        self._steady: dict[Hashable, bool] = {}

    def from_hosts(self, volume: Volume) -> Hashable:
        if not volume.hosts:
            return None
        rows = [self.screen.fleet.host_row[name] for name in volume.hosts]
        if len(rows) > 1 or rows[0] in self._with_own or not self._is_steady(volume):
            return volume.hosts
        return int(self.screen.links.host_group[rows[0]])

    def _is_steady(self, volume: Volume) -> bool:
        """Whether every pool would keep it as it is kept now."""
        key = volume.request.wishes, volume.alternative, volume.asked
        if key not in self._steady:
            asks = asks_of(volume, self.screen, frozenset())
            keeps = self.screen.fleet.keeps
            self._steady[key] = not any(keeps(ask).any() for ask in asks[1:])
        return self._steady[key]

"""Which few units to place anew while all others stay: neighbourhoods, chosen at random where it matters.

A neighbourhood is a handful of pools or hosts with units that lie there, and units that are refused. Nothing here knows
a rule or a goal: what is closed now is asked of the screen, and which choices have paid is remembered.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, Literal

import numpy as np

from allocator.domain.placement import Volume
from allocator.fleet import BoolArray
from allocator.solver.classes import Unit
from allocator.solver.counts import Within
from allocator.solver.draft import Draft

Kind = Literal["pools", "hosts", "drain"]
COMPANY: Final = 3
"""Refused units that join a neighbourhood, beside the one that it is chosen for."""
SEATS: Final = 6
"""Hosts that a refused unit chooses among."""


@dataclass(slots=True)
class Hood:
    """Units to be placed anew, each within its places; `victim` is the row of a pool that is better emptied."""

    kind: Kind
    units: list[Unit]
    within: dict[str, Within]
    victim: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Could:
    """Where a unit could go as far as documents say: pools by request, and hosts."""

    pools: tuple[BoolArray, ...]
    hosts: BoolArray


@dataclass(slots=True)
class _Record:
    """How often a kind of neighbourhood was tried, and how often it paid."""

    tried: int = 1
    paid: int = 1


class Hoods:
    """Draws neighbourhoods of a draft."""

    def __init__(self, draft: Draft, rng: Random) -> None:
        self.draft, self.rng = draft, rng
        self.records: dict[Kind, _Record] = {}
        self._statics = [rule for rule in draft.screen.rules if rule.static]
        self._owners = {request.name: unit for unit in draft.units.values() for request in unit.requests}
        self._coulds: dict[Hashable, _Could] = {}

    def for_refused(self, unit: Unit, refused: Sequence[Unit], size: int, wide: int) -> Hood | None:
        """Room for a refused unit: on pools it could use, or on hosts, whichever it lacks."""
        could = self._could(unit)
        lacking, seats = self._lacks(unit, could)
        pools = {row for index in lacking for row in self._some(could.pools[index], wide)}
        if not lacking and unit.attaches and not seats.any():
            return self._hosts_for(unit, refused, could, size, wide)
        if not pools:
            pools = {row for mask in could.pools for row in self._some(mask, max(1, wide // 2))}
        hosts = self._seats(seats if seats.any() else could.hosts)
        hood = self._on_pools(sorted(pools), size)
        for one in self._company(unit, refused, pools):
            mine = self._could(one)
            open_now = {
                row for index, mask in enumerate(mine.pools) for row in self._some(self._open(one, index) & mask, 2)
            }
            hood.units.append(one)
            hood.within[one.name] = Within(
                frozenset(pools | open_now), frozenset(hosts if one is unit else self._seats(mine.hosts))
            )
        return hood

    def for_cost(self, size: int, wide: int) -> Hood | None:
        """A few pools or hosts with the units on them: where a random unit lies, and others that it could use."""
        names = list(self.draft.placed)
        if not names:
            return None
        unit = self.draft.units[self.rng.choice(names)]
        kind = self._kind(["pools", "hosts"] if unit.attaches and not unit.home else ["pools"])
        could, here = self._could(unit), self.draft.placed[unit.name]
        if kind == "hosts":
            home = self.draft.screen.fleet.host_row[here[0].hosts[0]]
            return self._on_hosts(sorted({home, *self._some(could.hosts, wide)}), size)
        index = self.rng.randrange(len(unit.requests))
        home = self.draft.screen.fleet.pool_row[here[index].pool]
        return self._on_pools(sorted({home, *self._some(could.pools[index], wide)}), size)

    def for_drain(self, size: int, wide: int) -> Hood | None:
        """The pool that holds the fewest of the units, to be emptied into a few others."""
        held: dict[int, set[str]] = {}
        for name, volumes in self.draft.placed.items():
            for volume in volumes:
                held.setdefault(self.draft.screen.fleet.pool_row[volume.pool], set()).add(name)
        if not held:
            return None
        fewest = sorted(held, key=lambda row: (len(held[row]), row))[: 1 + len(held) // 4]
        victim = self.rng.choice(fewest)
        others = sorted(set(held) - {victim})
        chosen = self.rng.sample(others, min(len(others), wide + 1))
        hood = self._on_pools([victim, *chosen], size)
        hood.kind, hood.victim = "drain", victim
        return hood

    def paid(self, hood: Hood, paid: bool) -> None:
        """Remember how a neighbourhood did."""
        record = self.records.setdefault(hood.kind, _Record())
        record.tried += 1
        record.paid += paid

    def _kind(self, kinds: Sequence[Kind]) -> Kind:
        records = [self.records.setdefault(kind, _Record()) for kind in kinds]
        return self.rng.choices(kinds, [record.paid / record.tried + 0.05 for record in records])[0]

    def _hosts_for(self, unit: Unit, refused: Sequence[Unit], could: _Could, size: int, wide: int) -> Hood | None:
        hosts = self._some(could.hosts, wide)
        if not hosts:
            return None
        hood = self._on_hosts(hosts, size)
        for one in self._company(unit, refused, None):
            mine = self._could(one)
            open_now = {
                row for index, mask in enumerate(mine.pools) for row in self._some(self._open(one, index) & mask, 4)
            }
            hood.units.append(one)
            hood.within[one.name] = Within(frozenset(open_now), frozenset(hosts))
        return hood

    def _on_pools(self, pools: Sequence[int], size: int) -> Hood:
        """Units with volumes on these pools: they stay on their hosts and go to any of these pools, or stay."""
        fleet = self.draft.screen.fleet
        found = self._units(
            volume for row in pools for volume in fleet.inventory.volumes_at("pool", fleet.pools[row].name)
        )
        within = {}
        for unit in self._sample(found, size):
            mine = self.draft.placed[unit.name]
            own = {fleet.pool_row[volume.pool] for volume in mine}
            within[unit.name] = Within(frozenset(own | set(pools)), self._own_hosts(unit))
        victim = self.rng.choice(list(pools)) if pools else None
        return Hood("pools", [self.draft.units[name] for name in within], within, victim)

    def _on_hosts(self, hosts: Sequence[int], size: int) -> Hood:
        """Units on these hosts: they keep their pools and go to any of these hosts."""
        fleet = self.draft.screen.fleet
        found = self._units(
            volume for row in hosts for volume in fleet.inventory.volumes_at("host", fleet.hosts[row].name)
        )
        within = {}
        for unit in self._sample([unit for unit in found if not unit.home], size):
            own = frozenset(fleet.pool_row[volume.pool] for volume in self.draft.placed[unit.name])
            within[unit.name] = Within(own, frozenset(hosts))
        return Hood("hosts", [self.draft.units[name] for name in within], within)

    def _units(self, volumes: Iterable[Volume]) -> list[Unit]:
        names = sorted({volume.name for volume in volumes})
        found = {owner.name: owner for name in names if (owner := self._owners.get(name)) is not None}
        return list(found.values())

    def _sample(self, units: Sequence[Unit], size: int) -> Sequence[Unit]:
        return units if len(units) <= size else self.rng.sample(units, size)

    def _company(self, unit: Unit, refused: Sequence[Unit], pools: set[int] | None) -> list[Unit]:
        """The unit and a few more refused ones that could use one of the pools."""
        others = [other for other in refused if other is not unit]
        self.rng.shuffle(others)
        joined = [
            other
            for other in others[: 4 * COMPANY]
            if pools is None or any(mask[list(pools)].any() for mask in self._could(other).pools)
        ]
        return [unit, *joined[:COMPANY]]

    def _lacks(self, unit: Unit, could: _Could) -> tuple[list[int], BoolArray]:
        """The requests for which no pool is open now, and the hosts that are."""
        lacking = [index for index in range(len(unit.requests)) if not self._open(unit, index).any()]
        if not unit.attaches:
            return lacking, could.hosts
        screen = self.draft.screen
        asks = [screen.asks(request) for request in unit.requests]
        seats = screen.hosts([ways[0] for ways in asks]) | screen.hosts([ways[-1] for ways in asks])
        return lacking, seats

    def _open(self, unit: Unit, index: int) -> BoolArray:
        screen = self.draft.screen
        mask = np.zeros(len(screen.fleet.pools), dtype=np.bool_)
        for ask in screen.asks(unit.requests[index]):
            mask |= screen.pools(ask)
        return mask

    def _could(self, unit: Unit) -> _Could:
        key = (unit.attaches, tuple(request.shape for request in unit.requests))
        found = self._coulds.get(key)
        if found is None:
            screen = self.draft.screen
            asks = [screen.asks(request) for request in unit.requests]
            size = len(screen.fleet.pools)
            pools = tuple(
                np.logical_or.reduce(
                    [screen.narrowed(np.ones(size, dtype=np.bool_), ask, self._statics) for ask in ways]
                )
                for ways in asks
            )
            hosts = np.ones(len(screen.fleet.hosts), dtype=np.bool_)
            for ways in asks:
                for rule in self._statics:
                    masks = [mask for ask in ways if (mask := rule.open_hosts((ask,), screen.fleet)) is not None]
                    if len(masks) == len(ways):
                        hosts &= np.logical_or.reduce(masks)
            found = self._coulds[key] = _Could(pools, hosts)
        return found

    def _own_hosts(self, unit: Unit) -> frozenset[int] | None:
        rows = self.draft.screen.fleet.host_row
        return frozenset(rows[name] for name in self.draft.placed[unit.name][0].hosts)

    def _some(self, mask: BoolArray, number: int) -> list[int]:
        rows = np.flatnonzero(mask).tolist()
        return sorted(self.rng.sample(rows, min(number, len(rows))))

    def _seats(self, mask: BoolArray) -> list[int]:
        return self._some(mask, SEATS)

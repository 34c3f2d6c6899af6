"""Which few units to place anew while all others stay: neighbourhoods, drawn at random where it matters.

A neighbourhood is a handful of pools or hosts with the units that lie there, and units that are refused. Nothing here
knows a rule or a goal: what is closed is asked of the screen, and which kinds have paid is remembered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, Literal

import numpy as np

from allocator.domain.placement import Charge, Volume, one_each
from allocator.fleet import BoolArray
from allocator.solver.classes import Unit
from allocator.solver.counts import Within
from allocator.solver.draft import Draft
from allocator.solver.openings import Openings

Kind = Literal["pools", "hosts"]
COMPANY: Final = 3
"""Refused units that join a neighbourhood, beside the one that it is drawn for."""
SEATS: Final = 6
"""Hosts that a refused unit chooses among."""
LITTLE: Final = 0.3
"""Room is little where one unit takes such a part of all there is."""
ONE_EACH: Final = Charge("volumes", "pool", one_each)


@dataclass(frozen=True, slots=True, eq=False)
class Victim:
    """A pool or host that is better left with little of a charge."""

    charge: Charge
    row: int


@dataclass(slots=True, eq=False)
class Hood:
    """Units to be placed anew, each within its places."""

    kind: Kind
    units: list[Unit]
    within: dict[str, Within]
    victim: Victim | None = None


class Hoods:
    """Draws neighbourhoods of a draft; `size` bounds the placed units of one, `wide` its pools or hosts."""

    def __init__(self, draft: Draft, rng: Random) -> None:
        self.draft, self.rng, self.fleet = draft, rng, draft.screen.fleet
        self.openings = Openings(draft.screen)
        self._owners = {request.name: unit for unit in draft.units.values() for request in unit.requests}
        self._tried: dict[Kind, int] = {"pools": 1, "hosts": 1}
        self._paid: dict[Kind, int] = {"pools": 1, "hosts": 1}

    def for_refused(self, unit: Unit, refused: Sequence[Unit], size: int, wide: int) -> Hood:
        """Some places that a refused unit could use, of the sort that it lacks, and a few more refused units."""
        could, over, lacking = self.openings.could(unit), self._lacks(unit), self._lacking(unit)
        if over == "hosts":
            hosts = self._some(could.hosts, wide)
            hood = self._on_hosts(hosts, size)
            self._join(hood, self._company(unit, refused), set(), hosts)
            return hood
        pools = {row for index in lacking for row in self._some(could.pools[index], wide)}
        pools |= self._beyond(sorted(pools))
        hood = self._on_pools(sorted(pools), size)
        self._join(hood, self._company(unit, refused), pools, None)
        return hood

    def for_gathering(self, unit: Unit, size: int, wide: int) -> Hood | None:
        """What little room is left is gathered on one place that a refused unit could use, out of a few others.

        None where there is plenty: then it is better to refuse something smaller.
        """
        over = self._lacks(unit)
        could = self.openings.could(unit)
        mask = could.hosts if over == "hosts" else np.logical_or.reduce([could.pools[i] for i in self._lacking(unit)])
        scarcest = self.openings.scarcest(unit, "host" if over == "hosts" else "pool")
        if scarcest is None or scarcest[0] < LITTLE or not mask.any():
            return None
        _, limit = scarcest
        left = np.where(mask, self.openings.left(limit), -1)
        victim = int(left.argmax())
        others = np.arange(len(mask)) != victim
        rows = sorted({victim, *self._some(mask & others & (left > 0), 1), *self._some(mask & others, wide - 1)})
        if over == "hosts":
            hood = self._on_hosts(rows, size)
            self._join(hood, [unit], set(), rows)
        else:
            rows = sorted({*rows, *self._beyond(rows)})
            hood = self._on_pools(rows, size)
            self._join(hood, [unit], set(rows), None)
        hood.victim = Victim(limit.charge, victim)
        return hood

    def for_cost(self, size: int, wide: int) -> Hood | None:
        """A few pools or hosts with the units on them: where a random unit lies, and others that it could use."""
        if not self.draft.placed:
            return None
        unit = self.draft.units[self.rng.choice(list(self.draft.placed))]
        kinds: list[Kind] = ["pools", "hosts"] if unit.attaches and not unit.home else ["pools"]
        could, here = self.openings.could(unit), self.draft.placed[unit.name]
        if self.rng.choices(kinds, [self._paid[kind] / self._tried[kind] + 0.05 for kind in kinds])[0] == "hosts":
            home = self.fleet.host_row[here[0].hosts[0]]
            return self._on_hosts(sorted({home, *self._some(could.hosts, wide)}), size)
        index = self.rng.randrange(len(unit.requests))
        home = self.fleet.pool_row[here[index].pool]
        return self._on_pools(sorted({home, *self._some(could.pools[index], wide)}), size)

    def for_emptying(self, size: int, wide: int) -> Hood | None:
        """One of the pools that hold the fewest units, to be emptied into a few others that are in use."""
        held: dict[int, set[str]] = {}
        for name, volumes in self.draft.placed.items():
            for volume in volumes:
                held.setdefault(self.fleet.pool_row[volume.pool], set()).add(name)
        if not held:
            return None
        fewest = sorted(held, key=lambda row: (len(held[row]), row))[: 1 + len(held) // 4]
        victim = self.rng.choice(fewest)
        others = sorted(set(held) - {victim})
        hood = self._on_pools([victim, *self.rng.sample(others, min(len(others), wide))], size)
        hood.victim = Victim(ONE_EACH, victim)
        return hood

    def learn(self, hood: Hood, paid: bool) -> None:
        """Remember how a neighbourhood did."""
        self._tried[hood.kind] += 1
        self._paid[hood.kind] += paid

    def _lacking(self, unit: Unit) -> list[int]:
        """The requests that find no pool now; all of them where each finds one."""
        every = list(range(len(unit.requests)))
        return [index for index in every if not self.openings.pools(unit, index).any()] or every

    def _lacks(self, unit: Unit) -> Kind:
        """What a unit lacks: pools where one of its requests finds none, hosts where none is open."""
        if all(self.openings.pools(unit, index).any() for index in range(len(unit.requests))):
            return "hosts" if unit.attaches and not self.openings.hosts(unit).any() else "pools"
        return "pools"

    def _join(self, hood: Hood, units: Iterable[Unit], pools: set[int], hosts: Sequence[int] | None) -> None:
        """Refused units choose among the neighbourhood's pools or hosts, and a few that are open to them anyway."""
        for unit in units:
            now = {row for i in range(len(unit.requests)) for row in self._some(self.openings.pools(unit, i), 3)}
            seats = self.openings.hosts(unit)
            chosen = hosts or self._some(seats if seats.any() else self.openings.could(unit).hosts, SEATS)
            hood.units.append(unit)
            hood.within[unit.name] = Within(frozenset(pools | now), frozenset(chosen))

    def _beyond(self, pools: Sequence[int]) -> set[int]:
        """A pool that some unit on these could go to instead: what is refused may be unable to go there."""
        units = self._owning(volume for row in pools for volume in self._lying("pool", row))
        if not units:
            return set()
        unit = self.rng.choice(units)
        return set(self._some(self.openings.could(unit).pools[self.rng.randrange(len(unit.requests))], 1))

    def _lying(self, over: Literal["pool", "host"], row: int) -> Iterable[Volume]:
        return self.fleet.inventory.volumes_at(over, self.fleet.places(over)[row].name)

    def _on_pools(self, pools: Sequence[int], size: int) -> Hood:
        """Units with volumes on these pools: they stay on their hosts and go to any of these pools, or stay."""
        units = self._owning(volume for row in pools for volume in self._lying("pool", row))
        hood = Hood("pools", self._sample(units, size), {})
        for unit in hood.units:
            own = {self.fleet.pool_row[volume.pool] for volume in self.draft.placed[unit.name]}
            hosts = frozenset(self.fleet.host_row[name] for name in self.draft.placed[unit.name][0].hosts)
            hood.within[unit.name] = Within(frozenset(own | set(pools)), hosts)
        return hood

    def _on_hosts(self, hosts: Sequence[int], size: int) -> Hood:
        """Units on these hosts: they keep their pools and go to any of these hosts; what has a home keeps its host."""
        units = self._owning(volume for row in hosts for volume in self._lying("host", row))
        hood = Hood("hosts", self._sample([unit for unit in units if not unit.home], size), {})
        for unit in hood.units:
            own = frozenset(self.fleet.pool_row[volume.pool] for volume in self.draft.placed[unit.name])
            hood.within[unit.name] = Within(own, frozenset(hosts))
        return hood

    def _owning(self, volumes: Iterable[Volume]) -> list[Unit]:
        names = sorted({volume.name for volume in volumes})
        return list({owner.name: owner for name in names if (owner := self._owners.get(name)) is not None}.values())

    def _company(self, unit: Unit, refused: Sequence[Unit]) -> list[Unit]:
        others = [other for other in refused if other is not unit]
        return [unit, *self.rng.sample(others, min(COMPANY, len(others)))]

    def _sample(self, units: list[Unit], size: int) -> list[Unit]:
        return units if len(units) <= size else self.rng.sample(units, size)

    def _some(self, mask: BoolArray, number: int) -> list[int]:
        rows = np.flatnonzero(mask).tolist()
        return sorted(self.rng.sample(rows, min(number, len(rows))))

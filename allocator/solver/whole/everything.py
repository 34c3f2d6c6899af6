"""Place every unit of a batch that may fit as a whole: hosts first, then pools that their hosts reach.

Neighbourhoods and models keep to the limits and lack the last few; here everything has a place from the beginning, and
the limits come last. It is tried where nothing proves that somebody must be refused.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from allocator.domain.placement import Volume
from allocator.fleet import IntArray
from allocator.goal import Answer, tier_costs
from allocator.screen import Screen
from allocator.solver.bulk.reach import reach
from allocator.solver.bulk.seating import NOWHERE
from allocator.solver.bulk.shapes import Choice, Shapes
from allocator.solver.classes import Unit
from allocator.solver.deadline import Deadline
from allocator.solver.draft import Draft, Placement
from allocator.solver.whole.bins import Bins
from allocator.solver.whole.packing import UNKNOWN, Packing


class Everything:
    """A search for a placement of all units that some place takes; it can be left and taken up again."""

    def __init__(self, draft: Draft, screen: Screen, seed: int) -> None:
        """It begins with what the draft places; `screen` is of a fleet on which nothing of that lies."""
        self.shapes, self.placed, self.seed = Shapes(list(draft.units.values()), screen), dict(draft.placed), seed
        self.work = 0.0
        """What it took so far, in seconds of a quiet core: by what was looked at, not by a clock."""
        nowhere = [unit for shape in self.shapes.all if not shape.choices for unit in shape.units]
        refused = [request for unit in nowhere for request in unit.requests]
        self.least = tier_costs(draft.tiers, Answer(draft.before, draft.before, refused))
        """What refusing those costs that no place takes, not even alone."""
        self._units: list[tuple[Unit, Choice]] = [
            (unit, _choice(self.placed.get(unit.name), shape.choices))
            for shape in self.shapes.all
            for unit in shape.units
            if shape.choices
        ]
        self._reach = reach(screen.links)
        self._hosts = np.full(len(self._units), NOWHERE, dtype=np.int64)
        self._attached = [number for number, (unit, _) in enumerate(self._units) if unit.attaches]
        self._on_pools = not self._attached
        self._packing = self._of_pools() if self._on_pools else self._of_hosts()

    @property
    def hopeless(self) -> bool:
        """Nothing will come of it."""
        return self._packing.hopeless

    def run(self, work: float, deadline: Deadline) -> Placement | None:
        """A placement of all of them; None where so much work, or the time, does not suffice.

        It is a suggestion, to be verified: limits over several places, and on a few volumes each, have no say in it.
        """
        enough = self.work + work
        while not self.hopeless:
            before = self._packing.work
            at = self._packing.run(enough - self.work, deadline)
            self.work += self._packing.work - before
            if at is None:
                return None
            if self._on_pools:
                return self._placement(at)
            self._hosts[self._attached] = at
            self._on_pools, self._packing = True, self._of_pools()
        return None

    def _of_hosts(self) -> Packing:
        """Units on hosts that reach an open pool for each of their volumes."""
        some, rows = [self._units[number] for number in self._attached], self.shapes.fleet.host_row
        opened = np.array([choice.hosts for _, choice in some])
        for thing, (_, choice) in enumerate(some):
            for way in choice.ways:
                opened[thing] &= self._reach[way.pools].any(axis=0)
        now = [self.placed.get(unit.name) for unit, _ in some]
        at = [UNKNOWN if here is None else rows[here[0].hosts[0]] for here in now]
        return Packing(Bins.of(self.shapes.hosts, [choice.load for _, choice in some], opened), at, self.seed)

    def _of_pools(self) -> Packing:
        """Volumes on pools that their unit's host reaches."""
        rows, ways, at = self.shapes.fleet.pool_row, [], list[int]()
        opened = []
        for (unit, choice), host in zip(self._units, self._hosts.tolist(), strict=True):
            here = self.placed.get(unit.name)
            for number, way in enumerate(choice.ways):
                ways.append(way)
                opened.append(way.pools if host == NOWHERE else way.pools & self._reach[:, host])
                at.append(UNKNOWN if here is None else rows[here[number].pool])
        return Packing(Bins.of(self.shapes.pools, [way.need for way in ways], np.array(opened)), at, self.seed)

    def _placement(self, at: IntArray) -> Placement:
        fleet, found, pools = self.shapes.fleet, Placement(), iter(at.tolist())
        for (unit, choice), host in zip(self._units, self._hosts.tolist(), strict=True):
            hosts = () if host == NOWHERE else (fleet.hosts[host].name,)
            found[unit.name] = tuple(
                Volume(request, fleet.pools[next(pools)].name, hosts, way.ask.alternative, way.ask.asked)
                for request, way in zip(unit.requests, choice.ways, strict=True)
            )
        return found


def _choice(here: Sequence[Volume] | None, choices: Sequence[Choice]) -> Choice:
    """The combination of alternatives that a unit has now, or the one that it prefers."""
    now = [] if here is None else [volume.alternative for volume in here]
    return next((one for one in choices if [way.ask.alternative for way in one.ways] == now), choices[0])

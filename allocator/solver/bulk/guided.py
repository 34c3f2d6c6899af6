"""Seat a batch where a linear programme wants it: the same numbers on the same places, VM by VM."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Final

import numpy as np

from allocator.solver.bulk.counted import Counted
from allocator.solver.bulk.programme import FloatArray, Optimum
from allocator.solver.bulk.seating import NOWHERE, Seating
from allocator.solver.bulk.shapes import Choice, Shape
from allocator.solver.classes import Unit

CLASSES: Final = 3
"""Classes of hosts tried for a unit, those first that want most of its shape still."""
HOSTS: Final = 2
"""Hosts tried in each."""
NONE: Final = 1e-6
"""A count that is nothing but rounding."""


class Guide:
    """What a programme wants, less what has been seated since."""

    def __init__(self, counted: Counted, optimum: Optimum) -> None:
        self.counted = counted
        values, pools = optimum.values, counted.shapes.pools.places
        self.seats: dict[int, dict[int, float]] = defaultdict(dict)
        for (shape, k), column in counted.seats.items():
            self.seats[shape][k] = values[column]
        self.flows: dict[tuple[int, int], dict[tuple[int, int], float]] = defaultdict(dict)
        for (kind, way, group, k), column in counted.flows.items():
            if values[column] > NONE:
                self.flows[kind, k][way, group] = values[column]
        self.targets: dict[tuple[int, int], FloatArray] = defaultdict(lambda: np.zeros(pools))
        for (kind, way, row), column in counted.targets.items():
            self.targets[kind, way][counted.pools.rows[row]] = values[column]
        self._choices = {
            shape.number: {tuple(map(id, choice.ways)): choice for choice in shape.choices}
            for shape in counted.shapes.all
        }

    def fill(self, seating: Seating, units: Iterable[tuple[Unit, Shape]]) -> list[tuple[Unit, Shape]]:
        """Seat units in their order; those that found no seat where they are wanted are given back."""
        return [(unit, shape) for unit, shape in units if not self._seat(seating, unit, shape)]

    def _seat(self, seating: Seating, unit: Unit, shape: Shape) -> bool:
        seating.tried += 1
        wanted, kinds = self.seats[shape.number], self.counted.kinds_of.get(shape.number, ())
        for k in sorted(wanted, key=lambda k: -wanted[k])[:CLASSES]:
            picked = self._picked(kinds, k) if wanted[k] > NONE else None
            if picked is None:
                continue
            chosen = tuple(id(ways[way]) for ways, (way, _) in zip(shape.ways, picked, strict=True))
            choice = self._choices[shape.number].get(chosen)
            if choice is not None and self._at(seating, unit, shape, choice, kinds, picked, k):
                wanted[k] -= 1
                return True
        return False

    def _picked(self, kinds: tuple[int, ...], k: int) -> list[tuple[int, int]] | None:
        """For each request the (way, group of pools) of which this class of hosts is to take most still."""
        picked: list[tuple[int, int]] = []
        taken: Counter[tuple[int, tuple[int, int]]] = Counter()
        for kind in kinds:
            flows = self.flows[kind, k]
            if not flows:
                return None
            best = max(flows, key=lambda flow: flows[flow] - taken[kind, flow])
            taken[kind, best] += 1
            picked.append(best)
        return picked

    def _at(
        self,
        seating: Seating,
        unit: Unit,
        shape: Shape,
        choice: Choice,
        kinds: tuple[int, ...],
        picked: list[tuple[int, int]],
        k: int,
    ) -> bool:
        targets = [self.targets[kind, way] for kind, (way, _) in zip(kinds, picked, strict=True)]
        hosts = [NOWHERE]
        if k != NOWHERE:
            hosts = seating.open_hosts(unit, choice, self.counted.hosts.rows[k])[:HOSTS].tolist()
        for host in hosts:
            if seating.take(unit, shape, choice, host, targets):
                for kind, (way, _), target, pool in zip(
                    kinds, picked, targets, seating.seats[unit.name].pools, strict=True
                ):
                    flow = way, int(self.counted.group_of[self.counted.pools.of[pool]])
                    self.flows[kind, k][flow] = self.flows[kind, k].get(flow, 0.0) - 1
                    target[pool] -= 1
                return True
        return False

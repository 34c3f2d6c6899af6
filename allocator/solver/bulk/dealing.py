"""Deal the VMs of a batch to zones, as a linear programme over shapes and zones would have it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from allocator.solver.bulk.counted import Counted
from allocator.solver.bulk.merging import Zones
from allocator.solver.bulk.programme import Optimum
from allocator.solver.bulk.seating import NOWHERE
from allocator.solver.bulk.shapes import Shapes
from allocator.solver.classes import Unit
from allocator.solver.parts import Part

LITTLE: Final = 1e-9
"""A share for every zone that is open: a shape that the programme wants nowhere is dealt evenly."""


def dealt(shapes: Shapes, zones: Zones, counted: Counted, optimum: Optimum | None) -> list[Part]:
    """A part for each zone with its places and the units it gets; units that may go nowhere are in none.

    `counted` is over the zones' classes; without its optimum units are dealt evenly to the zones that are open to them.
    """
    units: dict[int, list[Unit]] = defaultdict(list)
    for number, wanted in _wanted(shapes, zones, counted, optimum).items():
        waiting = iter(shapes.all[number].units)
        for zone, share in shares(len(shapes.all[number].units), wanted).items():
            units[zone] += (next(waiting) for _ in range(share))
    places = shapes.fleet
    return [
        Part(
            tuple(found),
            tuple(pool.name for pool, its in zip(places.pools, zones.of_pools.tolist(), strict=True) if its == zone),
            tuple(host.name for host, its in zip(places.hosts, zones.of_hosts.tolist(), strict=True) if its == zone),
        )
        for zone, found in sorted(units.items())
        if found
    ]


def shares(number: int, wanted: Mapping[int, float]) -> dict[int, int]:
    """A number in whole parts, in proportion to what is wanted: rounded down, then up by the largest remainders."""
    total = sum(wanted.values())
    exact = {key: number * amount / total for key, amount in wanted.items()}
    found = {key: int(amount) for key, amount in exact.items()}
    most_missed = sorted(exact, key=lambda key: (found[key] - exact[key], key))
    for key in most_missed[: number - sum(found.values())]:
        found[key] += 1
    return found


def _wanted(shapes: Shapes, zones: Zones, counted: Counted, optimum: Optimum | None) -> dict[int, dict[int, float]]:
    """Shape -> zone -> how many of its units, or only in what proportion."""
    wanted: dict[int, dict[int, float]] = defaultdict(lambda: defaultdict(float))

    def want(shape: int, zone: int, column: int) -> None:
        wanted[shape][zone] += LITTLE if optimum is None else max(0.0, float(optimum.values[column])) + LITTLE

    for (shape, k), column in counted.seats.items():
        if k != NOWHERE:
            want(shape, int(zones.of_hosts[zones.hosts.rows[k][0]]), column)
    detached: dict[int, list[int]] = defaultdict(list)
    for number, kinds in counted.kinds_of.items():
        if not shapes.all[number].attaches:
            detached[kinds[0]].append(number)
    for (kind, _, row), column in counted.targets.items():
        for number in detached.get(kind, ()):
            want(number, int(zones.of_pools[zones.pools.rows[row][0]]), column)
    return wanted

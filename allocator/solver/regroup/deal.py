"""From counts back to volumes: which of equal ones stay, and where the others go."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace

from allocator.domain.move import Move
from allocator.domain.placement import Volume
from allocator.fleet import Ask
from allocator.solver.regroup.model import Key, Regrouping


def dealt(model: Regrouping, value: Callable[[Key], int], without: Collection[int] = ()) -> Iterator[Move]:
    """The fewest moves that make the counts, the same every time: of equal volumes the first by name stay.

    `without` are numbers of classes that have no counts.
    """
    targets: dict[int, list[Key]] = defaultdict(list)
    for key in model.targets:
        targets[key[0]].append(key)
    for number, unit_class in enumerate(model.classes):
        if number in without:
            continue
        lay = model.lay[number]
        own = targets[number][0][2]
        stay = Counter({key[3]: min(value(key), lay[key[3]]) for key in targets[number] if key[2] is own})
        leaving: list[Volume] = []
        for volume in sorted((unit.home[0] for unit in unit_class.units), key=lambda volume: volume.name):
            row = model.fleet.pool_row[volume.pool]
            if stay[row]:
                stay[row] -= 1
            else:
                leaving.append(volume)
        places = iter(_places(model, targets[number], own, value))
        for volume in leaving:
            ask, row = next(places)
            there = replace(volume, pool=model.fleet.pools[row].name, alternative=ask.alternative, asked=ask.asked)
            yield Move(volume, there)


def _places(model: Regrouping, keys: list[Key], own: Ask, value: Callable[[Key], int]) -> Iterator[tuple[Ask, int]]:
    """Where volumes of one class arrive, as often as they do."""
    for key in keys:
        number, _, ask, row = key
        here = model.lay[number][row] if ask is own else 0
        for _ in range(max(0, value(key) - here)):
            yield ask, row

"""Which moves would make room for a refused VM: the fewest that do, or none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from allocator.domain.inventory import Inventory
from allocator.domain.placement import Volume
from allocator.domain.policy import Effort, Policy
from allocator.goals.movement import Movement
from allocator.goals.placed import Placed
from allocator.rule import Rule
from allocator.solver.classes import Unit
from allocator.solver.search import solve

MOST: Final = 2_000
"""Volumes that may be considered for a move; beyond it a rebalance is the better question."""


def moves_that_help(unit: Unit, inventory: Inventory, rules: Sequence[Rule], effort: Effort) -> list[Volume] | None:
    """Volumes where they would have to be so that the unit fits; None where no move helps or none was found in time."""
    movable = _movable(inventory)
    if not movable or sum(len(other.home) for other in movable) > MOST:
        return None
    policy = Policy()
    tiers = ((Placed(policy, rules), 1),), ((Movement(policy, rules), 1),)
    solution = solve([unit, *movable], inventory, rules, tiers, replace(effort, workers=1))
    if unit.name not in solution.placed:
        return None
    return [
        volume
        for other in movable
        for home, volume in zip(other.home, solution.placed.get(other.name, other.home), strict=True)
        if home.pool != volume.pool
    ]


def _movable(inventory: Inventory) -> list[Unit]:
    """What lies on the fleet, VM by VM, each on its host. What is foreign, on several hosts or on the move stays."""
    groups: dict[tuple[str, tuple[str, ...]], list[Volume]] = defaultdict(list)
    for volume in inventory.all_volumes():
        if not volume.foreign and volume.moving_to is None and len(volume.hosts) <= 1:
            groups[volume.request.vm or f"\0{volume.name}", volume.hosts].append(volume)
    units = []
    for volumes in groups.values():
        # Volumes that are not attached are tied to no host, and so move one by one.
        parts = [volumes] if volumes[0].hosts else [[volume] for volume in volumes]
        units += [Unit(tuple(volume.request for volume in part), tuple(part)) for part in parts]
    return units

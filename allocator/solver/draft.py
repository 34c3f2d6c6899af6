"""An answer in the making, and the fleet that follows it: what is put or taken is settled there at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from allocator.domain.inventory import Inventory
from allocator.domain.placement import Volume
from allocator.goal import Answer, Cost, Tiers, tier_costs
from allocator.screen import Screen
from allocator.solver.classes import Unit
from allocator.solver.scarce import Scarce

Placement = dict[str, tuple[Volume, ...]]
"""Volumes by the name of their unit; a unit that is not there is refused."""


class Draft:
    """Units, and where they are for now. The screen's fleet holds everything else, and them as they are put."""

    def __init__(self, units: Sequence[Unit], screen: Screen, before: Inventory, tiers: Tiers) -> None:
        """`before` is how all was when the call began, volumes that may move where they lay."""
        self.units = {unit.name: unit for unit in units}
        self.screen, self.before, self.tiers = screen, before, tiers
        self.scarce = Scarce(screen)
        self.placed: Placement = {}
        self.refused = dict(self.units)

    def put(self, name: str, volumes: tuple[Volume, ...]) -> None:
        self.placed[name] = volumes
        self.refused.pop(name, None)
        self.screen.fleet.settle(volumes)

    def take(self, name: str) -> tuple[Volume, ...]:
        volumes = self.placed.pop(name)
        self.refused[name] = self.units[name]
        self.screen.fleet.settle((), [volume.name for volume in volumes])
        return volumes

    def become(self, placed: Mapping[str, tuple[Volume, ...]]) -> None:
        """Change to another placement; nothing placed leaves the fleet as it was."""
        for name in [name for name, volumes in self.placed.items() if placed.get(name) is not volumes]:
            self.take(name)
        for name, volumes in placed.items():
            if name not in self.placed:
                self.put(name, volumes)

    def cost(self) -> Cost:
        """What the placement costs, tier by tier, in plain loops."""
        after = self.before.plus(volume for volumes in self.placed.values() for volume in volumes)
        refused = [request for unit in self.refused.values() for request in unit.requests]
        return tier_costs(self.tiers, Answer(self.before, after, refused))

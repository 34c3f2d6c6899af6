"""Check an answer of thousands of VMs by other code than found it, and keep what the rules allow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from allocator.domain.inventory import Inventory
from allocator.domain.placement import Volume
from allocator.rule import Rule
from allocator.verify import worsened

Placing = dict[str, tuple[Volume, ...]]
"""By the name of the unit."""
AT_ONCE: Final = 1_000
"""Units that are checked together."""


def checked(
    placed: Mapping[str, tuple[Volume, ...]], before: Inventory, rules: Sequence[Rule]
) -> tuple[Placing, Inventory]:
    """What the rules allow of an answer, and the inventory with it; what breaks a rule is found by halving."""
    inventory, kept, names = before.copy(), Placing(), list(placed)
    waiting = [names[first : first + AT_ONCE] for first in range(0, len(names), AT_ONCE)][::-1]
    while waiting:
        some = waiting.pop()
        volumes = [volume for name in some for volume in placed[name]]
        if not worsened(inventory, rules, volumes):
            inventory.settle(volumes)
            kept |= {name: placed[name] for name in some}
        elif len(some) > 1:
            waiting += [some[len(some) // 2 :], some[: len(some) // 2]]
    return kept, inventory

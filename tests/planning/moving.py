"""Volumes on pools of a few bytes, and moves between them."""

from __future__ import annotations

from collections.abc import Sequence

from allocator.domain.inventory import Inventory
from allocator.domain.move import Move
from allocator.domain.placement import Volume
from allocator.domain.policy import Policy
from allocator.domain.qos import Alternative
from allocator.planning.replay import replay
from allocator.planning.waves import AtOnce, Ordered, waves
from allocator.rule import Rule
from allocator.rules import rules_of

RULES = rules_of(Policy())
ALONE = AtOnce(moves=1)
USUAL = AtOnce()


def move(inventory: Inventory, name: str, pool: str, asked: Alternative | None = None) -> Move:
    """A move of a volume to another pool, by the alternative it has or by another."""
    now = inventory.volumes[name]
    return Move(now, Volume.on(inventory.pools[pool], now.request, asked or now.asked, now.hosts))


def ordered(
    inventory: Inventory, moves: Sequence[Move], at_once: AtOnce = USUAL, rules: Sequence[Rule] = RULES
) -> Ordered:
    """The order of moves, which the check in plain loops must confirm."""
    found = waves(moves, inventory, rules, at_once=at_once)
    fault = replay([wave.moves for wave in found.waves], inventory, rules)
    assert fault is None, fault
    return found


def told(found: Ordered) -> list[str]:
    """`a>p2 b>p1`, one line per wave."""
    return [" ".join(f"{each.volume}>{each.target}" for each in wave.moves) for wave in found.waves]

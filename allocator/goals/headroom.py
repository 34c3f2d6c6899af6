"""Goal `headroom`: keep room for the largest volumes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from allocator.domain.inventory import Inventory
from allocator.domain.policy import Policy
from allocator.fleet import Ask, Fleet, IntArray
from allocator.goal import Answer, Goal
from allocator.rule import Rows, Rule
from allocator.shapes import UNLIMITED, Limit, LimitRule

if TYPE_CHECKING:
    from allocator.solver.counts import Expression
    from allocator.solver.model import Model


class Headroom(Goal):
    """Goal: whole rooms for large volumes are broken into as little as possible.

    Formula: the sum over pools and dimensions of the rooms lost, a room being the size and the IOPS that the policy
    names (or the largest floor among the offerings): floor(left / room), before less after.

    Why: what sells last is the largest offering, and it needs its room in one piece.
    """

    name = "headroom"
    adds_up = False

    def __init__(self, policy: Policy, rules: Sequence[Rule]) -> None:
        super().__init__(policy, rules)
        self.sold = {rule.name: rule.sold for rule in rules if isinstance(rule, LimitRule) and rule.sold is not None}

    def rooms(self, inventory: Inventory) -> list[tuple[Limit, int]]:
        """What is counted: (what is sold, how much of it makes a room)."""
        wanted = {"capacity": self.policy.headroom.capacity_bytes, "iops": self.policy.headroom.iops}
        if not any(wanted.values()):
            floors = [wish.qos.iops.floor() or 0 for offer in inventory.offerings.values() for wish in offer.qos]
            wanted["iops"] = max(floors, default=0)
        return [(self.sold[rule], room) for rule, room in wanted.items() if room and rule in self.sold]

    def pool_cost(self, ask: Ask, fleet: Fleet, only: Rows = None) -> IntArray | None:
        rows: Any = slice(None) if only is None else only
        total: IntArray | None = None
        for limit, room in self.rooms(fleet.inventory):
            most = np.broadcast_to(np.asarray(limit.rows(fleet), dtype=np.int64), len(fleet.pools))[rows]
            left = most - fleet.sums(limit.charge)[rows]
            less = left - fleet.amounts(limit.charge, (ask,))[rows]
            lost = np.where(most >= UNLIMITED, 0, np.maximum(left, 0) // room - np.maximum(less, 0) // room)
            total = lost if total is None else total + lost
        return total

    def encode(self, model: Model) -> Expression:
        return sum(
            model.change(model.rooms_lost(model.total(limit.charge), limit.of, room))
            for limit, room in self.rooms(model.inventory)
        )

    def cost(self, answer: Answer) -> int:
        lost = 0
        for limit, room in self.rooms(answer.before):
            for name in answer.places("pool"):
                most = limit.of(answer.before.pools[name])
                if most < UNLIMITED:
                    left, less = (
                        most - inventory.total(limit.charge, name) for inventory in (answer.before, answer.after)
                    )
                    lost += max(0, left) // room - max(0, less) // room
        return lost

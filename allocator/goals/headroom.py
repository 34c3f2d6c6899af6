"""Goal `headroom`: keep room for the largest volumes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from allocator.domain.inventory import Inventory
from allocator.domain.placement import Charge
from allocator.domain.policy import Policy
from allocator.domain.qos import Alternative
from allocator.domain.request import Request
from allocator.fleet import Ask, Fleet, IntArray
from allocator.goal import Answer, Goal
from allocator.limits import UNLIMITED, Limit, LimitRule
from allocator.rule import Over, Rows, Rule
from allocator.slack import Slack

if TYPE_CHECKING:
    from allocator.solver.counts import Expression
    from allocator.solver.model import Model

MILLION: Final = 1_000_000


class Room:
    """How much of one dimension makes room for a large volume, and what is taken of it, in millionths of that room."""

    def __init__(self, limit: Limit, room: int) -> None:
        self.limit, self.room = limit, room
        charge = limit.charge
        name = f"{charge.name} by room"
        self.taken = Charge(name, charge.over, self._taken, charge.sees, charge.mark, charge.members)

    def spare(self, place: Any) -> int:
        """What may be taken before the last room is broken into; a pool too small for a room has none to lose."""
        most = self.limit.of(place)
        return UNLIMITED if most < self.room or most >= UNLIMITED else (most - self.room) * MILLION // self.room

    def _taken(self, request: Request, alternative: Alternative, place: Any) -> int:
        return -(-self.limit.charge.of(request, alternative, place) * MILLION // self.room)


class Headroom(Goal):
    """Goal: every pool that is large enough keeps room for one more of the largest volumes.

    Formula: the sum over pools and dimensions of max(0, taken + room - what the pool sells), in millionths of the room,
    each volume's part rounded up. The room is the size and the IOPS that the policy names, or the largest floor among
    the offerings.

    Why: what sells last is the largest offering, and it needs its room in one piece. Pools too small for it are filled
    first, at no cost.
    """

    name = "headroom"
    local = True
    never_gains = True
    reads = "wishes"

    def __init__(self, policy: Policy, rules: Sequence[Rule]) -> None:
        super().__init__(policy, rules)
        self.sold = {rule.name: rule.sold for rule in rules if isinstance(rule, LimitRule) and rule.sold is not None}
        self._made: dict[tuple[str, int], Room] = {}

    def rooms(self, inventory: Inventory) -> list[Room]:
        """What is kept free, by dimension."""
        wanted = {"capacity": self.policy.headroom.capacity_bytes, "iops": self.policy.headroom.iops}
        if not any(wanted.values()):
            wanted["iops"] = inventory.largest_floor_iops
        return [self._room(rule, room) for rule, room in wanted.items() if room and rule in self.sold]

    def slacks(self, over: Over, asks: Sequence[Ask], fleet: Fleet, only: Rows = None) -> Sequence[Slack]:
        rooms = self.rooms(fleet.inventory) if over == "pool" else ()
        return [
            Slack(
                room.taken,
                fleet.index(over, only),
                fleet.each(over, room.spare, only) - fleet.amounts(room.taken, asks, only),
            )
            for room in rooms
        ]

    def pool_cost(self, ask: Ask, fleet: Fleet, only: Rows = None) -> IntArray | int | None:
        rows: Any = slice(None) if only is None else only
        total: IntArray | int = 0
        for room in self.rooms(fleet.inventory):
            now = fleet.sums(room.taken)[rows] - fleet.each("pool", room.spare, only)
            then = now + fleet.amounts(room.taken, (ask,), only)
            total = total + np.maximum(then, 0) - np.maximum(now, 0)
        return total

    def encode(self, model: Model) -> Expression:
        return sum(
            model.change(model.above(model.total(room.taken), room.spare)) for room in self.rooms(model.inventory)
        )

    def cost(self, answer: Answer) -> int:
        return sum(
            max(0, answer.after.total(room.taken, name) - room.spare(answer.after.pools[name]))
            - max(0, answer.before.total(room.taken, name) - room.spare(answer.before.pools[name]))
            for room in self.rooms(answer.before)
            for name in answer.places("pool")
        )

    def _room(self, rule: str, room: int) -> Room:
        if (rule, room) not in self._made:
            self._made[rule, room] = Room(self.sold[rule], room)
        return self._made[rule, room]

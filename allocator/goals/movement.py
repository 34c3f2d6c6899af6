"""Goal `movement`: move little."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from allocator.domain.placement import ALL, Charge
from allocator.domain.places import Place
from allocator.domain.policy import Policy
from allocator.domain.qos import Alternative
from allocator.domain.request import Request
from allocator.domain.sizes import GIB
from allocator.goal import Answer, Goal
from allocator.rule import Rule

if TYPE_CHECKING:
    from allocator.solver.counts import Expression
    from allocator.solver.model import Model


class Movement(Goal):
    """Goal: few and small moves.

    Formula: the sum over volumes that leave their pool of per_volume + per_gib x GiB, rounded up, + the volume's own
    move_cost + per_pair[old pool][new pool].

    Why: a move costs bandwidth and risk, whatever it gains; some volumes and some ways cost more than others.
    """

    name = "movement"
    lasting = True
    local = True
    never_gains = True
    reads = "wishes"

    def __init__(self, policy: Policy, rules: Sequence[Rule]) -> None:
        super().__init__(policy, rules)
        self.moving = Charge("cost of moving", ALL, self._one)

    def encode(self, model: Model) -> Expression:
        moving = model.change(model.total(self.moving, "moved"))
        return moving + model.routes(self._pair) if self.policy.movement.per_pair else moving

    def cost(self, answer: Answer) -> int:
        return sum(
            self.moving.of(after.request, after.alternative, answer.after.pools[after.pool])
            + self._pair(before.pool, after.pool)
            for before, after in answer.changes()
            if before is not None and before.pool != after.pool
        )

    def _one(self, request: Request, alternative: Alternative, place: Place) -> int:
        costs = self.policy.movement
        return costs.per_volume + costs.per_gib * -(-request.size_bytes // GIB) + request.move_cost

    def _pair(self, source: str, target: str) -> int:
        return self.policy.movement.per_pair.get(source, {}).get(target, 0)

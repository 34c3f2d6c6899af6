"""Goal `movement`: move little."""

from __future__ import annotations

from typing import TYPE_CHECKING

from allocator.domain.request import Request
from allocator.domain.sizes import GIB
from allocator.goal import Answer, Goal

if TYPE_CHECKING:
    from allocator.solver.counts import Expression
    from allocator.solver.model import Model


class Movement(Goal):
    """Goal: few and small moves.

    Formula: the sum over volumes that leave their pool of per_volume + per_gib x GiB, rounded up.

    Why: a move costs bandwidth and risk, whatever it gains.
    """

    name = "movement"
    lasting = True
    local = True
    never_gains = True
    reads = "wishes"

    def encode(self, model: Model) -> Expression:
        return sum(self._one(target[2].request) * model.came(target) for target in model.targets)

    def cost(self, answer: Answer) -> int:
        return sum(
            self._one(after.request)
            for before, after in answer.changes()
            if before is not None and before.pool != after.pool
        )

    def _one(self, request: Request) -> int:
        costs = self.policy.movement
        return costs.per_volume + costs.per_gib * -(-request.size_bytes // GIB)

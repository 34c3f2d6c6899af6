"""Goal `disruption`: no group is moved much at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from allocator.domain.placement import ALL, Charge, one_each
from allocator.domain.policy import Policy
from allocator.goal import Answer, Goal
from allocator.rule import Rule

if TYPE_CHECKING:
    from allocator.solver.counts import Expression
    from allocator.solver.model import Model


class Disruption(Goal):
    """Goal: few volumes of any one group leave their pool.

    Formula: the largest number of volumes of one group that leave their pool.

    Why: whoever runs the group feels its moves together; many groups that each move a little feel nothing.
    """

    name = "disruption"
    lasting = True
    never_gains = True
    reads = "wishes"

    def __init__(self, policy: Policy, rules: Sequence[Rule]) -> None:
        super().__init__(policy, rules)
        self._made: dict[str, Charge] = {}

    def encode(self, model: Model) -> Expression:
        groups = dict.fromkeys(ask.request.group for ask in model.asks())
        moves = [model.total(self._moves(group), "moved") for group in groups if group is not None]
        return model.change(model.highest(moves))

    def cost(self, answer: Answer) -> int:
        moves = Counter(
            after.request.group
            for before, after in answer.changes()
            if before is not None and before.pool != after.pool and after.request.group is not None
        )
        return max(moves.values(), default=0)

    def _moves(self, group: str) -> Charge:
        if group not in self._made:
            self._made[group] = Charge(f"moves of group {group}", ALL, one_each, mark=("group", group))
        return self._made[group]

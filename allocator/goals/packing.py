"""Goal `packing`: use few pools."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from allocator.domain.placement import Charge, one_each
from allocator.domain.policy import Policy
from allocator.fleet import Ask, Fleet, IntArray
from allocator.goal import Answer, Goal
from allocator.rule import Over, Rows, Rule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from allocator.slack import Slack
    from allocator.solver.counts import Expression
    from allocator.solver.model import Model


class Packing(Goal):
    """Goal: as few pools in use as possible.

    Formula: the number of pools that hold at least one volume.

    Why: an empty pool can be switched off, serviced or kept for what needs a whole one.
    """

    name = "packing"
    local = True
    never_gains = True
    reads = "wishes"
    adds_up = False

    def __init__(self, policy: Policy, rules: Sequence[Rule]) -> None:
        super().__init__(policy, rules)
        self.volumes = Charge("volumes", "pool", one_each)

    def slacks(self, over: Over, asks: Sequence[Ask], fleet: Fleet, only: Rows = None) -> Sequence[Slack] | None:
        return () if over == "host" else None

    def pool_cost(self, ask: Ask, fleet: Fleet, only: Rows = None) -> IntArray | None:
        now = fleet.sums(self.volumes)
        empty: IntArray = np.where((now if only is None else now.take(only)) == 0, 1, 0)
        return empty

    def encode(self, model: Model) -> Expression:
        return model.change(model.capped(model.total(self.volumes), 1))

    def cost(self, answer: Answer) -> int:
        return sum(
            min(1, answer.after.total(self.volumes, pool)) - min(1, answer.before.total(self.volumes, pool))
            for pool in answer.places("pool")
        )

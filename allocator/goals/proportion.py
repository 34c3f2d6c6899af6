"""Goal `proportion`: what a pool has left of one resource can be used with what it has left of another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from allocator.domain.placement import Charge
from allocator.domain.places import Pool
from allocator.domain.policy import Policy, Spare
from allocator.domain.qos import Alternative
from allocator.domain.request import Request
from allocator.fleet import Ask, Fleet, IntArray
from allocator.goal import Answer, Goal
from allocator.rule import Rows, Rule

if TYPE_CHECKING:
    from allocator.solver.counts import Expression
    from allocator.solver.model import Model


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """Two resources: what volumes use of the second less `ratio` times what they use of the first."""

    spare: Spare
    used: Charge

    def even(self, pool: Pool) -> int:
        """What that may come to before the pool lacks any of the second."""
        of, against = (_sellable(pool, name) for name in (self.spare.of, self.spare.against))
        return against - self.spare.ratio * of


class Proportion(Goal):
    """Goal: for each unit that a pool has left of one resource it has `ratio` units of another left.

    Formula: the sum over pools and pairs of weight x max(0, ratio x (total - used of the one) - (total - used of the
    other)), totals oversold by their factors; a total that is not stated is 0.

    Why: bytes without IOPS, or IOPS without bytes, serve nobody: what is left should be left in proportion.
    """

    name = "proportion"
    local = True
    adds_up = False
    reads = "wishes"

    def __init__(self, policy: Policy, rules: Sequence[Rule]) -> None:
        super().__init__(policy, rules)
        self.pairs = tuple(
            Pair(spare, Charge(f"{spare.against} to {spare.of}", "pool", partial(_used, spare)))
            for spare in policy.spare
        )

    def pool_cost(self, ask: Ask, fleet: Fleet, only: Rows = None) -> IntArray | int | None:
        total: IntArray | int = 0
        for pair in self.pairs:
            now = fleet.sums(pair.used)
            lacks = (now if only is None else now.take(only)) - fleet.each("pool", pair.even, only)
            then = lacks + fleet.amounts(pair.used, (ask,), only)
            total = total + pair.spare.weight * ((then > 0) * then - (lacks > 0) * lacks)
        return total

    def encode(self, model: Model) -> Expression:
        return sum(
            pair.spare.weight * model.change(model.above(model.total(pair.used), pair.even)) for pair in self.pairs
        )

    def cost(self, answer: Answer) -> int:
        return sum(
            pair.spare.weight
            * (max(0, answer.after.total(pair.used, name) - even) - max(0, answer.before.total(pair.used, name) - even))
            for pair in self.pairs
            for name in answer.places("pool")
            for even in (pair.even(answer.after.pools[name]),)
        )


def _used(spare: Spare, request: Request, alternative: Alternative, pool: Pool) -> int:
    return request.resource(spare.against) - spare.ratio * request.resource(spare.of)


def _sellable(pool: Pool, name: str) -> int:
    amount = pool.resources.get(name)
    return 0 if amount is None or amount.sellable is None else amount.sellable

"""Goal `overload`: use of a resource above what its pool calls safe."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from allocator.domain.charging import taken
from allocator.domain.inventory import Inventory
from allocator.domain.placement import Charge
from allocator.domain.places import Pool
from allocator.domain.policy import Policy
from allocator.fleet import Ask, Fleet, IntArray
from allocator.goal import Answer, Goal
from allocator.limits import UNLIMITED
from allocator.rule import Over, Rows, Rule
from allocator.slack import Slack

if TYPE_CHECKING:
    from allocator.solver.counts import Expression
    from allocator.solver.model import Model

Used = tuple[int, Charge, Callable[[Pool], int]]
"""What a unit too many costs, what is used, and how much of it a pool calls safe."""


class Overload(Goal):
    """Goal: no more of a resource is used on a pool than the pool calls safe.

    Formula: the sum over pools and resources of weight x max(0, used - safe), in the resource's own units; a pool that
    states no safe amount costs nothing.

    Why: what a pool can hold is a hard limit, and what it holds well is less. The amounts themselves count here, not
    shares as in goal `balance`, since a unit above the line does the same harm on a large pool as on a small one.
    """

    name = "overload"
    local = True
    never_gains = True
    reads = "wishes"

    def __init__(self, policy: Policy, rules: Sequence[Rule]) -> None:
        super().__init__(policy, rules)
        self._made: dict[str, Used] = {}

    def slacks(self, over: Over, asks: Sequence[Ask], fleet: Fleet, only: Rows = None) -> Sequence[Slack]:
        used = self._used(fleet.inventory) if over == "pool" else []
        return [
            Slack(charge, fleet.index(over, only), fleet.each(over, safe, only) - fleet.amounts(charge, asks, only))
            for _, charge, safe in used
        ]

    def pool_cost(self, ask: Ask, fleet: Fleet, only: Rows = None) -> IntArray | int | None:
        total: IntArray | int = 0
        for weight, charge, safe in self._used(fleet.inventory):
            now = fleet.sums(charge)
            above = (now if only is None else now.take(only)) - fleet.each("pool", safe, only)
            then = above + fleet.amounts(charge, (ask,), only)
            total = total + weight * ((then > 0) * then - (above > 0) * above)
        return total

    def encode(self, model: Model) -> Expression:
        return sum(
            weight * model.change(model.above(model.total(charge), safe))
            for weight, charge, safe in self._used(model.inventory)
        )

    def cost(self, answer: Answer) -> int:
        before, after = answer.before, answer.after
        return sum(
            weight * (max(0, after.total(charge, name) - most) - max(0, before.total(charge, name) - most))
            for weight, charge, safe in self._used(before)
            for name in answer.places("pool")
            for most in (safe(after.pools[name]),)
        )

    def _used(self, inventory: Inventory) -> list[Used]:
        """Every resource for which some pool says what is safe."""
        found: list[Used] | None = inventory.figures(self).get("used")
        if found is None:
            amounts = (item for pool in inventory.pools.values() for item in pool.resources.items())
            names = sorted({name for name, amount in amounts if amount.safe is not None})
            found = inventory.figures(self)["used"] = [self._of(name) for name in names]
        return found

    def _of(self, name: str) -> Used:
        if name not in self._made:
            charge = Charge(name, "pool", partial(taken, name))
            self._made[name] = self.policy.overload.get(name, 1), charge, partial(_safe, name)
        return self._made[name]


def _safe(name: str, pool: Pool) -> int:
    amount = pool.resources.get(name)
    return UNLIMITED if amount is None or amount.safe is None else amount.safe

"""Goal `price`: spend little."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING

from allocator.domain.charging import charged_bytes
from allocator.domain.placement import ALL, Charge
from allocator.domain.places import Pool
from allocator.domain.policy import Policy
from allocator.domain.qos import Alternative
from allocator.domain.request import Request
from allocator.domain.sizes import GIB
from allocator.fleet import Ask, Fleet, IntArray
from allocator.goal import Answer, Goal
from allocator.rule import Rows, Rule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from allocator.solver.counts import Expression
    from allocator.solver.model import Model


class Price(Goal):
    """Goal: the cheapest pools.

    Formula: the sum over volumes of the pool's price x the GiB charged, rounded up, in the operator's unit.

    Why: what a cheap pool can hold does not belong on a dear one.
    """

    name = "price"
    lasting = True
    local = True
    never_gains = True
    reads = "wishes"

    def __init__(self, policy: Policy, rules: Sequence[Rule]) -> None:
        super().__init__(policy, rules)
        self.paid = Charge("price", ALL, _price, sees=_sees)

    def pool_cost(self, ask: Ask, fleet: Fleet, only: Rows = None) -> IntArray | int:
        return fleet.amounts(self.paid, (ask,), only)

    def encode(self, model: Model) -> Expression:
        return model.change(model.total(self.paid))

    def cost(self, answer: Answer) -> int:
        return answer.after.total(self.paid, ALL) - answer.before.total(self.paid, ALL)


def _price(request: Request, alternative: Alternative, pool: Pool) -> int:
    return pool.price * -(-charged_bytes(request, pool) // GIB)


def _sees(pool: Pool) -> Hashable:
    return pool.manifest, pool.price

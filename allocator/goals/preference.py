"""Goal `preference`: give each request its first choice."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

from allocator.domain.placement import ALL, Charge
from allocator.domain.places import Pool
from allocator.domain.policy import Policy
from allocator.domain.qos import Alternative
from allocator.domain.request import Request
from allocator.fleet import Ask, Fleet, IntArray
from allocator.goal import Answer, Goal
from allocator.rule import Rows, Rule

if TYPE_CHECKING:
    from allocator.solver.counts import Expression
    from allocator.solver.model import Model


class Preference(Goal):
    """Goal: the earliest of a request's QoS alternatives, and its preferred tags.

    Formula: the sum over volumes of the alternative's index (0 is the first choice) plus the number of preferred
    tags that the pool lacks.

    Why: storage QoS before hypervisor QoS before a refusal (R11).
    """

    name = "preference"
    lasting = True
    local = True
    never_gains = True
    reads = "wishes"

    def __init__(self, policy: Policy, rules: Sequence[Rule]) -> None:
        super().__init__(policy, rules)
        self.disliked = Charge("dislike", ALL, dislike, sees=_sees)

    def pool_cost(self, ask: Ask, fleet: Fleet, only: Rows = None) -> IntArray | int | None:
        if not ask.request.preferred_tags:
            return ask.alternative.index
        kinds = fleet.kinds("pool", _sees)
        costs = kinds.each(lambda pool: dislike(ask.request, ask.alternative, pool))
        return costs if only is None else costs[only]

    def encode(self, model: Model) -> Expression:
        return model.change(model.total(self.disliked))

    def cost(self, answer: Answer) -> int:
        pools = answer.after.pools
        return sum(
            sign * dislike(volume.request, volume.alternative, pools[volume.pool])
            for before, after in answer.changes()
            for volume, sign in ((after, 1), (before, -1))
            if volume is not None
        )


def dislike(request: Request, alternative: Alternative, pool: Pool) -> int:
    """How far one volume is from its first choice."""
    return alternative.index + len(request.preferred_tags - pool.tags)


def _sees(pool: Pool) -> Hashable:
    return pool.tags

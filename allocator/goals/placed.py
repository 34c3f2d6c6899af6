"""Goal `placed`: refuse as little as possible."""

from __future__ import annotations

from typing import TYPE_CHECKING

from allocator.domain.request import Request
from allocator.goal import Answer, Goal

if TYPE_CHECKING:
    from allocator.solver.counts import Expression
    from allocator.solver.model import Model


class Placed(Goal):
    """Goal: place as many requests as possible, the important ones first.

    Formula: the sum of (1 + priority) over refused requests.

    Why: a request of priority 9 is worth ten of priority 0; no other goal is worth a refusal, so it comes first.
    """

    name = "placed"
    lasting = True
    local = True
    never_gains = True
    reads = "wishes"

    def encode(self, model: Model) -> Expression:
        return sum(
            sum(map(weight, unit_class.example.requests)) * (len(unit_class) - model.placed(number))
            for number, unit_class in enumerate(model.classes)
        )

    def cost(self, answer: Answer) -> int:
        return sum(map(weight, answer.refused))


def weight(request: Request) -> int:
    """What refusing one request costs."""
    return 1 + request.priority

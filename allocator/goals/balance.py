"""Goal `balance`: no place much fuller than the others."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from allocator.arrays.adding import hashable
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
COARSE: Final = 2**40
"""Limits from here on are counted in MiB, so that a share fits 64 bits."""


@dataclass(frozen=True, slots=True, eq=False)
class Dimension:
    """What one rule sells, as millionths of what each place may sell."""

    limit: Limit
    share: Charge
    weight: int


class Balance(Goal):
    """Goal: what is sold at each place stays below thresholds; what is above them costs, at each threshold again.

    Formula: the sum over dimensions, places and thresholds t of weight x max(0, share sold - t), a volume's share being
    its charge in millionths of what the place may sell, rounded up. A place that sells nothing or without limit
    costs nothing.

    Why: an even load leaves room everywhere. Several thresholds make the fullest places the dearest, and rounding
    each volume by itself keeps the sum linear, so that ranking, solver and check agree to the last digit.
    """

    name = "balance"
    local = True
    never_gains = True
    reads = "wishes"

    def __init__(self, policy: Policy, rules: Sequence[Rule]) -> None:
        super().__init__(policy, rules)
        self.thresholds = tuple(threshold * MILLION // 1000 for threshold in policy.balance.thresholds)
        self.dimensions = tuple(
            Dimension(rule.sold, _share_of(rule.sold), policy.balance.weights[rule.name])
            for rule in rules
            if isinstance(rule, LimitRule) and rule.sold is not None and policy.balance.weights.get(rule.name)
        )

    def slacks(self, over: Over, asks: Sequence[Ask], fleet: Fleet, only: Rows = None) -> Sequence[Slack]:
        found = []
        for share in (dimension.share for dimension in self.dimensions if self.thresholds):
            more = fleet.amounts(share, asks, only) if share.over == over else 0
            if not isinstance(more, int) or more:
                found.append(Slack(share, fleet.index(over, only), min(self.thresholds) - more))
        return found

    def footprint(self, ask: Ask, fleet: Fleet) -> Hashable:
        shares = (dimension.share for dimension in self.dimensions if dimension.share.over == "host")
        return tuple(hashable(fleet.amounts(share, (ask,))) for share in shares)

    def pool_cost(self, ask: Ask, fleet: Fleet, only: Rows = None) -> IntArray | None:
        return self._cost("pool", (ask,), fleet, only)

    def host_cost(self, asks: Sequence[Ask], fleet: Fleet, only: Rows = None) -> IntArray | None:
        return self._cost("host", asks, fleet, only)

    def encode(self, model: Model) -> Expression:
        return sum(
            dimension.weight * model.change(model.above(model.total(dimension.share), threshold))
            for dimension in self.dimensions
            for threshold in self.thresholds
        )

    def cost(self, answer: Answer) -> int:
        return sum(
            dimension.weight
            * (self._above(answer.after.total(share, label)) - self._above(answer.before.total(share, label)))
            for dimension in self.dimensions
            for share in (dimension.share,)
            for label in answer.places(share.over)
        )

    def _above(self, sold: int) -> int:
        return sum(max(0, sold - threshold) for threshold in self.thresholds)

    def _cost(self, over: Over, asks: Sequence[Ask], fleet: Fleet, only: Rows) -> IntArray | None:
        total: IntArray | None = None
        for dimension in self.dimensions:
            if dimension.share.over != over:
                continue
            now = fleet.sums(dimension.share)
            now = now if only is None else now.take(only)
            then = now + fleet.amounts(dimension.share, asks, only)
            highest = int(then.max(initial=0))
            for threshold in self.thresholds:
                if highest > threshold:
                    grown = dimension.weight * (np.maximum(then, threshold) - np.maximum(now, threshold))
                    total = grown if total is None else total + grown
        return total


def share(amount: int, limit: int) -> int:
    """`amount` in millionths of `limit`, rounded up and at most all of it; 0 where the limit says nothing."""
    if limit <= 0 or limit >= UNLIMITED:
        return 0
    amount = min(amount, limit)
    if limit >= COARSE:
        amount, limit = -(-amount >> 20), limit >> 20
    return -(-amount * MILLION // limit)


def _share_of(limit: Limit) -> Charge:
    charge = limit.charge
    amount, sees = partial(_amount, limit), partial(_sees, limit)
    return Charge(f"share of {charge.name}", charge.over, amount, sees, charge.mark, charge.members)


def _amount(limit: Limit, request: Request, alternative: Alternative, place: Any) -> int:
    return share(limit.charge.of(request, alternative, place), limit.of(place))


def _sees(limit: Limit, place: Any) -> Hashable:
    return limit.charge.sees(place), limit.of(place)

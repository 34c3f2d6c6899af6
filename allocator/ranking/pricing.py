"""What goals say of a volume, by what it rests on: documents only, what is placed, or the one request that asks."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from allocator.fleet import Ask, Figure, Fleet
from allocator.goal import Cost, Goal, Tiers
from allocator.rule import Over, Rows
from allocator.slack import ENDLESS, Slack, Slacks

Costs = tuple[Figure, ...]
"""By tier: the cost of each row, or one number where all cost the same."""
Weighed = Sequence[tuple[Goal, int]]


class Pricing:
    """The goals of some tiers over one fleet."""

    def __init__(self, fleet: Fleet, tiers: Tiers) -> None:
        self.fleet = fleet
        self.adds_up = tuple(all(goal.adds_up for goal, _ in tier) for tier in tiers)
        self._lasting = [[pair for pair in tier if _is_lasting(pair[0])] for tier in tiers]
        self._wishing = [[g for g in tier if g[0].reads == "wishes" and not g[0].lasting] for tier in tiers]
        self._own = [[g for g in tier if g[0].reads != "wishes"] for tier in tiers]
        self.hears = any(self._own)
        """Whether some goal must hear the request itself."""
        self.far = not all(goal.local for tier in tiers for goal, _ in tier)
        """Whether a volume that goes to one pool may change the cost of others."""
        self._bounded = [all(goal.never_gains and weight >= 0 for goal, weight in tier) for tier in tiers]

    def footprint(self, ask: Ask) -> Hashable:
        """What of wishes decides on hosts."""
        goals = (pair[0] for tiers in (self._lasting, self._wishing) for tier in tiers for pair in tier)
        return tuple(goal.footprint(ask, self.fleet) for goal in goals)

    @property
    def nothing(self) -> Cost:
        return (0,) * len(self.adds_up)

    def lasting(self, over: Over, asks: Sequence[Ask], only: Rows = None) -> Costs:
        """What rests on documents, for all requests with these wishes."""
        return tuple(self._sum(tier, over, asks, only) for tier in self._lasting)

    def lower(self, lasting: Costs) -> Cost:
        """What no row costs less than, whatever is placed."""
        return tuple(
            (cost if isinstance(cost, int) else int(cost.min(initial=ENDLESS))) if bounded else -ENDLESS
            for cost, bounded in zip(lasting, self._bounded, strict=True)
        )

    def free(self, over: Over, asks: Sequence[Ask], only: Rows = None) -> Slacks | None:
        """Where all of these hold nothing is added to what rests on documents; None: not known."""
        if self.hears or not all(self._bounded):
            return None
        found: list[Slack] = []
        for tier in self._wishing:
            for goal, _ in tier:
                slacks = goal.slacks(over, asks, self.fleet, only)
                if slacks is None:
                    return None
                found += slacks
        return Slacks(found)

    def costs(self, over: Over, alike: Sequence[Ask], asks: Sequence[Ask], lasting: Costs, only: Rows) -> Costs:
        """All that the asks cost now; `alike` are asks with the same wishes, whose answers are kept."""
        return tuple(
            cost + self._sum(wishing, over, alike, only) + self._sum(own, over, asks, only)
            for cost, wishing, own in zip(lasting, self._wishing, self._own, strict=True)
        )

    def _sum(self, goals: Weighed, over: Over, asks: Sequence[Ask], only: Rows) -> Figure:
        total: Figure = 0
        for goal, weight in goals:
            fleet = self.fleet
            cost = goal.pool_cost(asks[0], fleet, only) if over == "pool" else goal.host_cost(asks, fleet, only)
            if cost is not None:
                total = total + weight * cost
        return total


def _is_lasting(goal: Goal) -> bool:
    return goal.lasting and goal.reads == "wishes"

"""The goals of one part in their order: each is brought down to its bound, or as far as the work allows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Final

from allocator.domain.outcome import Headway
from allocator.domain.policy import Effort
from allocator.goal import Cost, tier_name
from allocator.rank import Beyond, rank
from allocator.screen import Screen
from allocator.solver.bulk.checked import checked
from allocator.solver.classes import Unit, host_classes, unit_classes
from allocator.solver.contents.exchange import Exchange
from allocator.solver.contents.pool_by_pool import few_pools
from allocator.solver.contents.repack import repack
from allocator.solver.contents.shelves import Shelves, shelves
from allocator.solver.deadline import Deadline
from allocator.solver.draft import Draft, Placement
from allocator.solver.greedy import fill, urgency
from allocator.solver.improve import Improver
from allocator.solver.ladder import Ladder
from allocator.solver.unfold import unfold
from allocator.solver.whole.everything import Everything
from allocator.verify import worsened

WHOLE: Final = 150_000
"""Variables up to which a part is solved with every host as it is: above it nothing is found in time (measured)."""
TINY: Final = 300
"""Variables up to which that is so quick that nothing else is tried before."""
QUICK: Final = 20_000
"""Variables up to which the whole is tried before its relaxation."""
FIRST: Final = 0.7
"""The first goal's share of work and time; each further one takes half of what is left, and the last all of it."""
BUILDING: Final = 1e-4
"""Seconds of building the whole model, for each variable, with a dozen rules that count it (measured)."""
MILLION: Final = 1_000_000


class Climb:
    """Brings the draft of one part down, tier by tier."""

    def __init__(
        self,
        draft: Draft,
        base: Screen,
        effort: Effort,
        deadline: Deadline,
        progress: Callable[[Headway], None] | None,
    ) -> None:
        """`base` is the screen of a fleet on which nothing of the draft is placed."""
        self.draft, self.base, self.effort, self.deadline, self.progress = draft, base, effort, deadline, progress
        self.units = list(draft.units.values())
        self.left = effort.work
        self.costs: Cost = draft.cost()
        self.bounds: list[int | None] = []
        size = _size(self.units, base)
        hosts = host_classes(self.units, base.fleet, merge=True)
        self.whole = size <= WHOLE
        self.building = size * BUILDING
        self.relaxes = (size > TINY and len(hosts) < len(base.fleet.hosts)) or not self.whole
        self.tiny = size <= TINY
        self.quick = size <= QUICK
        self.bite = max(0.5, size * 2e-4)
        self._equal = unit_classes(self.units, base.fleet, merge=True)
        self._ladders: dict[bool, Ladder] = {}
        self._everything: Everything | None = None
        self._exchanges: dict[int, Exchange] = {}
        self.improver = Improver(draft, effort, deadline)

    def run(self, least: Cost | None) -> list[int | None]:
        """The bound of each tier, with those before it fixed at their costs; `least` is one that is known already."""
        tiers, whole = self.draft.tiers, self.deadline
        if self._shelves is not None and not all(goal.adds_up for tier in tiers for goal, _ in tier):
            self._take(few_pools(self._shelves, self.base))
        for number in range(len(tiers)):
            known = None if least is None or self.costs[:number] != least[:number] else least[number]
            self.bounds.append(self._floor(number) if known is None else known)
            self._tell("greedy", number)
            part = 1.0 if number + 1 == len(tiers) else FIRST if number == 0 else 0.5
            self.deadline = self.improver.deadline = whole.part(part)
            self._tier(number, self.left * part)
        return self.bounds

    def _tier(self, number: int, share: float) -> None:
        """Relax for a bound, improve in neighbourhoods, and then solve the whole, while the bound is not reached."""
        floor = self.left - share
        if not self.relaxes:
            self._place_all(number, min(self.bite, share))
        dealt = Exchange.fits(self._shelves, self.draft.tiers, number)
        if dealt:
            self._core(number)
            if self.quick:
                self._solve(number, self.bite, merge_hosts=False)
            self._exchange(number, share / 4, self.deadline.part(0.4))
            self._repack(number, share / 4, self.deadline.part(0.25))
        else:
            self._repack(number, share / 2, self.deadline.part(0.6))
            self._core(number)
        bite = self.bite
        while True:
            if self.relaxes:
                self._solve(number, min(bite, self.left - floor), merge_hosts=True)
            self._place_all(number, min(bite, self.left - floor))
            if self.quick and not self.relaxes:
                self._solve(number, min(bite, self.left - floor), merge_hosts=False)
            if not self.tiny:
                self._improve(number, min((8 if dealt else 2) * bite, self.left - floor))
            if self.whole and (self.relaxes or not self.quick):
                self._solve(number, min(bite, self.left - floor), merge_hosts=False)
            if self._done(number) or self.left - floor < 1e-3:
                return
            bite *= 2

    def _floor(self, number: int) -> int | None:
        """0 where nothing that is placed can cost less, whatever else the tiers before ask; None: that is not known."""
        tier = self.draft.tiers[number]
        if not all(goal.adds_up for goal, _ in tier):
            return None
        if any(unit.home or self.base.mended(unit.requests) for unit in self.units):
            return None
        try:
            alone = [rank(equal.example.requests, self.base, (tier,)) for equal in self._equal]
        except Beyond:
            return None
        return 0 if all(choice is None or choice.cost[0] >= 0 for choice in alone) else None

    def _done(self, number: int) -> bool:
        """Nothing is left to win, or nothing to win it with."""
        bound, cost = self.bounds[number], self.costs[number]
        slack = self.effort.gap_millionths if number == 0 else 0
        enough = bound is not None and cost * MILLION <= bound * (MILLION + slack)
        return enough or self.left <= 0 or self.deadline.passed()

    def _too_late(self, merge_hosts: bool) -> bool:
        """Whether the deadline would pass while the model is built, if merging hosts does not make it smaller."""
        left, smaller = self.deadline.left(), merge_hosts and bool(self.base.fleet.hosts)
        if left is None or smaller or merge_hosts in self._ladders or left > self.building:
            return False
        self.deadline.hit = True
        return True

    def _solve(self, number: int, work: float, *, merge_hosts: bool) -> None:
        if self._done(number) or self._too_late(merge_hosts):
            return
        ladder = self._ladder(merge_hosts)
        phase = "relaxing" if merge_hosts else "solving"

        def improved(cost: int, bound: int) -> None:
            self._bound(number, bound)
            self._tell(phase, number, cost if ladder.exact else None)

        found = ladder.minimise(number, self.draft.placed, self.costs, work, self.deadline, improved)
        self.left -= found.work
        if found.bound is not None:
            self._bound(number, found.bound)
        if found.value is not None:
            self._adopt(ladder, found.value)
        self._tell(phase, number)

    def _improve(self, number: int, work: float) -> None:
        if self._done(number):
            return
        if number in self._exchanges:
            self._exchange(number, work, self.deadline)
            return
        self.left -= self.improver.improve(
            number, self.bounds[number], work, lambda cost: self._tell("improving", number, cost)
        )
        self.costs = self.draft.cost()

    def _exchange(self, number: int, work: float, deadline: Deadline) -> None:
        """Neighbourhoods of pools that need no general model."""
        if self._done(number) or self._shelves is None:
            return
        if number not in self._exchanges:
            self._exchanges[number] = Exchange(self._shelves, self.base, number, self.effort)
        cost, bound = self.costs[number], self.bounds[number]

        def gained(gain: int) -> bool:
            """Tell of it; whether that is enough."""
            self._tell("improving", number, cost - gain)
            return bound is not None and cost - gain <= bound

        placed, took = self._exchanges[number].improve(self.draft.placed, gained, work, deadline)
        self.left -= took
        self._take(placed)

    @cached_property
    def _shelves(self) -> Shelves | None:
        return shelves(self.units, self.base, self.draft.tiers)

    def _repack(self, number: int, work: float, within: Deadline) -> None:
        if self._done(number):
            return
        kept, tiers = dict(self.draft.placed), self.draft.tiers
        again = repack(self.units, kept, self.base, tiers, number, self.costs, work, self.effort.seed, within)
        self.left -= again.work
        if again.bound is not None:
            self._bound(number, again.bound)
        if again.placed is not None:
            self._take(again.placed)
        self._tell("packing", number)

    def _take(self, placed: Placement) -> None:
        """A placement of newcomers that somebody suggests, as far as the rules allow it, where it is better."""
        draft, kept = self.draft, dict(self.draft.placed)
        allowed, _ = checked(placed, draft.before, draft.screen.rules)
        draft.become(allowed)
        costs = draft.cost()
        if costs < self.costs:
            self.costs = costs
        else:
            draft.become(kept)

    def _place_all(self, number: int, work: float) -> None:
        """Where the first goal's bound leaves it open whether all are placed that some place takes."""
        if number or self.tiny or not self.whole or self._done(number) or any(unit.home for unit in self.units):
            return
        if self._everything is None:
            self._everything = Everything(self.draft, self.base, self.effort.seed)
        search, before = self._everything, self._everything.work
        if search.hopeless or (self.bounds[0] or 0) > search.least[0]:
            return
        placed = search.run(work, self.deadline.part(0.5))
        self.left -= search.work - before
        if placed is not None:
            self._take(placed)
        self._tell("packing", number)

    def _core(self, number: int) -> None:
        """Once, where hosts have no say in how large the model is: its relaxation is a good guide there."""
        if self.tiny or not self.whole or self.base.fleet.hosts or self._done(number) or self._too_late(False):
            return
        ladder = self._ladder(False)
        found = ladder.core(number, self.costs, self.deadline.part(0.4))
        self.left -= found.work
        if found.bound is not None:
            self._bound(number, found.bound)
        if found.values is not None:
            values = found.values.tolist()
            self._adopt(ladder, lambda variable: values[variable.index])
        self._tell("solving", number)

    def _adopt(self, ladder: Ladder, value: Callable[[Any], int]) -> None:
        """The model's counts as volumes, where they are better. What merged hosts cannot keep is placed anew."""
        draft, kept = self.draft, dict(self.draft.placed)
        draft.become({name: unit.home for name, unit in draft.units.items() if unit.home})
        left: list[Unit] = []
        for unit, candidates in unfold(ladder.model, value):
            for volumes in candidates:
                if ladder.exact or not worsened(draft.screen.fleet.inventory, draft.screen.rules, volumes):
                    if unit.home:
                        draft.take(unit.name)
                    draft.put(unit.name, volumes)
                    break
            else:
                left += [] if unit.home else [unit]
        fill(draft, sorted(left, key=urgency), self.deadline)
        costs = draft.cost()
        if costs < self.costs:
            self.costs = costs
        else:
            draft.become(kept)

    def _bound(self, number: int, bound: int) -> None:
        known = self.bounds[number]
        self.bounds[number] = bound if known is None else max(known, bound)

    def _ladder(self, merge_hosts: bool) -> Ladder:
        if merge_hosts not in self._ladders:
            self._ladders[merge_hosts] = Ladder(
                self.units, self.base, self.draft.tiers, self.effort, merge_hosts=merge_hosts
            )
        return self._ladders[merge_hosts]

    def _tell(self, phase: str, number: int, cost: int | None = None) -> None:
        if self.progress is not None:
            cost = self.costs[number] if cost is None else cost
            self.progress(Headway(phase, tier_name(self.draft.tiers[number]), cost, self.bounds[number]))


def _size(units: Sequence[Unit], screen: Screen) -> int:
    """About as many variables as a model of these units has, hosts as they are."""
    hosts, pools = len(screen.fleet.hosts), len(screen.fleet.pools)
    return sum((pools + hosts) * len(request.alternatives) for unit in units for request in unit.requests)

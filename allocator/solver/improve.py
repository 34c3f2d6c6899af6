"""Large-neighbourhood search: place a few units anew, all others where they are, and keep what is not worse."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Final

from allocator.domain.inventory import Inventory
from allocator.domain.outcome import Headway
from allocator.domain.placement import Volume
from allocator.domain.policy import Effort
from allocator.goal import Tiers, tier_name
from allocator.screen import Screen
from allocator.solver.classes import HostClass, Unit, unit_classes
from allocator.solver.counts import Expression
from allocator.solver.deadline import Deadline
from allocator.solver.draft import Draft, Placement
from allocator.solver.hoods import Hood, Hoods
from allocator.solver.model import Model
from allocator.solver.run import run
from allocator.solver.unfold import hint, unfold
from allocator.verify import worsened

BITE: Final = 0.3
"""The work that one neighbourhood may take."""
LEAST, MOST = 8, 80
"""Units of one neighbourhood: fewer where it cannot be solved to the end, more where that is quick."""
PER_UNIT: Final = 5e-4
"""The work of taking one unit out and putting it back (measured)."""
PATIENCE: Final = 120
"""Neighbourhoods in a row that win nothing before the search gives up."""


def improve(
    placed: Mapping[str, tuple[Volume, ...]],
    units: Sequence[Unit],
    screen: Screen,
    before: Inventory,
    tiers: Tiers,
    effort: Effort,
    deadline: Deadline,
    progress: Callable[[Headway], None] | None = None,
) -> Placement:
    """A placement that is better in the order of the tiers, or the one given.

    `screen` is of a fleet on which nothing of `placed` lies: it is changed meanwhile, and left as it was. `before` is
    how all was when the call began. Half of the work that is left goes to each tier in turn.
    """
    draft = Draft(units, screen, before, tiers)
    draft.become(placed)
    improver = Improver(draft, effort, deadline)
    left = effort.work
    for number, tier in enumerate(tiers):

        def tell(number: int = number, name: str = tier_name(tier)) -> None:
            if progress is not None:
                progress(Headway("improving", name, draft.cost()[number]))

        left -= improver.improve(number, None, left if number + 1 == len(tiers) else left / 2, tell)
    found = dict(draft.placed)
    draft.become({})
    return found


class Improver:
    """Improves a draft, one neighbourhood after the other."""

    def __init__(self, draft: Draft, effort: Effort, deadline: Deadline) -> None:
        self.draft, self.effort, self.deadline = draft, effort, deadline
        self.rng = Random(effort.seed)  # noqa: S311  the same neighbourhoods every time
        self.hoods = Hoods(draft, self.rng)
        self.size, self.wide = 30.0, 3

    def improve(self, number: int, bound: int | None, work: float, tell: Callable[[], None]) -> float:
        """Bring one tier down, those before it no worse, until the bound or so much work; gives the work it took."""
        draft = self.draft
        kept, start = dict(draft.placed), draft.cost()
        best, cost, spent, fruitless = kept, start[number], 0.0, 0
        while spent < work and fruitless < PATIENCE and (bound is None or cost > bound) and not self.deadline.passed():
            hood = self._hood(number)
            if hood is None or not hood.units:
                fruitless += 1
                spent += PER_UNIT
                continue
            gain, took = self._rebuild(hood, number, min(BITE, work - spent))
            self.hoods.paid(hood, gain > 0)
            spent += took
            fruitless = 0 if gain > 0 else fruitless + 1
            if gain > 0:
                cost -= gain
                best = dict(draft.placed)
                tell()
        draft.become(best)
        volumes = [volume for placed in draft.placed.values() for volume in placed]
        if draft.cost() > start or worsened(draft.before, draft.screen.rules, volumes):
            draft.become(kept)
        return spent

    def _hood(self, number: int) -> Hood | None:
        size = int(self.size)
        tier = self.draft.tiers[number]
        if not all(goal.adds_up for goal, _ in tier) and self.rng.random() < 0.8:
            return self.hoods.for_drain(size, self.wide + self.rng.randrange(3))
        refused = self.draft.refused()
        if number == 0 and refused:
            return self.hoods.for_refused(self.rng.choice(refused), refused, size, self.wide)
        return self.hoods.for_cost(size, self.wide)

    def _rebuild(self, hood: Hood, number: int, work: float) -> tuple[int, float]:
        """Place the neighbourhood's units anew: (what is gained, the work it took)."""
        draft, fleet = self.draft, self.draft.screen.fleet
        old = {unit.name: draft.take(unit.name) for unit in hood.units if unit.name in draft.placed}
        rows = sorted({row for within in hood.within.values() for row in within.hosts or ()})
        model = Model(
            draft.screen,
            unit_classes(hood.units, fleet, merge=False),
            [HostClass((row,)) for row in rows],
            hood.within,
            draft.before,
        )
        for rule in draft.screen.rules:
            rule.encode(model)
        goals = [sum(w * goal.encode(model) for goal, w in tier) for tier in draft.tiers[: number + 1]]
        worth = hint(model, old)
        for goal in goals[:-1]:
            if not isinstance(goal, int):
                model.cp.add(goal <= worth(goal))
        model.cp.minimize(self._nudged(model, goals[-1], hood, number))
        found = run(model, replace(self.effort, deterministic=True), work, self.deadline)
        took = found.work + PER_UNIT * len(hood.units)
        self.size = min(MOST, self.size * 1.05) if found.proven else max(LEAST, self.size * 0.95)
        new, gain = old, 0
        if found.value is not None:
            gain = worth(goals[-1]) - found.value(goals[-1])
            new = {unit.name: candidates[0] for unit, candidates in unfold(model, found.value) if candidates}
        for name, volumes in new.items():
            draft.put(name, volumes)
        return gain, took

    def _nudged(self, model: Model, goal: Expression, hood: Hood, number: int) -> Expression:
        """The goal; of answers that it cannot tell apart the one that refuses little of what is scarce, since that
        fits in somewhere later, or leaves least on the victim.
        """
        if number == 0:
            shares = [self.draft.scarce.share(unit_class.example) for unit_class in model.classes]
            missing = sum(share * (1 - model.placed(u)) for u, share in enumerate(shares))
            return goal * (sum(shares) + 1) + missing
        if hood.victim is None:
            return goal
        there = [target for (_, _, _, row), target in model.targets.items() if row == hood.victim]
        return goal * (len(there) + 1) + sum(there)

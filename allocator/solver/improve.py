"""Large-neighbourhood search: place a few units anew, all others where they are, and keep what is not worse."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Final

from allocator.domain.inventory import Inventory
from allocator.domain.outcome import Headway
from allocator.domain.placement import Volume
from allocator.domain.policy import Effort
from allocator.fleet import Fleet
from allocator.goal import Cost, Tiers, tier_name
from allocator.screen import Screen
from allocator.solver.classes import HostClass, Unit, unit_classes
from allocator.solver.counts import NOWHERE, Expression
from allocator.solver.deadline import Deadline
from allocator.solver.draft import Draft, Placement
from allocator.solver.hoods import Hood, Hoods, Victim
from allocator.solver.model import Model
from allocator.solver.run import run
from allocator.solver.unfold import hint, unfold
from allocator.verify import worsened

BITE: Final = 0.2
"""The work that one neighbourhood may take at first."""
SLOW: Final = 30
"""After so many in a row that won nothing it may take twice as much, and so on."""
LEAST, MOST = 8, 80
"""Units of one neighbourhood: fewer where it cannot be solved to the end, more where that is quick."""
PER_UNIT: Final = 5e-4
"""The work of taking one unit out and putting it back (measured)."""
EMPTYING: Final = 0.8
"""How often a goal for which places are shared tries to empty a pool, rather than to mix a few."""
GATHERING: Final = 0.9
"""How often room is gathered for the last unit that is refused; with more of them, for one of them as much less."""
FINE: Final = 2**30
"""How finely answers that cost the same are told apart."""
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

    `screen` is of a fleet on which nothing of `placed` lies; it is not changed. `before` is how all was when the call
    began. Half of the work that is left goes to each tier in turn.
    """
    draft = Draft(units, Screen(Fleet(screen.fleet.inventory.copy()), screen.rules), before, tiers)
    draft.become(placed)
    improver = Improver(draft, effort, deadline)
    left = effort.work
    for number, tier in enumerate(tiers):

        def tell(cost: int, name: str = tier_name(tier)) -> None:
            if progress is not None:
                progress(Headway("improving", name, cost))

        left -= improver.improve(number, None, left if number + 1 == len(tiers) else left / 2, tell)
    return draft.placed


class Improver:
    """Improves a draft, one neighbourhood after the other."""

    def __init__(self, draft: Draft, effort: Effort, deadline: Deadline) -> None:
        self.draft, self.effort, self.deadline = draft, effort, deadline
        self.rng = Random(effort.seed)  # noqa: S311  the same neighbourhoods every time
        self.hoods = Hoods(draft, self.rng)
        self.size, self.wide = 30.0, 3
        self._walk: Placement = {}

    def improve(self, number: int, bound: int | None, work: float, tell: Callable[[int], None]) -> float:
        """Bring one tier down, those before it no worse, until the bound or so much work; gives the work it took."""
        draft = self.draft
        kept, start = dict(draft.placed), draft.cost()
        self._resume(number, start)
        best, cost, spent, fruitless = kept, start[number], 0.0, 0
        while spent < work and fruitless < PATIENCE and (bound is None or cost > bound) and not self.deadline.passed():
            hood = self._hood(number)
            if hood is None or not hood.units:
                fruitless += 1
                spent += PER_UNIT
                continue
            gain, took = self._rebuild(hood, number, min(BITE * (1 + fruitless / SLOW), work - spent))
            self.hoods.learn(hood, gain > 0)
            spent += took
            fruitless = 0 if gain > 0 else fruitless + 1
            if gain > 0:
                cost -= gain
                best = dict(draft.placed)
                tell(cost)
        self._walk = dict(draft.placed)
        draft.become(best)
        volumes = [volume for placed in draft.placed.values() for volume in placed]
        if draft.cost() > start or worsened(draft.before, draft.screen.rules, volumes):
            draft.become(kept)
        return spent

    def _resume(self, number: int, cost: Cost) -> None:
        """Go on where the last search ended, if that costs the same up to this tier: room may have been gathered."""
        if not self._walk:
            return
        here = dict(self.draft.placed)
        self.draft.become(self._walk)
        if self.draft.cost()[: number + 1] != cost[: number + 1]:
            self.draft.become(here)

    def _hood(self, number: int) -> Hood | None:
        size, wide = int(self.size), self.wide + self.rng.randrange(2)
        if not all(goal.adds_up for goal, _ in self.draft.tiers[number]) and self.rng.random() < EMPTYING:
            return self.hoods.for_emptying(size, wide + self.rng.randrange(3))
        refused = list(self.draft.refused.values())
        if number > 0 or not refused:
            return self.hoods.for_cost(size, wide)
        unit = self.rng.choice(refused)
        if self.rng.random() < GATHERING / len(refused):
            hood = self.hoods.for_gathering(unit, MOST, self.rng.randint(1, wide))
            if hood is not None:
                return hood
        return self.hoods.for_refused(unit, refused, size, wide)

    def _rebuild(self, hood: Hood, number: int, work: float) -> tuple[int, float]:
        """Place the neighbourhood's units anew: (what is gained, the work it took)."""
        draft = self.draft
        old = {unit.name: draft.take(unit.name) for unit in hood.units if unit.name in draft.placed}
        new, gain, took = self._placed_anew(hood, old, number, work)
        for name, volumes in new.items():
            draft.put(name, volumes)
        return gain, took + PER_UNIT * len(hood.units)

    def _placed_anew(self, hood: Hood, old: Placement, number: int, work: float) -> tuple[Placement, int, float]:
        """(where the units go, what is gained, the work it took)."""
        model = self._model(hood)
        goals = [sum(w * goal.encode(model) for goal, w in tier) for tier in self.draft.tiers[: number + 1]]
        try:
            worth = hint(model, old)
        except KeyError:
            # Where more was broken before than is now, one lies where no filter would let it in today: it may stay.
            return old, 0, 0.0
        for goal in goals[:-1]:
            if not isinstance(goal, int):
                model.cp.add(goal <= worth(goal))
        model.cp.minimize(self._nudged(model, goals[-1], hood, number))
        found = run(model, replace(self.effort, deterministic=True), work, self.deadline)
        if hood.victim is None:
            self.size = min(MOST, self.size * 1.05) if found.proven else max(LEAST, self.size * 0.95)
        if found.value is None:
            return old, 0, found.work
        new = {unit.name: candidates[0] for unit, candidates in unfold(model, found.value) if candidates}
        return new, worth(goals[-1]) - found.value(goals[-1]), found.work

    def _model(self, hood: Hood) -> Model:
        """The neighbourhood's units with nothing merged; all others are part of the fleet."""
        draft = self.draft
        rows = sorted({row for within in hood.within.values() for row in within.hosts or ()})
        classes = unit_classes(hood.units, draft.screen.fleet, merge=False)
        model = Model(draft.screen, classes, [HostClass((row,)) for row in rows], hood.within, draft.before)
        for rule in draft.screen.rules:
            rule.encode(model)
        return model

    def _nudged(self, model: Model, goal: Expression, hood: Hood, number: int) -> Expression:
        """The goal; of answers that it cannot tell apart the one that leaves least on the victim, or that refuses what
        takes little of what is scarce, since that fits in somewhere later.
        """
        if hood.victim is not None:
            terms = list(_load(model, hood.victim))
        elif number == 0:
            shares = [(u, self.draft.scarce.share(unit_class.example)) for u, unit_class in enumerate(model.classes)]
            terms = [(1 - model.placed(u), share) for u, share in shares]
        else:
            return goal
        unit = 1 + sum(amount for _, amount in terms) // FINE
        amounts = [amount // unit for _, amount in terms]
        return goal * (sum(amounts) + 1) + sum(term * amount for (term, _), amount in zip(terms, amounts, strict=True))


def _load(model: Model, victim: Victim) -> Iterator[tuple[Expression, int]]:
    """(one yes or no, what it takes of the victim's charge) of everything that may go there."""
    if victim.charge.over == "host":
        for (u, _, ask, _, k), flow in model.flows.items():
            host = model.fleet.hosts[victim.row]
            if k != NOWHERE and model.host_classes[k].rows == (victim.row,) and not model.classes[u].example.home:
                yield flow, victim.charge.of(ask.request, ask.alternative, host)
        return
    for (_, _, ask, row), target in model.targets.items():
        if row == victim.row:
            yield target, victim.charge.of(ask.request, ask.alternative, model.fleet.pools[row])

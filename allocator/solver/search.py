"""Place a batch jointly: greedy first, then CP-SAT, goal by goal, and the better of both.

Every goal is fixed at the cost of the verified placement before the next is minimised. One worker and a limit on
deterministic work make the answer the same every time; a wall-clock limit may cut it short.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from ortools.sat.python import cp_model

from allocator.domain.inventory import Inventory
from allocator.domain.outcome import GoalResult, Headway
from allocator.domain.placement import Volume
from allocator.domain.policy import Effort
from allocator.fleet import Fleet
from allocator.goal import Answer, Cost, Tiers, tier_costs, tier_name
from allocator.goals.placed import weight
from allocator.rank import Beyond, Choice, rank
from allocator.rule import Rule
from allocator.screen import Screen
from allocator.solver.classes import Unit, host_classes, unit_classes
from allocator.solver.model import Model
from allocator.solver.parts import independent_parts
from allocator.solver.spread import spread
from allocator.solver.unfold import hint, unfold
from allocator.verify import worsened

MERGE_FROM: Final = 150_000
"""Variables from which equal requests and hosts are merged: one boolean per request finds nothing in time above it."""


NOISE: Final = 1e-4
"""How far a float bound may lie above the whole number that it means."""


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """Where the placed units go; a unit that is not among them is refused."""

    placed: dict[str, tuple[Volume, ...]]
    goals: tuple[GoalResult, ...]
    status: str
    deterministic: bool = True


def solve(
    units: Sequence[Unit],
    inventory: Inventory,
    rules: Sequence[Rule],
    tiers: Tiers,
    effort: Effort,
    *,
    progress: Callable[[Headway], None] | None = None,
    executor: Executor | None = None,
) -> Solution:
    """Place newcomers and move those that have a home, all at once.

    Parts of the fleet that cannot influence each other are solved one by one.
    """
    names = [volume.name for unit in units for volume in unit.home]
    screen = Screen(Fleet(inventory.copy(without=names)), rules)
    parts = independent_parts(units, screen)
    solutions = spread(parts, screen, inventory, tiers, effort, solve_part, progress=progress, executor=executor)
    placed = {name: volumes for solution in solutions for name, volumes in solution.placed.items()}
    order = ("optimal", "feasible", "undecided")
    status = max((solution.status for solution in solutions), key=order.index, default="optimal")
    deterministic = all(solution.deterministic for solution in solutions)
    return Solution(placed, _added([solution.goals for solution in solutions], tiers), status, deterministic)


def solve_part(
    units: Sequence[Unit],
    screen: Screen,
    before: Inventory,
    tiers: Tiers,
    effort: Effort,
    progress: Callable[[Headway], None] | None = None,
) -> Solution:
    """Solve one part by itself: `before` is how all was, and the screen's fleet is without what may move."""
    return _Part(units, screen, before, tiers, effort).solve()


class _Part:
    """One part of the fleet, solved by itself."""

    def __init__(self, units: Sequence[Unit], screen: Screen, before: Inventory, tiers: Tiers, effort: Effort) -> None:
        self.units, self.screen, self.before, self.tiers, self.effort = units, screen, before, tiers, effort

    def solve(self) -> Solution:
        best, least = self._greedy()
        if self._costs(best) == least:
            return Solution(best, self._goals(best, least), "optimal")
        model = self._model(merge=self._size() > MERGE_FROM)
        solver = self._solver()
        bounds: list[int | None] = []
        status = "optimal"
        for tier in self.tiers:
            expression = sum(goal_weight * goal.encode(model) for goal, goal_weight in tier)
            model.cp.minimize(expression)
            hint(model, best)
            answer = _solved(solver, model)
            if answer in (cp_model.OPTIMAL, cp_model.FEASIBLE):
                found = self._verified(model, solver)
                if self._costs(found) <= self._costs(best):
                    best = found
            if answer != cp_model.OPTIMAL:
                status = "feasible"
            bounds.append(_bound(solver) if answer in (cp_model.OPTIMAL, cp_model.FEASIBLE) else None)
            cost = self._costs(best)[len(bounds) - 1]
            model.cp.add(expression <= cost)
            if bounds[-1] is None or bounds[-1] < cost:
                status = "feasible"
        return Solution(best, self._goals(best, bounds), status)

    def _greedy(self) -> tuple[dict[str, tuple[Volume, ...]], Cost | None]:
        """One unit after the other, the weightiest and largest first: always there, and the solver's first hint.

        With it a bound: no joint answer costs less than each unit would alone, in tiers where costs add up. None where
        some unit has no such cost.
        """
        least: Cost | None = (0,) * len(self.tiers)
        fleet = Fleet(self.screen.fleet.inventory.copy())
        screen = Screen(fleet, self.screen.rules)
        found = {unit.name: unit.home for unit in self.units if unit.home}
        fleet.settle(volume for volumes in found.values() for volume in volumes)
        for unit in sorted((unit for unit in self.units if not unit.home), key=_urgency):
            choice = self._ranked(unit, screen)
            if choice is not None:
                found[unit.name] = choice.volumes
                fleet.settle(choice.volumes)
            least = _with(least, self._ranked(unit, self.screen), self.tiers)
        return found, None if any(unit.home or _mended_by_others(unit) for unit in self.units) else least

    def _ranked(self, unit: Unit, screen: Screen) -> Choice | None:
        """The unit's best place by ranking; None where there is none, or too many to try."""
        try:
            return rank(unit.requests, screen, self.tiers)
        except Beyond:
            return None

    def _size(self) -> int:
        hosts = len(self.screen.fleet.hosts)
        pools = len(self.screen.fleet.pools)
        return sum((pools + hosts) * len(request.alternatives) for unit in self.units for request in unit.requests)

    def _model(self, *, merge: bool) -> Model:
        fleet = self.screen.fleet
        classes = unit_classes(self.units, fleet, merge=merge)
        model = Model(self.screen, classes, host_classes(self.units, fleet, merge=merge))
        for rule in self.screen.rules:
            rule.encode(model)
        return model

    def _solver(self) -> Any:
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = 1
        solver.parameters.catch_sigint_signal = False
        solver.parameters.random_seed = self.effort.seed
        solver.parameters.linearization_level = 2
        solver.parameters.max_deterministic_time = self.effort.work / len(self.tiers)
        if self.effort.seconds is not None:
            solver.parameters.max_time_in_seconds = self.effort.seconds / len(self.tiers)
        return solver

    def _verified(self, model: Model, solver: Any) -> dict[str, tuple[Volume, ...]]:
        """The solver's counts as volumes. What a merged model cannot keep is placed anew, or refused."""
        inventory = self.screen.fleet.inventory.copy()
        fleet = Fleet(inventory)
        screen = Screen(fleet, self.screen.rules)
        homes = [volume for unit in self.units for volume in unit.home]
        fleet.settle(homes)
        found = {unit.name: unit.home for unit in self.units if unit.home}
        left: list[Unit] = []
        for unit, candidates in unfold(model, solver.value):
            for volumes in candidates:
                if model.exact or not worsened(inventory, screen.rules, volumes):
                    found[unit.name] = volumes
                    fleet.settle(volumes)
                    break
            else:
                left += [] if unit.home else [unit]
        if model.exact:
            return found
        for unit in sorted(left, key=_urgency):
            choice = self._ranked(unit, screen)
            if choice is not None:
                found[unit.name] = choice.volumes
                fleet.settle(choice.volumes)
        return found

    def _costs(self, placed: dict[str, tuple[Volume, ...]]) -> Cost:
        refused = [request for unit in self.units if unit.name not in placed for request in unit.requests]
        after = self.before.plus(volume for volumes in placed.values() for volume in volumes)
        return tier_costs(self.tiers, Answer(self.before, after, refused))

    def _goals(self, placed: dict[str, tuple[Volume, ...]], bounds: Sequence[int | None]) -> tuple[GoalResult, ...]:
        return tuple(
            GoalResult(tier_name(tier), cost, bound)
            for tier, cost, bound in zip(self.tiers, self._costs(placed), bounds, strict=True)
        )


def _with(least: Cost | None, alone: Choice | None, tiers: Tiers) -> Cost | None:
    """A bound with one more unit's cost; a tier in which places are shared counts 0."""
    if least is None or alone is None:
        return None
    counted = [all(goal.adds_up for goal, _ in tier) for tier in tiers]
    return tuple(
        total + (cost if counts else 0) for total, cost, counts in zip(least, alone.cost, counted, strict=True)
    )


def _mended_by_others(unit: Unit) -> bool:
    """Whether other units could let it go where it may not go alone: by the rules that are not monotone."""
    return any(
        request.near is not None or (request.apart is not None and request.apart.min_domains is not None)
        for request in unit.requests
    )


def _urgency(unit: Unit) -> tuple[int, int, str]:
    """The weightiest first, then the largest, then by name."""
    return (
        -sum(map(weight, unit.requests)),
        -sum(request.size_bytes for request in unit.requests),
        unit.name,
    )


def _solved(solver: Any, model: Model) -> Any:
    """The solver's status. It runs in a thread of its own, so that Ctrl-C is noticed meanwhile and ends it."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        try:
            return thread.submit(solver.solve, model.cp).result()
        except BaseException:
            solver.stop_search()
            raise


def _bound(solver: Any) -> int:
    """The proven bound as a whole number: costs are whole, and the solver's own bound is a float just off it."""
    return math.ceil(float(solver.best_objective_bound) - NOISE)


def _added(parts: Sequence[Sequence[GoalResult]], tiers: Tiers) -> tuple[GoalResult, ...]:
    """The goals of all parts together; a bound is known only where every part has one."""
    names = [tier_name(tier) for tier in tiers]
    added = []
    for number, name in enumerate(names):
        results = [part[number] for part in parts]
        bounds = [result.bound for result in results if result.bound is not None]
        bound = sum(bounds) if len(bounds) == len(results) else None
        added.append(GoalResult(name, sum(result.cost for result in results), bound))
    return tuple(added)

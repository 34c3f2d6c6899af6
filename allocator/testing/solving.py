"""The laws of the solver and of goals: model, ranking and plain loops agree on what is allowed and what it costs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import Any, Final
from unittest.mock import patch

from ortools.sat.python import cp_model

from allocator.domain.placement import Volume
from allocator.domain.policy import Effort
from allocator.goal import Goal
from allocator.goals.placed import Placed
from allocator.rank import rank
from allocator.screen import Screen
from allocator.solver import search, tiers
from allocator.solver.classes import Unit, UnitClass
from allocator.solver.counts import NOWHERE
from allocator.solver.model import Model
from allocator.solver.parts import Part
from allocator.solver.search import Solution, solve
from allocator.solver.unfold import hint
from allocator.testing.brute import Pick, answers, arriving, cost, flat, picks
from allocator.testing.filters import closing, linked
from allocator.testing.laws import Law
from allocator.testing.trial import Trial, shown
from allocator.verify import worsened

TO_THE_END: Final = Effort()
"""More work than any tiny world takes."""
A_LITTLE: Final = Effort(work=0.2)
"""Enough to begin everything; what is merged may never be proven, and would go on until the work is done."""


def encoding_is_check(trial: Trial) -> Iterator[str]:
    """With nothing merged, the model's solutions are exactly the answers of brute force, moves of volumes included."""
    for units, expected in batches(trial):
        found = {shown(volumes) for volumes in solutions(trial.model(units))}
        wanted = {shown(flat(pick)) for pick in expected}
        for only in sorted(found - wanted)[:3]:
            yield f"the model allows what breaks a rule: {only}"
        for only in sorted(wanted - found)[:3]:
            yield f"the model has no solution for {only}"


def solves_to_the_optimum(trial: Trial) -> Iterator[str]:
    """`solve` finds what brute force finds best, tier by tier, says what it costs, and makes nothing worse."""
    for units, expected in batches(trial):
        found = _solved(trial, units)
        said = tuple(goal.cost for goal in found.goals)
        counted = cost(units, tuple(found.placed.get(unit.name) for unit in units), trial.inventory, trial.tiers)
        least = min(cost(units, pick, trial.inventory, trial.tiers) for pick in expected)
        yield from _worse(trial, "solve", [volume for volumes in found.placed.values() for volume in volumes])
        if found.status != "optimal":
            yield f"solve says {found.status} in a tiny world"
        if units and not said == counted == least:
            yield f"solve says {said}, plain loops {counted} of its answer, and brute force finds {least}"
        if any(goal.bound != goal.cost for goal in found.goals):
            yield f"the bounds are not the costs: {found.goals}"


def batches(trial: Trial) -> Iterator[tuple[Sequence[Unit], Sequence[Pick]]]:
    """Newcomers, and volumes that may be moved, with all their joint answers.

    What stays may stay; what changes goes where the filters let it. These are asked with all volumes taken out that
    may move, so that nothing new comes to a place that is broken without them.
    """
    yield trial.few, trial.together
    if trial.homes:
        coming = frozenset(r.group for unit in trial.homes for r in unit.requests if r.group is not None)
        screen = trial.screen([volume.name for unit in trial.homes for volume in unit.home])
        every = answers(trial.homes, trial.inventory, trial.rules)
        here = trial.inventory
        yield (
            trial.homes,
            [p for p in every if all(_admitted(v, here.find(v.name), screen, coming) for v in arriving(flat(p), here))],
        )


def no_worse(trial: Trial) -> Iterator[str]:
    """Whatever rank and solver answer makes nothing worse, merged or not."""
    for unit in trial.units:
        choice = rank(unit.requests, trial.screen(), trial.tiers)
        if choice is not None:
            yield from _worse(trial, "rank", choice.volumes)
    for units in filter(None, (trial.units, trial.homes)):
        answers_found = _solved(trial, units), _merged(trial, units), _counted(trial, units)
        for name, found in zip(("solve", "merged solve", "counted solve"), answers_found, strict=True):
            yield from _worse(trial, name, [volume for volumes in found.placed.values() for volume in volumes])
            for unit in units:
                if unit.home and unit.name not in found.placed:
                    yield f"{name} forgets {unit.name}, which was placed"


def merging_relaxes(trial: Trial) -> Iterator[str]:
    """No bound of the merged model is worse than the optimum of the unmerged one."""
    exact, merged = (trial.model(trial.units, merge=merge) for merge in (False, True))
    placed = Placed(trial.policy, trial.rules)
    least = _minimum(exact, placed.encode(exact))
    if (bound := _minimum(merged, placed.encode(merged))) > least:
        yield f"merged, placed costs at least {bound}, unmerged {least}"
        return
    exact.cp.add(placed.encode(exact) <= least)
    merged.cp.add(placed.encode(merged) <= least)
    for goal in trial.goals:
        best = _minimum(exact, goal.encode(exact))
        if (bound := _minimum(merged, goal.encode(merged))) > best:
            yield f"merged, {goal.name} costs at least {bound}, unmerged {best}"


def merged_solve_is_bounded(trial: Trial) -> Iterator[str]:
    """A merged solve tells a bound that no answer beats, and an answer that it does not beat itself."""
    exact = _solved(trial, trial.units)
    if exact.status != "optimal":
        yield f"solve says {exact.status} in a tiny world"
    for name, found in (("merged", _merged(trial, trial.units)), ("counted", _counted(trial, trial.units))):
        for goal in found.goals[:1]:
            least = exact.goals[0].cost
            if goal.bound is None or not goal.bound <= least <= goal.cost:
                yield f"{name}, placed costs {goal.cost}, at least {goal.bound}; unmerged {least}"


def parts_add_up(trial: Trial) -> Iterator[str]:
    """Solved part by part a batch costs what it costs solved as a whole."""
    parted = _solved(trial, trial.units)
    with patch.object(search, "independent_parts", lambda units, screen: [Part(tuple(units), (), ())]):
        whole = _solved(trial, trial.units)
    if [goal.cost for goal in parted.goals] != [goal.cost for goal in whole.goals]:
        yield f"in parts {parted.goals}, as a whole {whole.goals}"


def goal_is_cost(trial: Trial) -> Iterator[str]:
    """For a fixed placement the least that the encoded goal can be is what the goal's plain loops say."""
    rng = Random(trial.world.name)  # noqa: S311
    for units in filter(None, (trial.few, trial.homes)):
        model = trial.model(units, ruled=False)
        encoded = [goal.encode(model) for goal in trial.goals]
        model.cp.minimize(sum(encoded))
        every = list(picks(units, trial.inventory))
        for pick in rng.sample(every, min(3, len(every))):
            solver = fixed(model, units, pick)
            if solver is None:
                yield f"the model has no place for {shown(flat(pick))}"
                continue
            for goal, expression in zip(trial.goals, encoded, strict=True):
                said, counted = int(solver.value(expression)), _one_cost(trial, goal, units, pick)
                if said != counted:
                    yield f"{goal.name} of {shown(flat(pick))} is {said} to the solver and {counted} in plain loops"


def fast_is_slow(trial: Trial) -> Iterator[str]:
    """Rank and solver reach the same cost for one VM, and it is what the answer costs."""
    for unit in trial.units:
        choice = rank(unit.requests, trial.screen(), trial.tiers)
        found = _solved(trial, (unit,))
        if (choice is None) != (unit.name not in found.placed):
            yield f"rank finds {choice}, solve {found.placed}"
        elif choice is not None:
            counted = cost((unit,), (choice.volumes,), trial.inventory, trial.tiers)
            solved = tuple(goal.cost for goal in found.goals)
            if not choice.cost == counted == solved:
                yield f"rank says {choice.cost} of {shown(choice.volumes)}, loops {counted}, solve {solved}"


def _admitted(volume: Volume, home: Volume | None, screen: Screen, coming: frozenset[str]) -> bool:
    """Whether the filters let a volume go to its pool; hosts that it keeps are only asked for what is new to them."""
    if home is not None and home.asked == volume.asked:
        return linked(screen, [volume]) and not closing(screen, [replace(volume, hosts=())], coming)
    return not closing(screen, [volume], coming)


def solutions(model: Model) -> list[list[Volume]]:
    """Every solution of an unmerged model."""
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.enumerate_all_solutions = True
    solver.parameters.cp_model_presolve = False
    solver.parameters.symmetry_level = 0
    collected = _Collected(model)
    solver.solve(model.cp, collected)
    return collected.found


class _Collected(cp_model.CpSolverSolutionCallback):
    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model = model
        self.found: list[list[Volume]] = []

    def on_solution_callback(self) -> None:
        classes, fleet = self.model.classes, self.model.fleet
        seats = {u: k for (u, k), variable in self.model.hosts.items() if self.boolean_value(variable)}
        self.found.append(
            [
                Volume(
                    ask.request, fleet.pools[row].name, self._hosts(classes[u], seats[u]), ask.alternative, ask.asked
                )
                for (u, _, ask, row), variable in self.model.targets.items()
                if self.boolean_value(variable)
            ]
        )

    def _hosts(self, unit_class: UnitClass, seat: int) -> tuple[str, ...]:
        if unit_class.example.home:
            return unit_class.example.home[0].hosts
        return () if seat == NOWHERE else (self.model.fleet.hosts[self.model.host_classes[seat].rows[0]].name,)


def _minimum(model: Model, expression: Any) -> int:
    model.cp.minimize(expression)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    status = solver.solve(model.cp)
    assert status == cp_model.OPTIMAL, solver.status_name(status)
    return int(solver.value(expression))


def fixed(model: Model, units: Sequence[Unit], pick: Pick) -> Any:
    """The model solved with its variables fixed to one answer; None where it has none."""
    hint(model, {unit.name: option for unit, option in zip(units, pick, strict=True) if option is not None})
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.fix_variables_to_their_hinted_value = True
    return solver if solver.solve(model.cp) == cp_model.OPTIMAL else None


def _one_cost(trial: Trial, goal: Goal, units: Sequence[Unit], pick: Pick) -> int:
    return cost(units, pick, trial.inventory, (((goal, 1),),))[0]


def _solved(trial: Trial, units: Sequence[Unit], effort: Effort = TO_THE_END) -> Solution:
    return solve(units, trial.inventory, trial.rules, trial.tiers, effort)


def _merged(trial: Trial, units: Sequence[Unit]) -> Solution:
    """What `solve` finds where equal units and equal hosts are counted, however few they are."""
    with patch.object(tiers, "WHOLE", -1):
        return _solved(trial, units, A_LITTLE)


def _counted(trial: Trial, units: Sequence[Unit]) -> Solution:
    """What `solve` finds as it does for thousands of units, however few they are."""
    with patch.object(search, "MANY", -1):
        return _solved(trial, units, A_LITTLE)


def _worse(trial: Trial, who: str, volumes: Sequence[Volume]) -> Iterator[str]:
    if not trial.judge.allows(volumes):
        yield f"{who} makes something worse: {shown(volumes)}"
    for violation in worsened(trial.inventory, trial.rules, arriving(volumes, trial.inventory)):
        yield f"{who} places {shown(volumes)} and verify finds {violation}"


SOLVER_LAWS: Final[tuple[Law, ...]] = (encoding_is_check,)
GOAL_LAWS: Final[tuple[Law, ...]] = (solves_to_the_optimum, goal_is_cost, fast_is_slow)
MERGE_LAWS: Final[tuple[Law, ...]] = (merging_relaxes, merged_solve_is_bounded, no_worse)
PART_LAWS: Final[tuple[Law, ...]] = (parts_add_up, no_worse)

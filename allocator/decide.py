"""The pure decision: requests and an inventory in, placements and refusals out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial

from allocator.crowd import Crowd
from allocator.domain.inventory import Inventory
from allocator.domain.outcome import GoalResult, Headway, Refusal, RefusalKind, Remedy
from allocator.domain.placement import Volume
from allocator.domain.policy import Effort
from allocator.domain.request import Request
from allocator.goal import Answer, Tiers, tier_costs, tier_name
from allocator.rank import Beyond, rank
from allocator.refusal import Refusing
from allocator.screen import Screen
from allocator.solver.classes import Unit, units_of
from allocator.verify import worsened


class Broken(AssertionError):
    """An answer that breaks a rule: our own bug, never the user's."""


@dataclass(slots=True, eq=False)
class Decision:
    """Where the requests go; those that go nowhere are refused."""

    volumes: tuple[Volume, ...]
    refused: tuple[Refusal, ...]
    goals: tuple[GoalResult, ...]
    status: str
    deterministic: bool = True
    checked: bool = False
    """Whether other code than found it has verified it already, as it does a batch of thousands in pieces."""


def decide(
    requests: Sequence[Request],
    screen: Screen,
    tiers: Tiers,
    effort: Effort,
    *,
    explain: bool = True,
    progress: Callable[[Headway], None] | None = None,
    executor: Executor | None = None,
) -> Decision:
    """Place one VM by ranking, several by the solver, and check the answer with different code.

    With `explain` every refusal names the fewest rules that refuse it and what would help; without, that of one VM
    still counts what closes each place. `progress` is told how far the solver has come; parts of the fleet that share
    nothing are solved on `executor`.
    """
    units = units_of(requests)
    if not units:
        return Decision((), (), tuple(GoalResult(tier_name(tier), 0, 0) for tier in tiers), "optimal")
    decision = _one(units[0], screen, tiers, effort, explain) if len(units) == 1 else None
    if decision is None:
        decision = _many(units, screen, tiers, effort, explain, progress, executor)
    wrong = [] if decision.checked else worsened(screen.fleet.inventory, screen.rules, decision.volumes)
    if wrong:
        raise Broken(f"The answer breaks {wrong[0].rule} at {' '.join(wrong[0].subject)} by {wrong[0].amount}.")
    return decision


def _one(unit: Unit, screen: Screen, tiers: Tiers, effort: Effort, explain: bool) -> Decision | None:
    """The exact answer for one VM; None where its volumes compete in more ways than ranking may try."""
    try:
        choice = rank(unit.requests, screen, tiers)
    except Beyond:
        return None
    if choice is not None:
        return Decision(choice.volumes, (), screen.outlook(tiers).results(choice.cost), "optimal")
    inventory = screen.fleet.inventory
    costs = tier_costs(tiers, Answer(inventory, inventory.plus(), unit.requests))
    refusing = Refusing(inventory, screen.rules, tiers, screen)
    kind = None if explain else RefusalKind.NO_ROOM
    refusals = refusing.refusals(unit.requests, kind, brief=not explain)
    return Decision((), tuple(refusals), screen.outlook(tiers).results(costs), "optimal")


def _many(
    units: Sequence[Unit],
    screen: Screen,
    tiers: Tiers,
    effort: Effort,
    explain: bool,
    progress: Callable[[Headway], None] | None,
    executor: Executor | None,
) -> Decision:
    """The joint answer for a batch (R22). A unit that would fit alone is refused as part of a group."""
    from allocator.solver.deadline import Deadline

    deadline = Deadline(effort.seconds)  # begins here, since a process loads the solver once, in half a second
    from allocator.solver.conflict import fewest_together
    from allocator.solver.search import solve

    inventory, rules = screen.fleet.inventory, screen.rules
    within = replace(effort, seconds=deadline.left())
    solution = solve(units, inventory, rules, tiers, within, progress=progress, executor=executor)
    volumes = tuple(volume for unit in units for volume in solution.placed.get(unit.name, ()))
    left = [unit for unit in units if unit.name not in solution.placed]
    if not explain:
        refused = [refusal for unit in left for refusal in _brief(unit, RefusalKind.NO_ROOM)]
    elif left:
        proven = solution.goals[0].bound == solution.goals[0].cost
        together = partial(fewest_together, units=units, inventory=inventory, rules=rules, deadline=deadline)
        refused = list(Crowd(screen, tiers, volumes, together, proven).refusals(left))
    else:
        refused = []
    deterministic = solution.deterministic and not deadline.hit
    return Decision(volumes, tuple(refused), solution.goals, solution.status, deterministic, solution.checked)


def _brief(unit: Unit, kind: RefusalKind) -> list[Refusal]:
    return [Refusal(request.name, kind) for request in unit.requests]


def look_further(decision: Decision, requests: Sequence[Request], screen: Screen, effort: Effort) -> Decision:
    """The decision with each refusal for want of room refined: the moves that would make room, where there are any."""
    from allocator.solver.moves import moves_that_help

    inventory = screen.fleet.inventory
    units = {request.name: unit for unit in units_of(requests) for request in unit.requests}
    found: dict[str, Remedy | None] = {}
    refined = []
    for refusal in decision.refused:
        unit = units[refusal.request]
        if refusal.kind is RefusalKind.NO_ROOM:
            if unit.name not in found:
                found[unit.name] = _moving(moves_that_help(unit, inventory, screen.rules, effort), inventory)
            remedy = found[unit.name]
            if remedy is not None:
                remedies = (*refusal.remedies, remedy)
                refusal = replace(refusal, kind=RefusalKind.MOVE_WOULD_HELP, remedies=remedies)
        refined.append(refusal)
    return replace(decision, refused=tuple(refined))


def _moving(moves: Sequence[Volume] | None, inventory: Inventory) -> Remedy | None:
    if not moves:
        return None
    steps = [f"{volume.name} from {inventory.volumes[volume.name].pool} to {volume.pool}" for volume in moves]
    change = {"version": 1, "volumes": [{"name": volume.name, "pool": volume.pool} for volume in moves]}
    return Remedy(f"Maybe move {' and '.join(steps)}.", True, change)

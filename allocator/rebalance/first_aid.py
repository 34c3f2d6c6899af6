"""What is broken mended one volume at a time: there at once, and what the solver has to beat."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from allocator.domain.inventory import Inventory
from allocator.domain.move import Move
from allocator.domain.placement import Touched, Volume
from allocator.domain.rebalance import Budget
from allocator.goal import Goal
from allocator.rebalance.targets import Targets
from allocator.rule import Rule
from allocator.solver.regroup.mend import Mending


def first_aid(
    movable: Sequence[Volume],
    before: Inventory,
    rules: Sequence[Rule],
    goal: Goal,
    mending: Mending,
    budget: Budget,
    stop: Callable[[], bool],
) -> list[Move]:
    """Volumes that are wrong where they lie go first, the largest of them before; then those on pools that are hurt,
    for as long as that makes less of what is broken. `stop` is asked before each volume.
    """
    targets = Targets(before, rules, goal, budget)
    wrong = [volume for volume in movable if volume.name in mending.misplaced or volume.name in mending.unfit]
    for volume in sorted(wrong, key=lambda volume: (-volume.request.size_bytes, volume.name)):
        if targets.spent or stop():
            break
        then = next(targets.of(volume), None)
        if then is not None:
            targets.make(then)
    for name in sorted(mending.hurt or ()):
        _relieve(name, movable, targets, stop)
    return [targets.moves[name] for name in sorted(targets.moves)]


def _relieve(name: str, movable: Sequence[Volume], targets: Targets, stop: Callable[[], bool]) -> None:
    """Move volumes off a pool while something is broken there, those that mend most for their size first."""
    here = [volume for volume in movable if volume.pool == name and volume.name not in targets.moves]
    amounts = _amounts(name, targets)
    for volume in sorted(here, key=lambda volume: (-volume.request.size_bytes, volume.name)):
        if not amounts or targets.spent or stop():
            return
        then = next(targets.of(volume), None)
        if then is None:
            continue
        less = _amounts(name, targets, then)
        if sum(less.values()) < sum(amounts.values()):
            targets.make(then)
            amounts = less


def _amounts(name: str, targets: Targets, then: Volume | None = None) -> dict[tuple[str, str], int]:
    """What is broken of sums at a pool."""
    here = targets.fleet.inventory
    after = here if then is None else here.plus([then])
    place = next(iter(here.volumes_at("pool", name)), None)
    touched = Touched((), (name,), (), () if place is None else (place.request,), (("pool", name),))
    return {
        (violation.rule, violation.subject[0]): violation.amount
        for rule in targets.screen.rules
        for violation in rule.violations(after, touched)
        if violation.subject[1:] == ("pool", name)
    }

"""The hottest pool first: the one move from it that gains most, again and again, until none is worth its while.

Under a small budget this is hard to beat, and it is there at once.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from fractions import Fraction

import numpy as np

from allocator.domain.inventory import Inventory
from allocator.domain.move import Move
from allocator.domain.placement import Volume
from allocator.domain.rebalance import Budget
from allocator.goal import Answer, Goal
from allocator.limits import UNLIMITED, LimitRule
from allocator.rebalance.targets import Targets
from allocator.rule import Rule


def hottest_first(
    movable: Iterable[Volume],
    before: Inventory,
    rules: Sequence[Rule],
    goal: Goal,
    worthwhile: int,
    budget: Budget,
    stop: Callable[[], bool],
) -> list[Move]:
    """Moves of which each lowers the goal by at least `worthwhile`, every state between them keeping the rules.

    No volume moves twice. `stop` is asked before each move.
    """
    targets, names = Targets(before, rules, goal, budget), {volume.name for volume in movable}
    cool: set[int] = set()
    while not (targets.spent or stop()):
        row = _hottest(targets, cool)
        if row is None:
            break
        then = _best_from(row, targets, names, worthwhile)
        if then is None:
            cool.add(row)
            continue
        targets.make(then)
        # What it left and where it went may be worth another look.
        cool -= {row, targets.fleet.pool_row[then.pool]}
    return [targets.moves[name] for name in sorted(targets.moves)]


def _hottest(targets: Targets, cool: set[int]) -> int | None:
    """The pool that has sold the largest share of anything, of those that may have something to give."""
    fleet = targets.fleet
    best: tuple[Fraction, int] | None = None
    for rule in targets.screen.rules:
        limit = rule.sold if isinstance(rule, LimitRule) else None
        if limit is None or limit.charge.over != "pool":
            continue
        most = np.broadcast_to(limit.rows(fleet), (len(fleet.pools),)).tolist()
        for row, (sold, at_most) in enumerate(zip(fleet.sums(limit.charge).tolist(), most, strict=True)):
            if sold and 0 < at_most < UNLIMITED and row not in cool:
                share = Fraction(sold, at_most), -row
                best = share if best is None else max(best, share)
    return None if best is None else -best[1]


def _best_from(row: int, targets: Targets, names: set[str], worthwhile: int) -> Volume | None:
    """Where the volume goes whose move from a pool lowers the goal most; None where none is worthwhile."""
    best: tuple[int, str, Volume] | None = None
    seen = set[Hashable]()
    here = targets.fleet.inventory
    for volume in sorted(here.volumes_at("pool", targets.fleet.pools[row].name), key=lambda volume: volume.name):
        request = volume.request
        key = request.shape, volume.alternative, volume.asked, volume.hosts
        if volume.name not in names or key in seen:
            continue
        seen.add(key)
        then = next(targets.of(volume), None)
        if then is None:
            continue
        gain = -targets.goal.cost(Answer(here, here.plus([then]), ()))
        if gain >= worthwhile and (best is None or (-gain, volume.name) < best[:2]):
            best = -gain, volume.name, then
    return None if best is None else best[2]

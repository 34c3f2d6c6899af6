"""The law of shards: a part of a batch is answered by its shard as by the whole fleet, here and on a worker."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from allocator.domain.policy import Effort
from allocator.goals import tiers_of
from allocator.rules import rules_of
from allocator.solver.classes import Unit
from allocator.solver.parts import independent_parts
from allocator.solver.search import Solution, solve_part
from allocator.solver.spreading.parcel import pack
from allocator.solver.spreading.shard import cut
from allocator.solver.spreading.worker import read, work
from allocator.testing.trial import Trial, shown

EFFORT = Effort()


def shards_answer_as_the_fleet(trial: Trial) -> Iterator[str]:
    """Every part of what is asked, and of what may be moved, has one answer, whoever gives it."""
    for units in filter(None, (trial.units, trial.homes)):
        yield from _compared(trial, units)


def _compared(trial: Trial, units: Sequence[Unit]) -> Iterator[str]:
    moving = [volume.name for unit in units for volume in unit.home]
    known, inventory = rules_of(trial.policy), trial.inventory
    for part in independent_parts(units, trial.screen(moving)):
        mine = {volume.name for unit in part.units for volume in unit.home}
        shard = cut(part, inventory, frozenset(moving) - mine)
        whole = solve_part(part.units, trial.screen(moving), inventory, trial.tiers, EFFORT)
        alone = solve_part(part.units, shard.screen(trial.rules), shard.inventory, trial.tiers, EFFORT)
        if told(whole) != told(alone):
            yield f"the whole fleet says {told(whole)}, a shard of it {told(alone)}"
        tiers = tiers_of(trial.policy, known)
        here = solve_part(part.units, shard.screen(known), shard.inventory, tiers, EFFORT)
        sent = read(work(solve_part, pack(shard, trial.policy, EFFORT), 1), part.units)
        if told(here) != told(sent):
            yield f"here a shard says {told(here)}, on a worker {told(sent)}"


def told(solution: Solution) -> str:
    """A solution to the last detail."""
    return repr([solution.status, solution.goals, {name: shown(v) for name, v in solution.placed.items()}])

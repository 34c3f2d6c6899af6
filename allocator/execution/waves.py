"""Moves carried out wave by wave, each on fresh facts; what has changed meanwhile stops the rest and breaks nothing."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from allocator.domain.inventory import Inventory
from allocator.domain.move import Move
from allocator.domain.plan import Plan
from allocator.execution.report import Report
from allocator.planning.copiers import moving_plan
from allocator.planning.replay import replay
from allocator.planning.trust import PlanError
from allocator.rule import Rule


@dataclass(frozen=True, slots=True)
class Moved:
    """What came of moves in waves: a report of each plan that was run, and what is left."""

    reports: tuple[Report, ...]
    left: tuple[Move, ...] = ()
    stopped: str | None = None
    """Why the rest was not begun; None where nothing is left."""


async def run_waves(
    waves: Sequence[Sequence[Move]],
    rules: Sequence[Rule],
    *,
    now: Callable[[], Inventory],
    unfinished: Callable[[], Sequence[Plan]],
    apply: Callable[[Plan], Awaitable[Report]],
) -> Moved:
    """Carry out what is left of moves in waves; called again after a crash it goes on.

    Before each wave plans that an earlier run left are finished, the facts are read again by `now`, and the rest is
    replayed on them: it stops there if any of it no longer holds. Each wave is a plan of its own, so that room on its
    targets is taken when it begins and not before. Raises what `apply` raises, but for PlanError.
    """
    names = {move.volume for wave in waves for move in wave}
    reports: list[Report] = []
    while True:
        begun = [plan for plan in await asyncio.to_thread(unfinished) if _touches(plan, names)]
        try:
            reports += [await apply(plan) for plan in begun]
        except PlanError as error:
            return Moved(tuple(reports), (), str(error))
        inventory = await asyncio.to_thread(now)
        left = [wave for wave in still_to_do(waves, inventory) if wave]
        rest = tuple(move for wave in left for move in wave)
        if not left:
            return Moved(tuple(reports))
        if reports and reports[-1].state != "done":
            return Moved(tuple(reports), rest, f"Plan {reports[-1].plan} is {reports[-1].state}. Maybe see why first.")
        fault = await asyncio.to_thread(replay, left, inventory, rules)
        if fault is not None:
            return Moved(tuple(reports), rest, f"{fault.move.volume} cannot move any more: {fault.text}")
        try:
            reports.append(await apply(moving_plan(left[0], inventory, rules)))
        except (PlanError, LookupError) as error:
            return Moved(tuple(reports), rest, str(error))


def _touches(plan: Plan, names: set[str]) -> bool:
    return not names.isdisjoint(step.volume for step in plan.steps)


def still_to_do(waves: Sequence[Sequence[Move]], inventory: Inventory) -> list[list[Move]]:
    """The moves of each wave without those that are done, and without those that led there."""
    hops: dict[str, list[Move]] = defaultdict(list)
    for move in (move for wave in waves for move in wave):
        hops[move.volume].append(move)
    done: set[int] = set()
    for name, moves in hops.items():
        known = inventory.find(name)
        arrived = [
            number
            for number, move in enumerate(moves, start=1)
            if known is not None
            and known.moving_to is None
            and (known.pool, known.asked) == (move.then.pool, move.then.asked)
        ]
        done |= {id(move) for move in moves[: max(arrived, default=0)]}
    return [[move for move in wave if id(move) not in done] for wave in waves]

"""Rearrange many volumes that lie somewhere already: never worse than they lie, and as well as the time allows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from importlib.util import find_spec
from threading import Thread
from typing import Final

from allocator.domain.inventory import Inventory
from allocator.domain.outcome import Headway
from allocator.domain.placement import Volume
from allocator.domain.policy import Effort
from allocator.goal import Answer, Tiers, tier_costs, tier_name
from allocator.rule import Rule
from allocator.solver.classes import Unit
from allocator.solver.deadline import Deadline
from allocator.solver.rearrange.compile import compiled
from allocator.solver.rearrange.state import BEST, COST, Ints, State
from allocator.solver.rearrange.words import Unsaid
from allocator.verify import worsened

CHECKING: Final = 2e-5
"""Seconds that the check of an answer takes for each volume and rule (measured)."""
LAST: Final = 0.95
"""The share of the time after which nothing new is begun."""


def rearrange(
    units: Sequence[Unit],
    inventory: Inventory,
    rules: Sequence[Rule],
    tiers: Tiers,
    effort: Effort,
    progress: Callable[[Headway], None] | None = None,
) -> tuple[dict[str, tuple[Volume, ...]], bool] | None:
    """Where each unit goes, on the hosts that it has, and whether a clock had a say.

    None where the search cannot keep to what the rules and goals say, or numba is not installed. With a deadline and
    several workers each searches from a seed of its own, and the best answer is taken.
    """
    if find_spec("numba") is None:
        return None
    deadline = Deadline(effort.seconds)
    ready: Future[None] = Future()
    Thread(target=_load, args=(ready,), daemon=True).start()
    movable = [volume for unit in units for volume in unit.home]
    try:
        state = compiled(movable, inventory, rules, tiers)
    except Unsaid:
        return None
    home = {unit.name: unit.home for unit in units}
    left = deadline.left()
    try:
        ready.result(None if left is None else left * LAST)
    except TimeoutError:
        return home, False
    best = _searched(state, effort, deadline, len(movable) * len(rules) * CHECKING, tiers, progress)
    pools = tuple(inventory.pools.values())
    moved = {
        volume.name: Volume.on(pools[row], volume.request, volume.asked, volume.hosts)
        for volume, row in zip(movable, best.tolist(), strict=True)
        if pools[row].name != volume.pool
    }
    if worsened(inventory, rules, moved.values()):
        return None
    if tier_costs(tiers, Answer(inventory, inventory.plus(moved.values()), ())) > (0,) * len(tiers):
        moved = {}
    placed = {name: tuple(moved.get(volume.name, volume) for volume in volumes) for name, volumes in home.items()}
    return placed, effort.seconds is None


def _load(ready: Future[None]) -> None:
    """Load what is compiled, or compile it, beside whatever else is to be done first."""
    try:
        from allocator.solver.rearrange import anneal

        anneal.warm()
    except BaseException as error:
        ready.set_exception(error)
    else:
        ready.set_result(None)


def _searched(
    state: State,
    effort: Effort,
    deadline: Deadline,
    reserve: float,
    tiers: Tiers,
    progress: Callable[[Headway], None] | None,
) -> Ints:
    """The best answer of all searches."""
    from allocator.solver.rearrange.anneal import PER_WORK, Walker

    begun, start = deadline.left(), int(state.figures[COST])

    def share(walker: Walker) -> float:
        """How much of the work or of the time is used up."""
        by_work, left = walker.tried / max(1.0, effort.work * PER_WORK), deadline.left()
        if begun is None or left is None:
            return by_work
        return 1.0 if left <= 0 else max(by_work, (begun - left) / max(1e-3, begun * LAST - reserve))

    def told(walker: Walker) -> None:
        if progress is not None:
            cost = int(walker.state.figures[BEST]) - start
            progress(Headway("improving", "; ".join(map(tier_name, tiers)), cost))

    walkers = [
        Walker.of(state, effort.seed + number) for number in range(1 if effort.deterministic else effort.workers)
    ]
    with ThreadPoolExecutor(max_workers=len(walkers)) as threads:
        for walk in [threads.submit(walker.search, partial(share, walker), told) for walker in walkers]:
            walk.result()
    return min(walkers, key=lambda walker: int(walker.state.figures[BEST])).state.best

"""Rearrange many volumes that lie somewhere already: never worse than they lie, and as well as the time allows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Final

from allocator.domain.inventory import Inventory
from allocator.domain.outcome import Headway
from allocator.domain.placement import Volume
from allocator.domain.policy import Effort
from allocator.goal import Answer, Tiers, tier_costs, tier_name
from allocator.rule import Rule
from allocator.solver.deadline import Deadline
from allocator.solver.rearrange.compile import compiled
from allocator.solver.rearrange.state import BEST, COST, Ints, State
from allocator.solver.rearrange.warming import warming
from allocator.solver.rearrange.words import Unsaid
from allocator.verify import worsened

CHECKING: Final = 1.5
"""How many times as long the check of an answer takes as reading what rules and goals say (measured)."""
LAST: Final = 0.98
"""The share of the time after which nothing new is begun."""


@dataclass(frozen=True, slots=True)
class Rearranged:
    """What the search found."""

    moved: dict[str, Volume]
    """Those that go elsewhere, as they will lie there, by name."""
    costs: tuple[int, ...]
    """What each tier grows by."""
    deterministic: bool
    """Whether no clock had a say."""


def rearrange(
    movable: Sequence[Volume],
    inventory: Inventory,
    rules: Sequence[Rule],
    tiers: Tiers,
    effort: Effort,
    progress: Callable[[Headway], None] | None = None,
) -> Rearranged | None:
    """Which of the volumes go elsewhere, each with the hosts that it has; all others of the inventory stay.

    Nothing gets worse: no rule is broken that was not, and the tiers cost no more than where everything stays. None
    where the search cannot keep to what the rules and goals say, or numba is not installed. `effort` bounds it by work
    (4 million moves tried a unit), by seconds, or by both. With seconds and several workers each searches from a seed
    of its own, in a thread, and the best answer is taken.
    """
    if find_spec("numba") is None:
        return None
    deadline = Deadline(effort.seconds)
    ready = warming(_warm)
    nothing, begun = (0,) * len(tiers), deadline.left()
    try:
        state = compiled(movable, inventory, rules, tiers)
    except Unsaid:
        return None
    left = deadline.left()
    try:
        ready.result(None if left is None else left * LAST)
    except TimeoutError:
        return Rearranged({}, nothing, deterministic=False)
    reserve = 0.0 if begun is None or left is None else CHECKING * (begun - left)
    best = _searched(state, effort, deadline, reserve, tiers, progress)
    pools = tuple(inventory.pools.values())
    moved = {
        volume.name: Volume.on(pools[row], volume.request, volume.asked, volume.hosts)
        for volume, row in zip(movable, best.tolist(), strict=True)
        if pools[row].name != volume.pool
    }
    if worsened(inventory, rules, moved.values()):
        return None
    costs = tier_costs(tiers, Answer(inventory, inventory.plus(moved.values()), ()))
    if costs > nothing:
        moved, costs = {}, nothing
    return Rearranged(moved, costs, deterministic=effort.seconds is None)


def _warm() -> None:
    from allocator.solver.rearrange import walker

    walker.warm()


def _searched(
    state: State,
    effort: Effort,
    deadline: Deadline,
    reserve: float,
    tiers: Tiers,
    progress: Callable[[Headway], None] | None,
) -> Ints:
    """The best answer of all searches."""
    from allocator.solver.rearrange.anneal import PER_WORK, search
    from allocator.solver.rearrange.walker import Walker

    begun, start = deadline.left(), int(state.figures[COST])

    def share(walker: Walker) -> float:
        """How much of the work or of the time is used up."""
        by_work, left = walker.tried / max(1.0, effort.work * PER_WORK), deadline.left()
        if left == 0:
            return 1.0
        if begun is None or left is None:
            return by_work
        return max(by_work, (begun - left) / max(1e-3, begun * LAST - reserve))

    def told(walker: Walker) -> None:
        if progress is not None:
            cost = int(walker.state.figures[BEST]) - start
            progress(Headway("improving", "; ".join(map(tier_name, tiers)), cost))

    walkers = [
        Walker.of(state, effort.seed + number) for number in range(1 if effort.deterministic else effort.workers)
    ]
    with ThreadPoolExecutor(max_workers=len(walkers)) as threads:
        walks = [
            threads.submit(search, walker, turn, partial(share, walker), partial(told, walker))
            for turn, walker in enumerate(walkers)
        ]
        for walk in walks:
            walk.result()
    return min(walkers, key=lambda walker: int(walker.state.figures[BEST])).state.best

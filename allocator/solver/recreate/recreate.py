"""Few moves that lower a goal most, each by more than it must be worth, within a budget."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Final

import numpy as np

from allocator.domain.inventory import Inventory
from allocator.domain.move import Move
from allocator.domain.placement import Volume
from allocator.domain.policy import Effort
from allocator.domain.rebalance import Budget
from allocator.goal import Goal
from allocator.rule import Rule
from allocator.solver.deadline import Deadline
from allocator.solver.rearrange.compile import compiled
from allocator.solver.rearrange.state import Ints, State, smallest
from allocator.solver.rearrange.warming import warming
from allocator.solver.rearrange.words import Unsaid
from allocator.solver.recreate.tables import Tables, tables
from allocator.verify import worsened

ROUNDS_PER_WORK: Final = 250
"""Times that moves are taken back, about a quarter of a second (measured: 1 ms each for 10,000 volumes)."""
AT_ONCE: Final = 50
"""Rounds between two looks at the clock."""
LAST: Final = 0.8
"""The share of the time after which it is too late to begin, since compiling took the rest."""


def few_moves(
    movable: Sequence[Volume],
    before: Inventory,
    rules: Sequence[Rule],
    goal: Goal,
    worthwhile: int,
    budget: Budget,
    effort: Effort,
    deadline: Deadline,
    begun: Sequence[Move] = (),
) -> list[Move] | None:
    """The moves, in the order of `movable`; no volume changes how it is kept but by where it goes. The search goes on
    from those of `begun`, which must be allowed together.

    None where the search cannot keep to what the rules and the goal say, or numba is not installed.
    """
    if find_spec("numba") is None or not movable:
        return None
    ready = warming(_warm)
    try:
        state = compiled(movable, before, rules, (((goal, 1),),))
        if state.signed or state.high or state.way.any() or state.stay.any():
            return None
        size = np.array([volume.request.size_bytes for volume in movable], dtype=np.int64)
        found = tables(state, size, budget)
        left = deadline.left()
        ready.result(None if left is None else left * LAST)
    except (Unsaid, MemoryError, TimeoutError):
        return None
    state.leaving[:] = worthwhile
    pools = tuple(before.pools.values())
    numbers = {volume.name: number for number, volume in enumerate(movable)}
    rows = {pool.name: row for row, pool in enumerate(pools)}
    first = np.array([[numbers[move.volume], rows[move.target]] for move in begun], dtype=np.int64).reshape(-1, 2)
    _search(state, found, first, effort, deadline)
    moves = [
        Move(volume, Volume.on(pools[row], volume.request, volume.asked, volume.hosts))
        for volume, row in zip(movable, state.best.tolist(), strict=True)
        if pools[row].name != volume.pool
    ]
    return None if worsened(before, rules, [move.then for move in moves]) else moves


def _warm() -> None:
    """Compile what is not compiled yet, by trying nothing in a state of one volume and one pool."""
    from allocator.solver.recreate import kernel

    state = smallest()
    nothing = tables(state, np.zeros(1, dtype=np.int64), Budget())
    kernel.begin(state, nothing)
    kernel.make(state, nothing, np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))
    kernel.greedy(state, nothing)
    kernel.improve(state, nothing, np.ones(1, dtype=np.uint64), 1, 0, 0.0)


def _search(state: State, found: Tables, first: Ints, effort: Effort, deadline: Deadline) -> None:
    """The best moves of all, one by one; then better ones in place of some, warm at first and cool at the end.

    `first` are volumes and pools of moves that are made before.
    """
    from allocator.solver.rearrange.kernel.chance import seeded
    from allocator.solver.recreate import kernel

    kernel.begin(state, found)
    kernel.make(state, found, first[:, 0].copy(), first[:, 1].copy())
    kernel.greedy(state, found)
    seed, rounds = seeded(effort.seed), round(effort.work * ROUNDS_PER_WORK)
    for done in range(0, rounds, AT_ONCE):
        if deadline.passed():
            break
        kernel.improve(state, found, seed, 1 + done, AT_ONCE, float(state.leaving[0]) * (1 - done / rounds))

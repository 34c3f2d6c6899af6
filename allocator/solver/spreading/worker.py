"""What a worker does with a packed shard, and how its answer is read."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from threading import Event
from typing import TYPE_CHECKING

from allocator.domain.inventory import Inventory
from allocator.domain.outcome import Headway
from allocator.domain.placement import Volume
from allocator.domain.policy import Effort
from allocator.domain.qos import Alternative
from allocator.goal import Tiers
from allocator.goals import tiers_of
from allocator.rules import rules_of
from allocator.screen import Screen
from allocator.solver.classes import Unit
from allocator.solver.deadline import halted_by
from allocator.solver.spreading.parcel import Numbers, Seat, seat_of, unpack

if TYPE_CHECKING:
    from allocator.solver.search import Solution

Progress = Callable[[Headway], None]
Solve = Callable[[Sequence[Unit], Screen, Inventory, Tiers, Effort, Progress | None], "Solution"]
"""Solves one part, and may use up the screen; a function of a module, so that a worker finds it by its name."""


@dataclass(frozen=True, slots=True, eq=False)
class Reply:
    """What a worker found; the placements apart, unit by unit."""

    solution: Solution
    alternatives: tuple[Alternative, ...]
    placed: tuple[tuple[int, tuple[Seat, ...]], ...]


def ready(solve: Solve, number: int) -> None:
    """A worker's first call, with a deadline to keep: whatever comes with `solve` is loaded, in nobody's time.

    `number` tells calls apart for executors that remember what a call gave.
    """


def work(solve: Solve, packed: bytes, attempt: int) -> bytes:
    """Rebuild the shard, solve it, and pack what was found, or the exception that was met.

    So whatever else comes of a call is no fault of the shard, but of the worker. `attempt` tells calls apart for
    executors that remember what a call gave.
    """
    try:
        return pickle.dumps(_solved(solve, packed))
    except Exception as error:
        return _excuse(error)


def work_until(halt: Event, solve: Solve, packed: bytes, attempt: int) -> bytes:
    """`work` in a thread of the process that asks, which ends early once the event is set."""
    with halted_by(halt):
        return work(solve, packed, attempt)


def read(answer: bytes, units: Sequence[Unit]) -> Solution:
    """The solution that a worker packed, in terms of the units that were sent. Raises what the worker met."""
    found = pickle.loads(answer)  # noqa: S301  from a worker, by a channel that the caller chose
    if isinstance(found, Exception):
        raise found
    assert isinstance(found, Reply)
    placed = {}
    for number, seats in found.placed:
        unit = units[number]
        placed[unit.name] = tuple(
            Volume(request, pool, hosts, found.alternatives[kept], found.alternatives[asked])
            for request, (pool, hosts, kept, asked) in zip(unit.requests, seats, strict=True)
        )
    return replace(found.solution, placed=placed)


def _solved(solve: Solve, packed: bytes) -> Reply:
    shard, policy, effort = unpack(packed)
    rules = rules_of(policy)
    solution = solve(shard.units, shard.screen(rules), shard.inventory, tiers_of(policy, rules), effort, None)
    alternatives = Numbers[Alternative]()
    numbers = {unit.name: number for number, unit in enumerate(shard.units)}
    placed = tuple(
        (numbers[name], tuple(seat_of(volume, alternatives) for volume in volumes))
        for name, volumes in solution.placed.items()
    )
    return Reply(replace(solution, placed={}), tuple(alternatives), placed)


def _excuse(error: Exception) -> bytes:
    """The exception with where it came from; one that cannot be sent is sent in words."""
    error.add_note("".join(traceback.format_exception(error)))
    try:
        packed = pickle.dumps(error)
        pickle.loads(packed)  # noqa: S301
    except Exception:
        return pickle.dumps(RuntimeError(f"{type(error).__name__}: {error}"))
    return packed

"""Solve the parts of a batch side by side: here, or on any executor, with the same answer.

Every part is solved on a shard of its own, which is cut the same way wherever it goes, and the answers are put together
in the parts' order. A worker that is lost costs time: its shard is sent again, and at last solved here.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import replace
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, Final

from allocator.domain.inventory import Inventory
from allocator.domain.outcome import Headway
from allocator.domain.policy import Effort, Policy
from allocator.goal import Tiers
from allocator.screen import Screen
from allocator.solver.deadline import Deadline
from allocator.solver.parts import Part
from allocator.solver.spreading.parcel import pack, policy_of
from allocator.solver.spreading.processes import Processes
from allocator.solver.spreading.shard import Shard, cut, fenced
from allocator.solver.spreading.worker import Progress, Solve, read, ready, work, work_until

if TYPE_CHECKING:
    from allocator.solver.search import Solution

TRIES: Final = 2
"""How often a shard is sent to a worker; lost both times, it is solved in this process."""


def spread(
    parts: Sequence[Part],
    screen: Screen,
    before: Inventory,
    tiers: Tiers,
    effort: Effort,
    solve: Solve,
    *,
    progress: Progress | None = None,
    executor: Executor | None = None,
) -> list[Solution]:
    """The solution of each part, in order; `before` is the whole inventory, `screen` is without what may move.

    Without an executor the parts are solved one after the other, or with `effort.workers` in as many processes. With
    one, so many shards are under way at a time (all of them where `workers` is 1). A single part is solved here, and so
    are all where a rule or goal is a caller's own: only what a policy makes again can be sent (`policy_of`), and who
    knows what else of the fleet such a rule reads. Raises, once, what a shard's solver raises.
    """
    policy = policy_of(screen.rules, tiers)
    if len(parts) < 2:
        return [solve(part.units, screen, before, tiers, effort, progress) for part in parts]
    run = _Run(parts, screen, before, tiers, policy, effort, solve, progress)
    if policy is None:
        return run.here()
    if executor is not None:
        return run.on(executor, effort.workers if effort.workers > 1 else len(parts))
    if effort.workers > 1:
        workers = min(effort.workers, len(parts))
        with Processes(workers) as processes:
            return run.on(processes, workers)
    return run.here()


class _Run:
    """One call: what is found so far, and how much of the deadline is whose."""

    def __init__(
        self,
        parts: Sequence[Part],
        screen: Screen,
        before: Inventory,
        tiers: Tiers,
        policy: Policy | None,
        effort: Effort,
        solve: Solve,
        progress: Progress | None,
    ) -> None:
        self.parts, self.screen, self.before, self.tiers = parts, screen, before, tiers
        self.policy, self.effort, self.solve, self.progress = policy, replace(effort, workers=1), solve, progress
        self.deadline = Deadline(effort.seconds)
        self.units = sum(len(part.units) for part in parts)
        self.moving = frozenset(volume.name for part in parts for unit in part.units for volume in unit.home)
        self.found: dict[int, Solution] = {}
        self.waiting = deque(range(len(parts)))
        self.halt = Event()
        """Set when nobody waits any more: threads of this process look at it."""

    def here(self) -> list[Solution]:
        """One after the other, in this process."""
        while self.waiting:
            number = self.waiting.popleft()
            self._keep(number, self._solved_here(number, self._share(number, 1)))
        return self._in_order()

    def on(self, executor: Executor, width: int) -> list[Solution]:
        """So many at a time on the executor, the largest first; Ctrl-C cancels what is under way."""
        self.waiting = deque(sorted(self.waiting, key=self._size, reverse=True))
        if self.effort.seconds is not None:
            self._begun(executor, width)
        tries: Counter[int] = Counter()
        under_way: dict[Future[bytes], int] = {}
        try:
            while self.waiting or under_way:
                while self.waiting and len(under_way) < width:
                    number = self.waiting.popleft()
                    effort = self._share(number, width)
                    tries[number] += 1
                    future = self._sent(executor, number, effort, tries[number])
                    if future is None:
                        self._keep(number, self._solved_here(number, effort))
                    else:
                        under_way[future] = number
                for future in wait(under_way, return_when=FIRST_COMPLETED).done if under_way else ():
                    number = under_way.pop(future)
                    answer = _answer(future)
                    if answer is None:
                        self.waiting.appendleft(number)
                    else:
                        self._keep(number, read(answer, self.parts[number].units))
        finally:
            self.halt.set()
            for future in under_way:
                future.cancel()
        return self._in_order()

    def _begun(self, executor: Executor, width: int) -> None:
        """Wait until the workers are there: what is left of the deadline is shared out afterwards."""
        with suppress(BrokenExecutor, RuntimeError, OSError):
            wait([executor.submit(ready, self.solve, number) for number in range(width)], self.deadline.left())

    def _sent(self, executor: Executor, number: int, effort: Effort, attempt: int) -> Future[bytes] | None:
        """The shard on its way; None where it was lost too often, or the executor takes nothing any more."""
        if attempt > TRIES:
            return None
        assert self.policy is not None
        packed = pack(self._shard(number), self.policy, effort)
        try:
            if isinstance(executor, ThreadPoolExecutor):
                return executor.submit(work_until, self.halt, self.solve, packed, attempt)
            return executor.submit(work, self.solve, packed, attempt)
        except (BrokenExecutor, RuntimeError, OSError):
            return None

    def _solved_here(self, number: int, effort: Effort) -> Solution:
        tell = partial(self._tell, number) if self.progress is not None else None
        shard = self._shard(number)
        return self.solve(shard.units, shard.screen(self.screen.rules), shard.inventory, self.tiers, effort, tell)

    def _shard(self, number: int) -> Shard:
        part = self.parts[number]
        if self.policy is None:
            return fenced(part, self.before)
        return cut(part, self.before, self.moving.difference(v.name for unit in part.units for v in unit.home))

    def _share(self, number: int, width: int) -> Effort:
        """A part's share of the work and, of what is left of the deadline, of the time: by its units.

        What one part spares of the time others get; of the work nobody does, so that it is the same every time.
        """
        size = self._size(number)
        effort = replace(self.effort, work=self.effort.work * size / self.units)
        left = self.deadline.left()
        if left is None:
            return effort
        waiting = size + sum(map(self._size, self.waiting))
        return replace(effort, seconds=left * min(1.0, size * width / waiting))

    def _size(self, number: int) -> int:
        return len(self.parts[number].units)

    def _tell(self, number: int, headway: Headway) -> None:
        assert self.progress is not None
        self.progress(replace(headway, part=number + 1, parts=len(self.parts)))

    def _keep(self, number: int, solution: Solution) -> None:
        self.found[number] = solution
        if self.progress is not None and solution.goals:
            first = solution.goals[0]
            self._tell(number, Headway("solved", first.goal, first.cost, first.bound))

    def _in_order(self) -> list[Solution]:
        return [self.found[number] for number in range(len(self.parts))]


def _answer(future: Future[bytes]) -> bytes | None:
    """What a worker packed. None where the worker was lost: what a shard itself raises comes back packed."""
    if future.cancelled():
        return None
    return future.result() if future.exception() is None else None

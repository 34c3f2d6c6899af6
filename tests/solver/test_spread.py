"""However a batch is spread, and whoever is lost on the way, the answer is the same."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from allocator.domain.inventory import Inventory
from allocator.domain.outcome import GoalResult, Headway
from allocator.domain.policy import Effort, Policy
from allocator.fleet import Fleet
from allocator.goal import Tiers
from allocator.goals import tiers_of
from allocator.rule import Rule
from allocator.rules import rules_of
from allocator.rules.capacity import Capacity
from allocator.screen import Screen
from allocator.solver.classes import Unit, units_of
from allocator.solver.parts import Part
from allocator.solver.search import Solution, solve, solve_part
from allocator.solver.spreading.parcel import policy_of
from allocator.solver.spreading.processes import Processes
from allocator.solver.spreading.spread import TRIES, spread
from allocator.testing.made import request
from tests.solver.zones import POLICY, RULES, TIERS, WORK, Batch, killed_once

THREE = Batch(3)
HERE = THREE.spread()


class Inline(Executor):
    """Runs every call at once, in this thread; `lost` says which calls are lost, `closed` takes none at all."""

    def __init__(self, lost: Callable[[int], bool] = lambda call: False, *, closed: bool = False) -> None:
        self.lost, self.closed, self.calls = lost, closed, 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        if self.closed:
            raise BrokenExecutor("closed")
        self.calls += 1
        future: Future[Any] = Future()
        if self.lost(self.calls):
            if self.calls % 2:
                future.set_exception(BrokenExecutor("gone"))
            else:
                future.cancel()
                future.set_running_or_notify_cancel()
        else:
            future.set_result(fn(*args, **kwargs))
        return future


def test_threads_find_what_is_found_here() -> None:
    """R22."""
    with ThreadPoolExecutor(2) as threads:
        assert THREE.spread(threads) == HERE
    assert len(HERE) == 3


def test_processes_find_what_is_found_here() -> None:
    """R22: each process draws a hash seed of its own."""
    assert THREE.spread(effort=replace(WORK, workers=2)) == HERE


def test_a_killed_process_costs_time_and_not_the_answer(tmp_path: Path) -> None:
    """R22: kill -9 in the middle breaks every call of a process pool; new processes take them over."""
    with Processes(2) as processes:
        assert THREE.spread(processes, solve=partial(killed_once, str(tmp_path))) == HERE
    assert (tmp_path / "killed").exists()


@pytest.mark.parametrize("lost", [lambda call: call == 1, lambda call: call == 2, lambda call: call < 4])
def test_what_is_lost_is_sent_again(lost: Callable[[int], bool]) -> None:
    """Broken or cancelled: with three shards and n losses there are n calls more."""
    executor = Inline(lost)
    assert THREE.spread(executor) == HERE
    assert executor.calls == 3 + sum(map(lost, range(1, 9)))


def test_what_is_always_lost_is_solved_here() -> None:
    executor = Inline(lambda call: True)
    assert THREE.spread(executor) == HERE
    assert executor.calls == 3 * TRIES
    assert THREE.spread(Inline(closed=True)) == HERE


def broken_solver(*given: object) -> Solution:
    raise ZeroDivisionError("a bug")


def test_a_bug_is_raised_once() -> None:
    """It is the shard's and no loss of a worker: nobody tries it again."""
    executor = Inline()
    with pytest.raises(ZeroDivisionError, match="a bug") as caught:
        THREE.spread(executor, replace(WORK, workers=1), broken_solver)
    assert executor.calls == 3
    assert "broken_solver" in caught.value.__notes__[0]


class Odd(Capacity):
    """Somebody's own rule."""


def test_own_rules_and_goals_stay_here() -> None:
    """Only what a policy makes again is sent; all else is solved here, on the whole fleet."""
    own = tuple(Odd(POLICY) if isinstance(rule, Capacity) else rule for rule in RULES)
    assert policy_of(own, tiers_of(POLICY, own)) is None
    assert policy_of(RULES, tiers_of(Policy(), rules_of(Policy()))) is None
    screen = Screen(Fleet(THREE.inventory.copy()), own)
    found = spread(
        THREE.parts(), screen, THREE.inventory, tiers_of(POLICY, own), WORK, solve_part, executor=Inline(closed=True)
    )
    expected = spread(THREE.parts(), THREE.screen(), THREE.inventory, TIERS, WORK, solve_part)
    assert [solution.goals for solution in found] == [solution.goals for solution in expected]


@pytest.mark.parametrize("rules", [RULES, tuple(Odd(POLICY) if isinstance(r, Capacity) else r for r in RULES)])
def test_a_part_keeps_to_its_places(rules: tuple[Rule, ...]) -> None:
    """R22: zones may be dealt out, and then a VM that could go anywhere goes to none but its own."""
    asked = units_of(request(name, 5, vm=name) for name in "ab")
    places = {zone: ([f"p{n}-{zone}" for n in range(3)], [f"h{n}-{zone}" for n in range(2)]) for zone in ("z2", "z1")}
    parts = [
        Part((unit,), tuple(pools), tuple(hosts)) for unit, (pools, hosts) in zip(asked, places.values(), strict=True)
    ]
    screen = Screen(Fleet(THREE.inventory.copy()), rules)
    found = spread(parts, screen, THREE.inventory, tiers_of(POLICY, rules), WORK, solve_part)
    for unit, solution, (pools, hosts) in zip(asked, found, places.values(), strict=True):
        (volume,) = solution.placed[unit.name]
        assert volume.pool in pools
        assert volume.hosts[0] in hosts


def test_a_policy_is_found_by_what_it_makes() -> None:
    """Fewer rules and other goals are a policy as well."""
    policy = Policy(rules=("capacity", "reach"), goals=((("placed", 1),), (("price", 2), ("balance", 1))))
    rules = rules_of(policy)
    made = policy_of(rules, tiers_of(policy, rules))
    assert made is not None
    assert (made.rules, made.goals) == (("reach", "capacity"), policy.goals)
    assert replace(made, rules=policy.rules) == policy


def sized_by_time(
    units: Sequence[Unit], screen: Screen, before: Inventory, tiers: Tiers, effort: Effort, progress: object
) -> Solution:
    """Finds nothing, and tells its seconds and its work as costs, in thousandths."""
    assert effort.seconds is not None
    return Solution({}, tuple(GoalResult("g", round(1000 * n)) for n in (effort.seconds, effort.work)), "feasible")


def test_time_and_work_are_shared_by_size() -> None:
    """Three equal zones here: a third of 3000 s, half of what is left, and the rest; of the work a third each."""
    told: list[Headway] = []
    found = spread(
        THREE.parts(), THREE.screen(), THREE.inventory, TIERS, Effort(work=6.0, seconds=3000.0), sized_by_time,
        progress=told.append,
    )  # fmt: skip
    assert [[round(goal.cost / 100_000) for goal in s.goals[:1]] for s in found] == [[10], [15], [30]]
    assert [s.goals[1].cost for s in found] == [2000, 2000, 2000]
    assert [(h.phase, h.part, h.parts) for h in told] == [("solved", 1, 3), ("solved", 2, 3), ("solved", 3, 3)]
    side_by_side = spread(
        THREE.parts(), THREE.screen(), THREE.inventory, TIERS, Effort(seconds=3000.0, workers=2), sized_by_time,
        executor=Inline(),
    )  # fmt: skip
    assert [round(s.goals[0].cost / 100_000) for s in side_by_side] == [20, 30, 30]


def test_solve_takes_an_executor() -> None:
    """R22: through the door that everybody uses."""
    executor = Inline()
    found = solve(units_of(THREE.asked), THREE.inventory, RULES, TIERS, WORK, executor=executor)
    here = solve(units_of(THREE.asked), THREE.inventory, RULES, TIERS, WORK)
    assert executor.calls == 3
    assert (found.goals, found.status, list(found.placed)) == (here.goals, here.status, list(here.placed))


ORPHAN = """
import os, sys, time
from allocator.solver.spreading.processes import Processes
if __name__ == "__main__":
    with Processes(2) as processes:
        children = {processes.submit(os.getpid).result() for _ in range(4)}
        processes.submit(time.sleep, 600)
        print(*children, flush=True)
        time.sleep(600)
"""


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGINT])
def test_processes_die_with_whoever_asked_for_them(tmp_path: Path, by: signal.Signals) -> None:
    """However the parent goes, nothing goes on computing for nobody."""
    program = tmp_path / "orphan.py"
    program.write_text(ORPHAN)
    with subprocess.Popen([sys.executable, str(program)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as parent:
        assert parent.stdout is not None
        children = [int(pid) for pid in parent.stdout.readline().split()]
        parent.send_signal(by)
        parent.wait(60)
    until = monotonic() + 60
    while any(map(alive, children)) and monotonic() < until:
        sleep(0.02)
    assert children
    assert not any(map(alive, children))


def alive(pid: int) -> bool:
    """Whether a process runs; one that is dead and not yet collected does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def interrupted(calls: list[Future[Any]]) -> None:
    with Processes(1) as processes:
        calls += [processes.submit(sleep, 600), processes.submit(os.getpid)]
        raise KeyboardInterrupt


def test_ctrl_c_cancels_and_waits_for_nobody() -> None:
    """What waits is dropped, and processes end at once: a sleep of ten minutes is not slept."""
    calls: list[Future[Any]] = []
    with pytest.raises(KeyboardInterrupt):
        interrupted(calls)
    busy, waiting = calls
    assert isinstance(busy.exception(), BrokenExecutor)
    assert waiting.cancelled() or isinstance(waiting.exception(), BrokenExecutor)

"""A batch in which every zone is a part of its own and gives the solver something to do, and how it is spread."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from concurrent.futures import Executor
from pathlib import Path
from random import Random
from typing import Final

from allocator.domain.inventory import Inventory
from allocator.domain.outcome import Headway
from allocator.domain.policy import Effort, Policy
from allocator.domain.request import Request
from allocator.fleet import Fleet
from allocator.goal import Tiers
from allocator.goals import tiers_of
from allocator.rules import rules_of
from allocator.screen import Screen
from allocator.solver.classes import Unit, units_of
from allocator.solver.parts import Part, independent_parts
from allocator.solver.search import Solution, solve_part
from allocator.solver.spreading.spread import spread
from allocator.solver.spreading.worker import Solve
from allocator.testing.made import host, pool, request, sized, volume
from allocator.testing.spreading import told

POLICY: Final = Policy()
RULES: Final = rules_of(POLICY)
TIERS: Final[Tiers] = tiers_of(POLICY, RULES)
WORK: Final = Effort(work=3.0)


class Batch:
    """VMs of so many zones, each with three pools that a bit more is asked of than they hold."""

    def __init__(self, zones: int) -> None:
        rng = Random(zones)
        names = [f"z{number}" for number in range(zones)]
        pools = [pool(f"p{number}-{zone}", zone=zone, capacity=sized(100)) for zone in names for number in range(3)]
        hosts = [host(f"h{number}-{zone}", zone=zone) for zone in names for number in range(2)]
        lying = [volume(on, request(f"old-{on.name}", 7)) for on in pools]
        self.inventory = Inventory(pools, hosts, lying)
        self.asked: list[Request] = [
            request(f"r{number}-{zone}", rng.randint(11, 39), vm=f"vm{number}-{zone}", zone=zone, priority=number % 3)
            for zone in names
            for number in range(13)
        ]

    def parts(self) -> list[Part]:
        return independent_parts(units_of(self.asked), self.screen())

    def screen(self) -> Screen:
        return Screen(Fleet(self.inventory.copy()), RULES)

    def spread(
        self,
        executor: Executor | None = None,
        effort: Effort = WORK,
        solve: Solve = solve_part,
        progress: list[Headway] | None = None,
    ) -> list[str]:
        """What is found in each part, as text."""
        found = spread(
            self.parts(), self.screen(), self.inventory, TIERS, effort, solve,
            progress=None if progress is None else progress.append, executor=executor,
        )  # fmt: skip
        return [told(solution) for solution in found]


def killed_once(
    directory: str,
    units: Sequence[Unit],
    screen: Screen,
    before: Inventory,
    tiers: Tiers,
    effort: Effort,
    progress: object,
) -> Solution:
    """`solve_part` in a process that is killed in the middle of it, the first time that anybody solves."""
    solution = solve_part(units, screen, before, tiers, effort)
    try:
        (Path(directory) / "killed").touch(exist_ok=False)
    except FileExistsError:
        return solution
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("a killed process goes on")

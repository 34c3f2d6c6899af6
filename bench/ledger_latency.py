"""How long one placement takes where it is reserved as well: the public call with a SQLite ledger on a local disk."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from allocator import Allocator, Policy
from allocator.documents import build
from allocator.ledger import Ledger
from bench.latency import Case
from bench.worlds import fleet, virtual_machines

P50: Final = 1500
"""CPU microseconds of one placement, decision and durable reservation together."""


@dataclass(frozen=True, slots=True)
class LedgerLatency:
    """What was measured, in microseconds of one placement: of CPU, kernel included, and by the clock."""

    case: Case
    samples: int
    placed: int
    cpu_p50: int
    cpu_p99: int
    wall_p50: int
    wall_p99: int

    @property
    def within(self) -> bool:
        return self.cpu_p50 <= P50

    def line(self) -> str:
        """One line for people."""
        return (
            f"{self.case.name} with a SQLite ledger: p50 {self.cpu_p50:,} us, p99 {self.cpu_p99:,} us of CPU; "
            f"p50 {self.wall_p50:,} us, p99 {self.wall_p99:,} us by the clock; {self.placed} of {self.samples} placed; "
            f"threshold {P50:,} us: {'within' if self.within else 'MISSED'}"
        )


def measure_with_ledger(case: Case, samples: int, seed: int = 1, folder: Path | None = None) -> LedgerLatency:
    """Place and reserve that many VMs one by one; the first tenth warms up and is not counted.

    The ledger is a new file in a directory made in `folder` (None: where temporary files go) and is removed at the
    end. Nothing is released: the fleet fills up. Every commit is on disk when the call returns.
    """
    world = build(fleet(seed, zones=case.zones, pools=case.pools, hosts=case.hosts), Policy())
    warm = samples // 10
    asked = [world.ask(vm, world.inventory) for vm in virtual_machines(seed, warm + samples, zones=case.zones)]
    placed, cpu, wall = 0, [], []
    with (
        TemporaryDirectory(dir=folder) as made,
        Allocator(world, Policy(), Ledger.open(f"sqlite:///{made}/ledger.db")) as allocator,
    ):
        for number, requests in enumerate(asked):
            began, started = time.perf_counter_ns(), time.process_time_ns()
            outcome = allocator.place(requests)
            if number >= warm:
                cpu.append((time.process_time_ns() - started) // 1000)
                wall.append((time.perf_counter_ns() - began) // 1000)
                placed += not outcome.refused
    cpu.sort()
    wall.sort()
    middle, last = samples // 2, samples * 99 // 100
    return LedgerLatency(case, samples, placed, cpu[middle], cpu[last], wall[middle], wall[last])

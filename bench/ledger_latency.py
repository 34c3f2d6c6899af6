"""How long one placement takes where it is reserved as well: the public call with a SQLite ledger on a local disk."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from allocator import Allocator
from allocator.documents import volume_document
from allocator.domain.plan import Plan
from allocator.ledger import Ledger
from allocator.planning.steps import placement_steps
from bench.latency import Case, drawn

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
    """Place and reserve that many VMs one by one; the first fifth, at least 100, warms up and is not counted.

    The ledger is a new file in a directory made in `folder` (None: where temporary files go), which is removed at the
    end. What lies on the fleet to begin with lies in the ledger; nothing is released, so the fleet fills up. Every
    commit is on disk when the call returns.
    """
    warm = max(100, samples // 5)
    drawn_fleet, asked = drawn(case, warm + samples, seed)
    placed, cpu, wall = [], [], []
    with TemporaryDirectory(dir=folder) as made, _with_ledger(drawn_fleet, f"sqlite:///{made}/ledger.db") as allocator:
        for requests in asked:
            began, started = time.perf_counter_ns(), time.process_time_ns()
            outcome = allocator.place(requests, explain=False)
            cpu.append((time.process_time_ns() - started) // 1000)
            wall.append((time.perf_counter_ns() - began) // 1000)
            placed.append(not outcome.refused)
    counted, waited = sorted(cpu[warm:]), sorted(wall[warm:])
    middle, last = samples // 2, samples * 99 // 100
    return LedgerLatency(
        case, samples, sum(placed[warm:]), counted[middle], counted[last], waited[middle], waited[last]
    )


def _with_ledger(drawn_fleet: Allocator, url: str) -> Allocator:
    """The same fleet with its volumes in a ledger."""
    inventory = drawn_fleet.inventory
    lying = list(inventory.all_volumes())
    inventory.settle(departures=[volume.name for volume in lying])
    ledger = Ledger.open(url)
    ledger.reserve(Plan.of(placement_steps(lying), [volume_document(volume) for volume in lying]), seen=0)
    return Allocator(drawn_fleet.world, drawn_fleet.policy, ledger)

"""How long one placement takes: CPU microseconds of the public call, on a fleet that is already loaded."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml

from allocator import Allocator, Policy
from allocator.documents import build
from bench.worlds import fleet, virtual_machines


@dataclass(frozen=True, slots=True)
class Case:
    """One size of fleet, and the thresholds in CPU microseconds."""

    name: str
    zones: int
    pools: int
    hosts: int
    p50: int
    p99: int
    aim: int


@dataclass(frozen=True, slots=True)
class Latency:
    """What was measured, in CPU microseconds of one placement."""

    case: Case
    samples: int
    placed: int
    p50: int
    p99: int
    most: int

    @property
    def within(self) -> bool:
        return self.p50 <= self.case.p50 and self.p99 <= self.case.p99

    def line(self) -> str:
        """One line for people."""
        case = self.case
        verdict = "within" if self.within else "MISSED"
        return (
            f"{case.name}: {case.pools:,} pools, {case.hosts:,} hosts: p50 {self.p50:,} us, p99 {self.p99:,} us, "
            f"most {self.most:,} us of CPU; {self.placed} of {self.samples} placed; "
            f"threshold {case.p50:,} / {case.p99:,} us: {verdict}"
        )

    def as_json(self) -> dict[str, object]:
        """Figures with the machine's facts."""
        machine = {"cores": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version()}
        return asdict(self) | {"within": self.within, "machine": machine}


def cases() -> Iterator[Case]:
    """The cases of `cases.yaml`."""
    data = yaml.safe_load((Path(__file__).parent / "cases.yaml").read_text())
    yield from (Case(**case) for case in data["latency"])


def measure(case: Case, samples: int, seed: int = 1) -> Latency:
    """Place that many VMs one by one; the first tenth warms up and is not counted."""
    world = build(fleet(seed, zones=case.zones, pools=case.pools, hosts=case.hosts), Policy())
    allocator = Allocator(world, Policy())
    warm = samples // 10
    asked = [world.ask(vm, world.inventory) for vm in virtual_machines(seed, warm + samples, zones=case.zones)]
    placed, micros = 0, []
    for number, requests in enumerate(asked):
        started = time.process_time_ns()
        outcome = allocator.place(requests)
        if number >= warm:
            micros.append((time.process_time_ns() - started) // 1000)
            placed += not outcome.refused
    micros.sort()
    return Latency(case, samples, placed, micros[samples // 2], micros[samples * 99 // 100], micros[-1])

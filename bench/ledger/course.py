"""A race of processes on one ledger, its audit, and what one process alone takes for a reservation and for a batch."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final

from sqlalchemy import create_engine, inspect, text

from allocator import Allocator
from allocator.documents import volume_document
from allocator.domain.placement import Volume
from allocator.domain.plan import Plan
from allocator.domain.qos import Alternative, Kind
from allocator.domain.request import Request
from allocator.ledger import Ledger, check_plan
from allocator.planning.steps import placement_steps
from bench.ledger.audit import oversold, summed
from bench.ledger.contended import POLICY, fleet, four
from bench.ledger.racer import CHARGES, Raced, race

BATCH: Final = 2_000
PREFIX: Final = "bench_"
LATE_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Race:
    """How it went; waits are milliseconds of one reservation or release by the clock, decision included."""

    processes: int
    seconds: float
    reserved: int
    released: int
    refused: int
    least: int
    """Reservations of the process that got the fewest."""
    waits: Sequence[float]
    cpu_us: int
    """CPU microseconds of one reservation, the median."""
    over: Sequence[str]
    """Limits that are broken in the end."""
    drift: Sequence[str]
    """Sums of a process that are not those of the items."""

    @property
    def per_second(self) -> int:
        """Transactions that wrote something."""
        return int((self.reserved + self.released) / self.seconds)

    def wait(self, share: float) -> float:
        """Milliseconds that this share of the transactions did not exceed."""
        return self.waits[min(len(self.waits) - 1, int(len(self.waits) * share))]


@dataclass(frozen=True, slots=True)
class Alone:
    """One process by itself: microseconds of CPU, and milliseconds by the clock."""

    cpu_us: int
    """To place and reserve a VM of four volumes, all checks included; the median."""
    wall_us: int
    batch_ms: float
    """To commit a batch of 2,000 volumes; the median."""
    batch_cpu_ms: float


def run_race(url: str, *, processes: int, seconds: float, careless: bool = False) -> Race:
    """Let processes place and release on one small fleet for so long, and audit what lies in the ledger then."""
    spawn = multiprocessing.get_context("spawn")
    with _documents() as (documents, policy), _tables(url, f"{PREFIX}race_") as prefix:
        Ledger.open(url, prefix=prefix).close()
        pairs = [spawn.Pipe() for _ in range(processes)]
        racers = [
            spawn.Process(target=race, args=(number, documents, policy, url, prefix, careless, theirs), daemon=True)
            for number, (_, theirs) in enumerate(pairs)
        ]
        for racer in racers:
            racer.start()
        lines = [ours for ours, _ in pairs]
        assert set(_all_told(lines, LATE_SECONDS)) == {"ready"}
        for line in lines:
            line.send(seconds)
        raced: list[Raced] = _all_told(lines, seconds + LATE_SECONDS)
        for line in lines:
            line.send("tell")
        kept: list[dict[tuple[str, str], int]] = _all_told(lines, LATE_SECONDS)
        for racer in racers:
            racer.join()
        ledger = Ledger.open(url, prefix=prefix)
        held = ledger.volumes()
        ledger.close()
    items, known = summed(held), {charge.name for charge in CHARGES}
    drift = [
        f"process {number} counts {one.get(key, 0):,} {key[0]} at {key[1]}, the items are {items.get(key, 0):,}"
        for number, one in enumerate(kept)
        for key in one
        if key[0] in known and one[key] != items.get(key, 0)
    ]
    return Race(
        processes,
        seconds,
        sum(one.reserved for one in raced),
        sum(one.released for one in raced),
        sum(one.refused for one in raced),
        min(one.reserved for one in raced),
        sorted(wait / 1000 for one in raced for wait in one.waits),
        int(median([cpu for one in raced for cpu in one.cpu])),
        oversold(held),
        drift,
    )


def run_alone(url: str, *, samples: int, batches: int = 5) -> Alone:
    """Place VMs of four volumes one after the other on a fleet with room for all, then commit whole batches."""
    with _documents(times=samples) as (documents, policy), _tables(url, f"{PREFIX}alone_") as prefix:
        cpu, wall = [], []
        with Allocator.open(documents, policy=str(policy), ledger=url, prefix=prefix) as allocator:
            for number in range(samples):
                asked = allocator.world.ask(four(number), allocator.inventory)
                began, started = time.perf_counter_ns(), time.process_time_ns()
                outcome = allocator.place(asked, explain=False)
                cpu.append((time.process_time_ns() - started) // 1000)
                wall.append((time.perf_counter_ns() - began) // 1000)
                assert len(outcome.placed) == len(asked)
            assert allocator.ledger is not None
            took = [_batch(allocator.ledger, number) for number in range(batches)]
    later = samples // 5
    return Alone(
        int(median(cpu[later:])),
        int(median(wall[later:])),
        median(seconds for seconds, _ in took) * 1000,
        median(seconds for _, seconds in took) * 1000,
    )


def _batch(ledger: Ledger, number: int) -> tuple[float, float]:
    """Seconds that one commit of a whole batch takes, by the clock and of CPU."""
    nothing = (Alternative(0, Kind.NONE),)
    volumes = [Volume(Request(f"b{number}-{n}", 2**30, nothing), f"fast-{n % 6}", ("host-1",)) for n in range(BATCH)]
    plan = Plan.of(placement_steps(volumes), [volume_document(volume) for volume in volumes])
    began, started = time.perf_counter(), time.process_time()
    with ledger.deciding() as turn:
        turn.reserve(check_plan(plan))
    return time.perf_counter() - began, time.process_time() - started


def _all_told(lines: Sequence[Connection], seconds: float) -> list[Any]:
    late = time.monotonic() + seconds
    told = []
    for number, line in enumerate(lines):
        if not line.poll(max(0, late - time.monotonic())):
            raise TimeoutError(f"Process {number} said nothing for {seconds:g} s. Maybe see whether it still runs.")
        told.append(line.recv())
    return told


@contextmanager
def _documents(*, times: int = 1) -> Iterator[tuple[Path, Path]]:
    with TemporaryDirectory() as folder:
        documents, policy = Path(folder, "fleet.yaml"), Path(folder, "policy.yaml")
        documents.write_text(fleet(times=times))
        policy.write_text(POLICY)
        yield documents, policy


@contextmanager
def _tables(url: str, prefix: str) -> Iterator[str]:
    """Tables under a prefix of their own, which are gone afterwards; what else lies in the database is left alone."""
    try:
        yield prefix
    finally:
        engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:", 1))
        with engine.begin() as connection:
            ours = [name for name in inspect(connection).get_table_names() if name.startswith(prefix)]
            cascade = " CASCADE" if engine.dialect.name == "postgresql" else ""
            for name in ours:
                connection.execute(text(f"DROP TABLE {name}{cascade}"))
        engine.dispose()

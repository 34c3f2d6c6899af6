"""One of several control planes on one ledger: it places and releases as fast as it can, and says what it waited."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import Any, Final

from allocator import Allocator, Outcome
from allocator.domain.placement import Charge, one_each
from allocator.ledger import Ledger, StaleDecision
from bench.ledger.contended import HOSTS, POOLS, Wishes, wishes

RELEASED: Final = 0.1
"""The share of placed VMs after which another is released; after each that is refused one is."""

PAUSE_SECONDS: Final = 0.03
"""Between the check and the write of the negative control, which makes it surer that somebody else writes there."""


def _bytes(request: Any, alternative: Any, place: Any) -> int:
    return int(request.size_bytes)


def _floor(request: Any, alternative: Any, place: Any) -> int:
    return int(alternative.qos.iops.floor() or 0) if alternative.by_storage else 0


CHARGES: Final = (
    Charge("bytes", "pool", _bytes), Charge("iops", "pool", _floor), Charge("volumes", "pool", one_each),
    Charge("volumes", "host", one_each),
)  # fmt: skip
"""What each keeps as arrays over the fleet from the start, to be held against the items at the end."""


@dataclass(slots=True)
class Raced:
    """What one process did, in microseconds of one call by the clock, and of CPU for each reservation."""

    reserved: int = 0
    released: int = 0
    refused: int = 0
    waits: list[int] = field(default_factory=list)
    cpu: list[int] = field(default_factory=list)


def race(number: int, documents: Path, policy: Path, url: str, prefix: str, careless: bool, line: Connection) -> None:
    """Open the ledger and say so; told for how long, race, and tell a `Raced`; told again, tell the arrays' sums."""
    with Allocator.open(documents, policy=str(policy), ledger=url, prefix=prefix) as allocator:
        for charge in CHARGES:
            allocator.fleet.tally(charge)
        line.send("ready")
        line.send(_race(number, allocator, line.recv(), _carelessly if careless else _carefully))
        line.recv()
        line.send(sums(allocator))


def sums(allocator: Allocator) -> dict[tuple[str, str], int]:
    """What the arrays say is held, by what is summed up and where."""
    fleet = allocator.fleet
    found = {}
    for charge in CHARGES:
        rows = fleet.pool_row if charge.over == "pool" else fleet.host_row
        tally = fleet.sums(charge)
        found.update(
            {(charge.name, place): int(tally[rows[place]]) for place in (POOLS if charge.over == "pool" else HOSTS)}
        )
    return found


def _race(number: int, allocator: Allocator, seconds: float, place: Callable[[Allocator, Wishes], Outcome]) -> Raced:
    rng, found = Random(number), Raced()  # noqa: S311  reproducible, not a secret
    ledger = allocator.ledger
    assert ledger is not None
    held: list[list[str]] = []
    late = time.perf_counter() + seconds
    for asked in wishes(f"p{number}", rng):
        began, cpu = time.perf_counter_ns(), time.process_time_ns()
        if began / 1e9 > late:
            return found
        outcome = place(allocator, asked)
        ended = time.perf_counter_ns()
        if outcome.placed:
            found.reserved += 1
            found.waits.append((ended - began) // 1000)
            found.cpu.append((time.process_time_ns() - cpu) // 1000)
            held.append([placed.request for placed in outcome.placed])
        else:
            found.refused += 1
        if held and (not outcome.placed or rng.random() < RELEASED):
            began = time.perf_counter_ns()
            ledger.release(*held.pop(rng.randrange(len(held))))
            found.released += 1
            found.waits.append((time.perf_counter_ns() - began) // 1000)
    raise AssertionError("wishes never end")


def _carefully(allocator: Allocator, asked: Wishes) -> Outcome:
    return allocator.place(asked, explain=False)


def _carelessly(allocator: Allocator, asked: Wishes) -> Outcome:
    """The negative control: read the ledger, check in Python, and write without looking again."""
    ledger = allocator.ledger
    assert ledger is not None
    alone = Allocator(replace(allocator.world, inventory=allocator.inventory), allocator.policy)
    outcome = alone.place(asked, explain=False)
    time.sleep(PAUSE_SECONDS)
    while outcome.placed and not _written(ledger, outcome):
        pass
    return outcome


def _written(ledger: Ledger, outcome: Outcome) -> bool:
    try:
        return ledger.reserve(outcome.plan, seen=ledger.changes())
    except StaleDecision:
        return False

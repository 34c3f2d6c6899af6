"""One allocator, many threads: nothing is sold twice, and what was reserved is in the fleet."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Event

import pytest

from allocator import Allocator
from allocator.domain.placement import Charge
from tests.engine.fleets import ARRAY, gold, opened

THREADS = 8
WISHES = 5
ROOM = 24
LARGER = ARRAY.replace("total: 10000", "total: 80000")
"""Sells 120,000 guaranteed IOPS: 24 volumes of 5,000."""

DISK = """
version: 1
drivers: {disk: {driver: local}}
pools: [{name: d1, driver: disk, zone: z1, capacity: 1MiB, details: {path: %s/d1}}]
"""

BYTES = Charge("bytes", "pool", lambda asked, alternative, place: asked.size_bytes)


@pytest.fixture(autouse=True)
def hasty() -> Iterator[None]:
    """Threads take turns a thousand times as often as usual: after 5 us, not 5 ms."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(5e-6)
    yield
    sys.setswitchinterval(usual)


def race(allocators: list[Allocator]) -> list[str]:
    """Who was placed, of 40 wishes from eight threads at once."""
    start = Barrier(THREADS)

    def wish(thread: int) -> list[str]:
        start.wait()
        allocator = allocators[thread % len(allocators)]
        outcomes = [allocator.place([entry], explain=False) for entry in gold(100 * thread, count=WISHES)]
        return [placed.request for outcome in outcomes for placed in outcome.placed]

    with ThreadPoolExecutor(THREADS) as pool:
        return sorted(name for names in pool.map(wish, range(THREADS)) for name in names)


def test_R06_threads_share_an_allocator(tmp_path: Path, ledger_url: str) -> None:
    """24 of 40 are placed, the ledger holds those, and the fleet has them without reading the ledger again."""
    with opened(tmp_path, LARGER, ledger=ledger_url) as allocator:
        assert allocator.ledger is not None
        assert allocator.fleet.tally(BYTES).sum() == 0
        placed = race([allocator])
        fleet = allocator.fleet
        assert len(placed) == ROOM == allocator.ledger.changes()
        assert placed == [stored.name for stored in allocator.ledger.volumes()] == sorted(fleet.inventory.volumes)
        assert allocator.audit() == []
        assert fleet.tally(BYTES).sum() == sum(fleet.inventory.totals(BYTES).values()) == ROOM * 100 * 2**30


def test_R06_threads_and_allocators_share_a_ledger(tmp_path: Path, ledger_url: str) -> None:
    """Each of two allocators is used by four threads; a decision on old facts is taken again."""
    with opened(tmp_path, LARGER, ledger=ledger_url) as one, opened(tmp_path, LARGER, ledger=ledger_url) as other:
        placed = race([one, other])
        assert len(placed) == ROOM
        assert placed == sorted(one.inventory.volumes) == sorted(other.inventory.volumes)
        assert one.audit() == other.audit() == []


def test_threads_share_an_allocator_without_a_ledger(tmp_path: Path) -> None:
    """Each decision is on the documents alone: all 40 fit, one by one."""
    assert len(race([opened(tmp_path, LARGER)])) == THREADS * WISHES


def test_whoever_waits_for_the_fleet_holds_up_nobody_else(tmp_path: Path) -> None:
    """A batch is being solved in one thread; a plan that is to be applied waits, and other tasks of its loop go on."""
    (tmp_path / "d1").mkdir(mode=0o700)
    solving, solved = Event(), Event()
    with opened(tmp_path, DISK % tmp_path, ledger=True) as allocator, ThreadPoolExecutor(1) as pool:
        plan = allocator.place([{"name": "v", "size": "4KiB"}]).plan

        def solve() -> None:
            with allocator._standing.lock:
                solving.set()
                solved.wait(10)

        async def both() -> str:
            task = asyncio.create_task(allocator.apply(plan))
            await asyncio.sleep(0.05)
            assert not task.done()
            solved.set()
            return (await task).state

        batch = pool.submit(solve)
        assert solving.wait(10)
        assert asyncio.run(both()) == "done"
        batch.result()

"""A driver's bound holds for all runs of a program together, whichever threads and event loops they are in."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from allocator import Allocator
from allocator.driver import Handle, VolumeWish
from allocator.execution.gates import Gate
from drivers.storage.local import LocalDriver
from tests.engine.fleets import written

RUNS = 4
FLEET = """
version: 1
drivers: {{d: {{driver: local, manifest: {{parallel_calls: 2}}}}}}
pools: [{{name: p, driver: d, zone: z, capacity: 1GiB, details: {{path: {path}/p}}}}]
"""


class Crowd:
    """How many are inside at once, at most."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.now = self.most = 0

    @contextmanager
    def inside(self) -> Iterator[None]:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        try:
            yield
        finally:
            with self._lock:
                self.now -= 1


def test_runs_side_by_side_share_what_a_manifest_allows(
    tmp_path: Path, ledger_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four plans in four threads, each with an event loop and four volumes: 2 calls at once, and neither 4 nor 8."""
    (tmp_path / "p").mkdir()
    (fleet,) = written(tmp_path, FLEET.format(path=tmp_path))
    crowd, create = Crowd(), LocalDriver.create_async

    async def watched(driver: LocalDriver, wish: VolumeWish) -> Handle:
        with crowd.inside():
            await asyncio.sleep(0.005)
            return await create(driver, wish)

    monkeypatch.setattr(LocalDriver, "create_async", watched)
    with Allocator.open(fleet, ledger=ledger_url) as allocator:
        asked = [[{"name": f"v{run}-{number}", "size": "1MiB"} for number in range(4)] for run in range(RUNS)]
        plans = [allocator.place(some).plan for some in asked]
        states = []

        def carry_out(number: int) -> None:
            states.append(asyncio.run(allocator.apply(plans[number])).state)

        threads = [threading.Thread(target=carry_out, args=(number,)) for number in range(RUNS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert states == ["done"] * RUNS
        assert asyncio.run(allocator.reconcile()).findings == ()
    assert crowd.most == 2


def test_who_is_cancelled_or_whose_loop_ends_while_waiting_keeps_nobody_out() -> None:
    gate, held, go = Gate(1), threading.Event(), threading.Event()

    async def holds() -> None:
        async with gate:
            held.set()
            await asyncio.to_thread(go.wait)

    async def waits_in_vain() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01), gate:
                raise AssertionError("It was let in.")

    async def gets_in() -> str:
        async with gate:
            return "in"

    thread = threading.Thread(target=lambda: asyncio.run(holds()))
    thread.start()
    held.wait()
    asyncio.run(waits_in_vain())
    go.set()
    assert asyncio.run(gets_in()) == "in"
    thread.join()


def test_many_pass_one_by_one() -> None:
    """A hundred tasks in each of four loops through a gate for three: all come through, three at a time."""
    gate, crowd, passed = Gate(3), Crowd(), []

    async def one() -> None:
        async with gate:
            with crowd.inside():
                await asyncio.sleep(0)
        passed.append(1)

    async def many() -> None:
        await asyncio.gather(*(one() for _ in range(100)))

    threads = [threading.Thread(target=lambda: asyncio.run(many())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(passed), crowd.now) == (400, 0)
    assert crowd.most <= 3

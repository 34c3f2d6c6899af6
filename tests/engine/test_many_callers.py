"""64 threads, or eight processes, place at once: no more than there is, and as much as one caller gets alone."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from allocator import Allocator
from bench.ledger.audit import oversold
from bench.ledger.contended import FAST, GIB, fleet
from tests.engine.fleets import opened

THREADS, PROCESSES, WISHES = 64, 8, 96
EACH = 2_000
"""IOPS of one volume: an array sells 20,000, so the six of them hold sixty."""
ROOM = 6 * FAST["iops"] // EACH


def wishes(caller: int, count: int) -> list[dict[str, Any]]:
    qos = {"provisioned": {"min_iops": EACH, "max_iops": 4_000}}
    return [{"name": f"c{caller}-{n}", "tags": ["fast"], "size": GIB, "qos": qos} for n in range(count)]


def place(allocator: Allocator, asked: Iterable[dict[str, Any]]) -> int:
    """How many found a place, asked for one by one."""
    return sum(len(allocator.place([entry], explain=False).placed) for entry in asked)


def judged(allocator: Allocator) -> Counter[str]:
    """The number of volumes on each pool, once it is certain that nothing is oversold."""
    assert allocator.ledger is not None
    held = allocator.ledger.volumes()
    assert oversold(held) == []
    assert allocator.audit() == []
    assert sorted(allocator.inventory.volumes) == [stored.name for stored in held]
    return Counter(stored.pool for stored in held)


@pytest.fixture
def alone(tmp_path: Path) -> Counter[str]:
    """What one caller gets who asks for all of it, one after the other."""
    (folder := tmp_path / "alone").mkdir()
    with opened(folder, fleet(), ledger=True) as allocator:
        assert place(allocator, wishes(0, WISHES)) == ROOM
        return judged(allocator)


def test_R06_threads_get_what_one_caller_gets(tmp_path: Path, ledger_url: str, alone: Counter[str]) -> None:
    """Of 96 volumes that 64 threads ask for all at once 60 are placed, ten on each array."""
    start = Barrier(THREADS)
    with opened(tmp_path, fleet(), ledger=ledger_url) as allocator, ThreadPoolExecutor(THREADS) as pool:

        def ask(caller: int) -> int:
            start.wait()
            return place(allocator, wishes(caller, 1 + caller % 2))

        assert sum(pool.map(ask, range(THREADS))) == ROOM
        assert judged(allocator) == alone == {f"fast-{n}": 10 for n in range(6)}


def ask(folder: Path, url: str, caller: int) -> None:
    """A control plane of its own."""
    with Allocator.open(folder / "documents-0.yaml", ledger=url) as allocator:
        place(allocator, wishes(caller, WISHES // PROCESSES))


def test_R06_processes_get_what_one_caller_gets(tmp_path: Path, ledger_url: str, alone: Counter[str]) -> None:
    """Eight processes ask for twelve volumes each: 96 again, and 60 are placed."""
    opened(tmp_path, fleet(), ledger=ledger_url).close()
    fork = multiprocessing.get_context("fork")
    callers = [fork.Process(target=ask, args=(tmp_path, ledger_url, caller)) for caller in range(PROCESSES)]
    for process in callers:
        process.start()
    for process in callers:
        process.join(120)
    assert [process.exitcode for process in callers] == [0] * PROCESSES
    with opened(tmp_path, fleet(), ledger=ledger_url) as allocator:
        assert judged(allocator) == alone
        assert sum(alone.values()) == ROOM


def test_two_ledgers_in_one_process_do_not_see_each_other(tmp_path: Path, ledger_url: str) -> None:
    """Each sells all of the same fleet, whatever the other has sold."""
    (other := tmp_path / "other").mkdir()
    with opened(tmp_path, fleet(), ledger=ledger_url) as one, opened(other, fleet(), ledger=True) as two:
        with ThreadPoolExecutor(2) as pool:
            placed = pool.map(lambda allocator: place(allocator, wishes(0, WISHES)), (one, two))
            assert list(placed) == [ROOM, ROOM]
        assert judged(one) == judged(two)

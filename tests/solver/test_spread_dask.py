"""A real Dask cluster of two worker processes on this machine, one of which is killed in the middle."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from distributed import LocalCluster, default_client

from allocator.executors import Opened, open_executor
from allocator.solver.classes import units_of
from allocator.solver.search import solve
from tests.solver.zones import RULES, TIERS, WORK, Batch, killed_once

FIVE = Batch(5)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Opened]:
    with open_executor("dask") as opened:
        yield opened


def test_one_worker_killed_in_the_middle(cluster: Opened, tmp_path: Path) -> None:
    """R22: Dask gives the shard to another worker, and the answer is that of one process, byte for byte."""
    executor, workers = cluster
    assert workers == 2
    effort = replace(WORK, workers=workers)
    assert FIVE.spread(executor, effort, partial(killed_once, str(tmp_path))) == FIVE.spread()
    assert (tmp_path / "killed").exists()


def test_a_batch_on_a_cluster(cluster: Opened) -> None:
    """R22: through the door that everybody uses."""
    executor, workers = cluster
    units = units_of(FIVE.asked)
    found = solve(units, FIVE.inventory, RULES, TIERS, replace(WORK, workers=workers), executor=executor)
    here = solve(units, FIVE.inventory, RULES, TIERS, WORK)
    assert (found.goals, found.status, list(found.placed)) == (here.goals, here.status, list(here.placed))


def test_a_scheduler_by_its_address(cluster: Opened) -> None:
    """R22: as it would be reached on another machine."""
    address = default_client().scheduler.address.removeprefix("tcp://")
    with open_executor(f"dask://{address}") as (executor, workers):
        assert workers == 2
        assert executor.submit(os.getpid).result() != os.getpid()


def test_a_scheduler_without_workers() -> None:
    """Nobody would ever answer."""
    with LocalCluster(n_workers=0, host="127.0.0.1", dashboard_address="127.0.0.1:0") as empty:
        address = empty.scheduler_address.removeprefix("tcp://")
        with pytest.raises(LookupError, match=r"has no workers\. Maybe"), open_executor(f"dask://{address}"):
            pass

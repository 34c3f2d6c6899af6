"""Executors are opened by name, and a name that means nothing says what would."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from allocator.executors import open_executor
from allocator.solver.spreading.processes import Processes


@pytest.mark.parametrize(("name", "kind"), [("threads:3", ThreadPoolExecutor), ("processes:3", Processes)])
def test_on_this_machine(name: str, kind: type) -> None:
    with open_executor(name) as (executor, workers):
        assert isinstance(executor, kind)
        assert workers == 3


def test_threads_run_here_and_processes_elsewhere() -> None:
    """R22."""
    with open_executor("threads:1") as (threads, _), open_executor("processes:1") as (processes, _):
        assert threads.submit(os.getpid).result() == os.getpid()
        assert processes.submit(os.getpid).result() != os.getpid()


@pytest.mark.parametrize(
    "name", ["", "frog", "threads", "threads:0", "threads:-1", "processes:1001", "processes:x", "dask:2", "dask://host"]
)
def test_a_name_that_means_nothing(name: str) -> None:
    with pytest.raises(LookupError, match=r"There is no executor .*Maybe threads:2"), open_executor(name):
        pass


def test_dask_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    for name in ("dask", "dask://127.0.0.1:8786"):
        with pytest.raises(LookupError, match=r"pip install 'volume-allocator\[dask\]'"), open_executor(name):
            pass

"""Kill a worker in the middle of a batch, to see that it costs time and not the answer."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from allocator.domain.outcome import Headway


@dataclass(slots=True)
class Killer:
    """Kills the busiest worker process, once, when the first zone is solved and others are on their way.

    On this machine that is `kill -9`; a worker of a cluster that was reached by its address is told to end at once.
    """

    armed: bool
    executor: str | None = None
    killed: list[int] = field(default_factory=list)

    def __call__(self, headway: Headway) -> None:
        if self.armed and not self.killed and headway.phase == "solved":
            if self.executor is not None and self.executor.startswith("dask://"):
                self.killed += _ended_far_away()
                return
            busiest = max(_workers(), default=None)
            if busiest is not None:
                os.kill(busiest[1], signal.SIGKILL)
                self.killed.append(busiest[1])


def _ended_far_away() -> Iterator[int]:
    """The process of the cluster's worker that has the most under way, which is ended."""
    from distributed import default_client

    client = default_client()
    under_way = {worker: len(tasks) for worker, tasks in client.processing().items()}
    worker = max(sorted(under_way), key=lambda address: under_way[address], default=None)
    if worker is not None:
        yield client.run(os.getpid, workers=[worker])[worker]
        client.run(os._exit, 1, workers=[worker], on_error="ignore")


def _workers() -> Iterator[tuple[int, int]]:
    """(CPU ticks, process) of each worker that this process has spawned, by /proc (Linux)."""
    for path in Path("/proc").glob("[0-9]*"):
        try:
            facts = (path / "stat").read_text().rpartition(")")[2].split()
            spawned = b"spawn_main" in (path / "cmdline").read_bytes()
        except OSError:
            continue
        if spawned and int(facts[1]) == os.getpid():
            yield int(facts[11]) + int(facts[12]), int(path.name)

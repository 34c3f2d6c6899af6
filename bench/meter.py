"""What a stretch of work takes: wall time, CPU time and peak memory of this process and all that it starts (Linux)."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final

PAUSE: Final = 0.2
"""Seconds between two looks at memory: a shorter peak may be missed."""
TICKS: Final = os.sysconf("SC_CLK_TCK")
PAGE: Final = os.sysconf("SC_PAGE_SIZE")
MIB: Final = 1024**2


@dataclass(slots=True)
class Meter:
    """Measures between `with` and its end. Memory that processes share is counted in each of them."""

    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_mib: int = 0
    _ended: threading.Event = field(default_factory=threading.Event)
    _watch: threading.Thread | None = None

    def __enter__(self) -> Meter:
        self.wall_seconds, self.cpu_seconds = -time.perf_counter(), -_cpu_seconds()
        self._watch = threading.Thread(target=self._look, daemon=True)
        self._watch.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.wall_seconds += time.perf_counter()
        self.cpu_seconds += _cpu_seconds()
        self._ended.set()
        assert self._watch is not None
        self._watch.join()

    def _look(self) -> None:
        while True:
            self.peak_mib = max(self.peak_mib, sum(_resident(process) for process in _family()) // MIB)
            if self._ended.wait(PAUSE):
                return


def resident_mib() -> int:
    """What this process holds in memory now."""
    return _resident(os.getpid()) // MIB


def _cpu_seconds() -> float:
    """Of this process, of children that have ended, and of descendants that have not."""
    own = os.times()
    living = sum(_ticks(process) for process in _family() if process != os.getpid())
    return own.user + own.system + own.children_user + own.children_system + living / TICKS


def _family() -> Iterator[int]:
    """This process and all its descendants."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").iterdir():
        facts = _facts(int(path.name)) if path.name.isdigit() else []
        if facts:
            children.setdefault(int(facts[1]), []).append(int(path.name))
    left = [os.getpid()]
    while left:
        process = left.pop()
        yield process
        left += children.get(process, [])


def _facts(process: int) -> list[str]:
    """The fields of /proc/PID/stat after the program's name (proc(5)); none where the process has ended."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _ticks(process: int) -> int:
    facts = _facts(process)
    return sum(map(int, facts[11:15])) if facts else 0


def _resident(process: int) -> int:
    facts = _facts(process)
    return int(facts[21]) * PAGE if facts else 0

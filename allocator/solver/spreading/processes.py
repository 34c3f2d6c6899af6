"""Worker processes on this machine that never outlive the process that asked for them.

They are spawned, not forked: a fork would share the solver's threads and HiGHS's number of them, and solve nothing
(measured). Starting one costs about a second, most of it loading the solver.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from multiprocessing import get_context
from multiprocessing.connection import Connection
from types import TracebackType
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Processes(Executor):
    """An executor that replaces its processes after one of them was lost.

    A loss breaks every call that is under way, as in a ProcessPoolExecutor; the next call finds processes again. Left
    by an exception, Ctrl-C among them, it ends its processes at once and waits for no result.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._pool: ProcessPoolExecutor | None = None
        self._life: Connection | None = None
        """While this end is open the workers live: the system closes it when this process dies, however it dies."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        if self._pool is not None:
            try:
                return self._pool.submit(fn, *args, **kwargs)
            except BrokenExecutor:
                self.end()
        return self._opened().submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """As an executor's; without `wait` the workers end when their calls do."""
        if self._pool is not None:
            self._pool.shutdown(wait, cancel_futures=cancel_futures)
        if wait:
            self.end()

    def end(self) -> None:
        """End the processes at once, whatever they do."""
        if self._life is not None:
            self._life.close()
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
        self._pool = self._life = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.end()
        self.shutdown()

    def _opened(self) -> ProcessPoolExecutor:
        context = get_context("spawn")
        watched, self._life = context.Pipe(duplex=False)
        self._pool = ProcessPoolExecutor(self.workers, context, _live_with, (watched,))
        return self._pool


def _live_with(parent: Connection) -> None:
    """In a worker: Ctrl-C is the parent's to handle, and the parent's end is this process's end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_await_the_end, args=(parent,), daemon=True).start()


def _await_the_end(parent: Connection) -> None:
    try:
        parent.recv_bytes()
    except (EOFError, OSError):
        os._exit(1)

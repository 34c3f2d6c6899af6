"""How many calls a driver or an agent has at once, of all runs of a program, in whichever threads and event loops."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext, suppress
from threading import Lock
from types import TracebackType

from allocator.domain.places import Connection


class Gates:
    """A gate before each connection whose manifest bounds it: of one Allocator, whatever that runs side by side.

    Other processes have gates of their own: what many of them share is to be divided, by `parallel_calls` in the
    manifest of the instance.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: dict[Connection, Gate] = {}

    def before(self, connection: Connection | None) -> AbstractAsyncContextManager[object]:
        """Held while a call is under way; open to all where nothing bounds them."""
        most = None if connection is None else connection.manifest.parallel_calls
        if connection is None or most is None:
            return nullcontext()
        with self._lock:
            return self._known.setdefault(connection, Gate(most))


class Gate:
    """Lets so many in; who waits is told in the loop that he waits in, and looks again: a loop may be gone by then."""

    def __init__(self, most: int) -> None:
        self._lock = Lock()
        self._free = most
        self._waiting: dict[asyncio.Future[None], asyncio.AbstractEventLoop] = {}

    async def __aenter__(self) -> None:
        while not self._enters():
            with self._waits() as told:
                # Somebody may have left before this was on the list.
                if self._enters():
                    return
                await told

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._free += 1
            waiting = list(self._waiting.items())
        for told, loop in waiting:
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(_tell, told)

    def _enters(self) -> bool:
        with self._lock:
            if not self._free:
                return False
            self._free -= 1
            return True

    @contextmanager
    def _waits(self) -> Iterator[asyncio.Future[None]]:
        loop = asyncio.get_running_loop()
        told = loop.create_future()
        with self._lock:
            self._waiting[told] = loop
        try:
            yield told
        finally:
            with self._lock:
                del self._waiting[told]


def _tell(told: asyncio.Future[None]) -> None:
    if not told.done():
        told.set_result(None)

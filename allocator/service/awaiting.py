"""Deciding beside an event loop: in one thread, and what nobody waits for any longer is not reserved."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Lock
from typing import TypeVar

T = TypeVar("T")


class Abandoned(Exception):
    """Whoever asked waits no longer; nobody gets to see this."""


class _Handover:
    """The instant from which on a reservation may be made: who gives up before it need not wait, nor undo anything."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._given_up = self._begun = False

    def begin(self) -> None:
        """Called by the thread before it reserves. Raises Abandoned."""
        with self._lock:
            if self._given_up:
                raise Abandoned
            self._begun = True

    def give_up(self) -> bool:
        """True where something may have been reserved by now."""
        with self._lock:
            self._given_up = True
            return self._begun


class Beside:
    """One thread, since decisions are taken one after the other anyway: callers wait in the order of arrival."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="allocator")

    async def run(self, act: Callable[[Callable[[], None]], T], undo: Callable[[T], None]) -> T:
        """What `act` comes to, which calls what it is given before it reserves anything.

        Cancelled before that, this ends at once; what goes on in the thread ends there without a trace. Cancelled after
        it, the short rest is waited for and undone first.
        """
        handover = _Handover()
        future = self._thread.submit(act, handover.begin)
        answer = asyncio.wrap_future(future)
        try:
            return await asyncio.shield(answer)
        except asyncio.CancelledError:
            if not handover.give_up():
                future.cancel()
            else:
                await _ended(answer)
                if answer.exception() is None:
                    await _ended(asyncio.wrap_future(self._thread.submit(undo, answer.result())))
            raise

    def close(self) -> None:
        """Wait for what is under way."""
        self._thread.shutdown()


async def _ended(future: asyncio.Future[T]) -> None:
    """Wait for it, however often this is cancelled meanwhile."""
    while not future.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait([future])

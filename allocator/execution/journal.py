"""The writing side of a running plan: entries that come together share a commit, an idle lease is renewed."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Final

from allocator.execution.outlast import outlast
from allocator.ledger import Claim, Entry, Ledger

_RENEWALS_PER_LEASE: Final = 3


class Journal:
    """Writes entries of one claim in the order they come. What `write` returned from is on disk.

    Commits run in a thread, so that a disk that is slow to answer holds up nobody who is not waiting for it.
    """

    def __init__(self, ledger: Ledger, claim: Claim) -> None:
        self._ledger = ledger
        self._claim = claim
        self._waiting: list[tuple[Entry, asyncio.Future[None]]] = []
        self._wake = asyncio.Event()
        self._closing = False
        self._sure_until = 0.0
        self._commits = 0
        self._broken: Exception | None = None
        # A thread of its own: drivers may fill the common ones for longer than the lease lasts.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Journal:
        self._sure_until = asyncio.get_running_loop().time() + self._claim.lease_seconds - 1
        self._task = asyncio.create_task(self._commit_in_turn())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing = True
        self._wake.set()
        if self._task is not None:
            await self._task
        self._thread.shutdown()

    async def write(self, entry: Entry) -> None:
        """Commit an entry. Raises LostLease once another process has the plan, or another LedgerError."""
        if self._broken is not None:
            raise self._broken
        written = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, written))
        self._wake.set()
        await written

    async def make_sure(self) -> None:
        """Come back with the lease: a process that slept through it learns here that it lost the plan.

        Raises as `write`.
        """
        if asyncio.get_running_loop().time() >= self._sure_until:
            await self.write(Entry())

    async def _commit_in_turn(self) -> None:
        while self._waiting or not self._closing:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._claim.lease_seconds / _RENEWALS_PER_LEASE):
                    await self._wake.wait()
            self._wake.clear()
            batch, self._waiting = self._waiting, []
            if batch or not self._closing:
                await self._commit(batch)

    async def _commit(self, batch: list[tuple[Entry, asyncio.Future[None]]]) -> None:
        """One commit for all of them; an empty one renews the lease."""
        entries = [entry for entry, _ in batch]
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            if self._broken is None:
                self._commits += 1
                record = partial(self._ledger.record, self._claim, entries, self._commits)
                await loop.run_in_executor(self._thread, outlast, record)
                # By whole seconds, rounded down: others may take over in the last one.
                self._sure_until = began + self._claim.lease_seconds - 1
        except Exception as error:
            self._broken = error
        for _, written in batch:
            if written.done():
                continue
            if self._broken is None:
                written.set_result(None)
            else:
                written.set_exception(self._broken)

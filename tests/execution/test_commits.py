"""The writing side of a running plan: shared commits, a lease that is kept, and an end when it is lost."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable
from pathlib import Path

import pytest

from allocator.execution.journal import Journal
from allocator.ledger import Claim, Entry, Ledger, LostLease
from tests.execution.world import placement, volume

LEASE_SECONDS = 1


class Slow(Ledger):
    """Keeps what each commit held; while `closed`, commits wait."""

    commits: list[int]
    gate: threading.Event

    def record(self, claim: Claim, entries: Iterable[Entry], number: int | None = None) -> None:
        known = list(entries)
        self.gate.wait(5)
        self.commits.append(len(known))
        super().record(claim, known, number)


def opened(tmp_path: Path) -> tuple[Slow, Claim]:
    ledger = Slow.open(f"sqlite:///{tmp_path}/ledger.db")
    assert isinstance(ledger, Slow)
    ledger.commits, ledger.gate = [], threading.Event()
    plan = placement(volume("v"))
    ledger.reserve(plan, seen=0)
    return ledger, ledger.claim(plan, owner="me", lease_seconds=LEASE_SECONDS, alive=lambda _: True)


def test_what_waits_for_a_commit_goes_into_the_next(tmp_path: Path) -> None:
    """One entry is being written; the three that come meanwhile share one commit."""
    ledger, claim = opened(tmp_path)

    async def written() -> None:
        async with Journal(ledger, claim) as journal:
            first = asyncio.create_task(journal.write(Entry()))
            await asyncio.sleep(0.01)
            rest = [asyncio.create_task(journal.write(Entry())) for _ in range(3)]
            await asyncio.sleep(0.01)
            ledger.gate.set()
            await asyncio.gather(first, *rest)

    asyncio.run(written())
    assert ledger.commits == [1, 3]
    ledger.close()


def test_a_lease_is_kept_while_nothing_is_written(tmp_path: Path) -> None:
    """A third of the lease without news, and it is renewed: a driver may take longer than the lease lasts."""
    ledger, claim = opened(tmp_path)
    ledger.gate.set()

    async def idle() -> None:
        async with Journal(ledger, claim):
            await asyncio.sleep(LEASE_SECONDS * 0.8)

    asyncio.run(idle())
    assert ledger.commits == [0, 0]
    ledger.close()


def test_a_lost_lease_ends_every_writing(tmp_path: Path) -> None:
    ledger, claim = opened(tmp_path)
    ledger.gate.set()
    ledger.claim(placement(volume("v")), owner="other", lease_seconds=60, alive=lambda _: False)

    async def written() -> list[BaseException | None]:
        async with Journal(ledger, claim) as journal:
            together = await asyncio.gather(*(journal.write(Entry()) for _ in range(2)), return_exceptions=True)
            with pytest.raises(LostLease):
                await journal.write(Entry())
            return together

    assert [type(error) for error in asyncio.run(written())] == [LostLease, LostLease]
    assert ledger.commits == [2]
    ledger.close()


def test_what_was_given_is_written_even_if_nobody_waits_any_more(tmp_path: Path) -> None:
    """A cancelled run: the results it had are on record before the journal closes."""
    ledger, claim = opened(tmp_path)

    async def cancelled() -> None:
        async with Journal(ledger, claim) as journal:
            tasks = [asyncio.create_task(journal.write(Entry())) for _ in range(2)]
            await asyncio.sleep(0.01)
            for task in tasks:
                task.cancel()
            ledger.gate.set()

    asyncio.run(cancelled())
    assert sum(ledger.commits) == 2
    ledger.close()

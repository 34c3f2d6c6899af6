"""A process that sleeps through its lease, and a database that goes away, while a plan runs."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from allocator.domain.plan import Plan
from allocator.execution.report import Report
from allocator.execution.runner import run
from allocator.ledger import Claim, Entry, Event, Ledger, LedgerUnreachable, LostLease, PlanBusy, StoredVolume
from bench.postgres import PACKAGE, Postgres, binaries
from tests.execution.plugins import Faults, calls, there
from tests.execution.world import AT_ONCE, connections, fleet, placement, volume

LEASE_SECONDS = 2
LOST = 42
"""The exit code of a process that learns that it lost its lease."""
VOLUMES = (volume("a"),)
DONE = ["placed", "create done", "grant done", "attach done"]
"""What the history tells of it, each once."""


def carry_out(url: str, root: Path, plan: Plan, faults: Faults, watch: Callable[[str], None] | None = None) -> Report:
    """Run the plan in this process; `watch` is told before and after each commit."""

    async def carried_out(ledger: Ledger) -> Report:
        inventory = fleet(root, faults, VOLUMES)
        async with connections(inventory) as connected:
            return await run(
                plan, ledger, inventory, connected, patience=AT_ONCE, lease_seconds=LEASE_SECONDS, parallel=1
            )

    with closing(Ledger.open(url)) as ledger:
        record = ledger.record

        def watched(claim: Claim, entries: Iterable[Entry], number: int | None = None) -> None:
            known = list(entries)
            record(claim, known, number)
            if watch is not None and known:
                watch("after commit")

        ledger.record = watched  # type: ignore[method-assign]
        return asyncio.run(carried_out(ledger))


def sleeper(url: str, root: Path, plan: Plan, point: str) -> tuple[int, int]:
    """A process that runs the plan, tells of the point at which it is, and stays there for a moment; its id."""
    reading, writing = os.pipe()
    process = os.fork()
    if process:
        os.close(writing)
        return process, reading
    code = 1
    told = False

    def here(reached: str) -> None:
        nonlocal told
        if reached == point and not told:
            told = True
            os.write(writing, b"here")
            time.sleep(0.3)

    try:
        carry_out(url, root, plan, Faults(around=here), here)
        code = 0
    except LostLease:
        code = LOST
    finally:
        os._exit(code)


def content(url: str) -> tuple[list[StoredVolume], list[Event], int]:
    with closing(Ledger.open(url)) as ledger:
        return ledger.volumes(), ledger.events(), ledger.changes()


@pytest.mark.parametrize("point", ["after commit", "before create", "after grant"])
def test_who_slept_through_the_lease_writes_nothing(ledger_url: str, tmp_path: Path, point: str) -> None:
    """SIGSTOP, another takes over when the lease is over, SIGCONT: ledger and devices stay as the other left them."""
    root, plan = tmp_path / "devices", placement(*VOLUMES)
    fleet(root)
    with closing(Ledger.open(ledger_url)) as ledger:
        ledger.reserve(plan, seen=ledger.changes())
    process, reading = sleeper(ledger_url, root, plan, point)
    assert os.read(reading, 10) == b"here"
    os.kill(process, signal.SIGSTOP)
    os.close(reading)
    with pytest.raises(PlanBusy):
        carry_out(ledger_url, root, plan, Faults())
    while True:
        try:
            report = carry_out(ledger_url, root, plan, Faults())
            break
        except PlanBusy:
            time.sleep(0.1)
    assert report.state == "done"
    before, devices, done = content(ledger_url), there(root), len(calls(root))
    os.kill(process, signal.SIGCONT)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == LOST
    assert content(ledger_url) == before
    assert there(root) == devices
    assert len(devices) == 3
    # What it did at most is to close its plug-ins: the call it was in had begun before.
    assert {*calls(root)[done:]} <= {"close"}


def test_who_sleeps_in_a_transaction_is_thrown_out_by_the_server(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others wait a second, not for as long as a stopped process stays stopped; it learns of that when it wakes."""
    monkeypatch.setattr("allocator.ledger.postgres.IDLE_SECONDS", 1)
    url = postgres.empty()
    with closing(Ledger.open(url)) as sleeping, closing(Ledger.open(url)) as other:
        with pytest.raises(LedgerUnreachable), sleeping._store.writing():
            other.event("note", "v", "written meanwhile")
        assert [event.text for event in sleeping.events()] == ["written meanwhile"]


@pytest.fixture
def own_postgres() -> Iterator[Postgres]:
    """A server that the test may stop."""
    if binaries() is None:
        pytest.skip(f"PostgreSQL is not installed. Maybe `apt-get install {PACKAGE}`.")
    with Postgres(durable=False) as running:
        yield running


def test_a_run_outlasts_a_restart_of_postgres(own_postgres: Postgres, tmp_path: Path) -> None:
    """The server crashes and is away for half a second in the middle of the run: the run waits, and completes."""
    url, root, plan = own_postgres.empty(), tmp_path / "devices", placement(*VOLUMES)
    fleet(root)
    with closing(Ledger.open(url)) as ledger:
        ledger.reserve(plan, seen=ledger.changes())
    restarts: list[threading.Thread] = []
    over = threading.Event()

    def restart() -> None:
        own_postgres.stop(crash=True)
        time.sleep(0.5)
        own_postgres.start()
        # The kernel would stop the server with the thread that started it.
        over.wait()

    def watch(point: str) -> None:
        if point == "before grant" and not restarts:
            restarts.append(threading.Thread(target=restart))
            restarts[0].start()
            while own_postgres.running:
                time.sleep(0.01)

    try:
        report = carry_out(url, root, plan, Faults(around=watch))
        volumes, events, _ = content(url)
    finally:
        over.set()
        restarts[0].join()
    assert report.state == "done"
    assert [stored.state for stored in volumes] == ["available"]
    assert len(there(root)) == 3
    assert [event.kind for event in events if event.subject == "a"] == DONE


@pytest.mark.parametrize("written", [True, False])
def test_a_commit_whose_answer_is_lost_is_written_once(tmp_path: Path, written: bool) -> None:
    """The database breaks off while it commits, a claim or what follows: if it did, that is not done twice."""
    url, root, plan = f"sqlite:///{tmp_path}/ledger.db", tmp_path / "devices", placement(*VOLUMES)
    fleet(root)
    lost = set[int | None]()

    class Breaking(Ledger):
        def claim(self, plan: Plan, **given: Any) -> Claim:
            claim = super().claim(plan, **given) if written or 0 in lost else None
            if claim is None or 0 not in lost:
                lost.add(0)
                raise LedgerUnreachable("The connection broke.")
            return claim

        def record(self, claim: Claim, entries: Iterable[Entry], number: int | None = None) -> None:
            known: Any = list(entries)
            if known and number not in lost:
                lost.add(number)
                if written:
                    super().record(claim, known, number)
                raise LedgerUnreachable("The connection broke.")
            super().record(claim, known, number)

    async def carried_out(ledger: Ledger) -> Report:
        inventory = fleet(root, Faults(), VOLUMES)
        async with connections(inventory) as connected:
            return await run(plan, ledger, inventory, connected, patience=AT_ONCE, parallel=1)

    with closing(Breaking.open(url)) as ledger:
        ledger.reserve(plan, seen=0)
        assert asyncio.run(carried_out(ledger)).state == "done"
        kinds = [event.kind for event in ledger.events("a")]
    # The claim, three intents, each but the first with a result, and the last result with the end.
    assert len(lost) >= 5
    assert kinds == DONE

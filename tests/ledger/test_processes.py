"""Many processes on one ledger: nothing is held twice, and nobody waits for ever."""

from __future__ import annotations

import fcntl
import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable
from multiprocessing.context import ForkContext
from pathlib import Path
from threading import Event, Thread

import pytest

from allocator.ledger import AlreadyHeld, Delta, Ledger, LedgerLocked, Moment, StaleDecision, check_plan, place
from tests.ledger.plans import placing

ROOM = 12
WRITERS = 4


def forked() -> ForkContext:
    return multiprocessing.get_context("fork")


def together(act: Callable[[int], None], count: int = WRITERS) -> list[int | None]:
    """The exit codes of several processes that do the same at once."""
    running = [forked().Process(target=act, args=(number,)) for number in range(count)]
    for process in running:
        process.start()
    for process in running:
        process.join(60)
    return [process.exitcode for process in running]


def test_a_pool_with_room_for_twelve_takes_twelve(ledger_url: str) -> None:
    """R06: four processes with ten wishes each decide on what they see; 40 wishes, 12 places, 12 are held."""

    def wish(writer: int) -> None:
        ledger = Ledger.open(ledger_url)
        for number in range(10):
            while True:
                seen = ledger.changes()
                if len(ledger.volumes()) >= ROOM:
                    break
                try:
                    ledger.reserve(placing(f"w{writer}-{number}"), seen=seen)
                    break
                except StaleDecision:
                    time.sleep(random.Random(number).uniform(0, 0.002))
        ledger.close()

    assert together(wish) == [0] * WRITERS
    ledger = Ledger.open(ledger_url)
    held = ledger.volumes()
    assert len(held) == ROOM == ledger.changes() == len({stored.volume_id for stored in held})
    assert len(ledger.unfinished()) == ROOM
    ledger.close()


def test_a_name_wanted_by_all_goes_to_one(ledger_url: str) -> None:
    def wish(writer: int) -> None:
        ledger = Ledger.open(ledger_url)
        while True:
            try:
                ledger.reserve(placing("wanted", f"own-{writer}"), seen=ledger.changes())
                code = 0
                break
            except AlreadyHeld:
                code = 3
                break
            except StaleDecision:
                pass
        ledger.close()
        os._exit(code)

    assert sorted(str(code) for code in together(wish)) == ["0", "3", "3", "3"]
    ledger = Ledger.open(ledger_url)
    assert [stored.name for stored in ledger.volumes()][1:] == ["wanted"]
    ledger.close()


def test_kill_9_while_writing_loses_nothing_that_was_held(ledger_url: str) -> None:
    """Each process tells what it holds, and is killed at some moment: what was told is in the ledger."""
    Ledger.open(ledger_url).close()
    told: set[str] = set()
    for turn in range(6):
        reading, writing = os.pipe()
        process = os.fork()
        if process == 0:
            ledger = Ledger.open(ledger_url)
            number = 0
            while True:
                number += 1
                ledger.reserve(placing(f"t{turn}-{number}"), seen=ledger.changes())
                os.write(writing, f"t{turn}-{number}\n".encode())
        os.close(writing)
        with os.fdopen(reading) as pipe:
            told |= {pipe.readline().strip() for _ in range(3)}
            time.sleep(0.0013 * turn)
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
            told |= set(pipe.read().split())
    ledger = Ledger.open(ledger_url)
    names = {stored.name for stored in ledger.volumes()}
    assert len(told) >= 18
    assert told <= names
    assert len(names - told) <= 6
    assert len(names) == ledger.changes() == len(ledger.unfinished())
    ledger.close()


def test_several_processes_make_one_ledger(ledger_url: str) -> None:
    def make(writer: int) -> None:
        ledger = Ledger.open(ledger_url)
        ledger.event("opened", str(writer), "")
        ledger.close()

    assert together(make) == [0] * WRITERS
    ledger = Ledger.open(ledger_url)
    assert sorted(event.subject for event in ledger.events()) == ["0", "1", "2", "3"]
    ledger.close()


def test_whoever_waits_too_long_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line is held by somebody who does not move on; when he does, writing works again."""
    ledger = Ledger.open(f"sqlite:///{tmp_path}/ledger.db")
    monkeypatch.setattr(place, "WAIT_SECONDS", 0.05)
    lock = tmp_path / "ledger.db.lock"
    with lock.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(LedgerLocked, match=r"has been held by another process for more than 0.05 s. Maybe"):
            ledger.event("note", "p", "never")
        assert ledger.changes() == 0
    monkeypatch.setattr(place, "WAIT_SECONDS", 30)
    ledger.event("note", "p", "now")
    assert [event.text for event in ledger.events()] == ["now"]
    ledger.close()


def test_nobody_writes_while_somebody_has_the_turn(ledger_url: str) -> None:
    """Others wait in line, readers do not; what is seen within a turn holds until it is over."""
    mine, other = Ledger.open(ledger_url), Ledger.open(ledger_url)
    began, late = Event(), list[bool]()

    def follow() -> None:
        began.set()
        late.append(other.reserve(placing("b"), seen=1))

    with mine.deciding() as turn:
        thread = Thread(target=follow)
        thread.start()
        assert began.wait(10)
        time.sleep(0.05)
        assert (late, other.changes(), turn.moment) == ([], 0, Moment(0, 0))
        assert turn.since(turn.moment, most=1) == Delta(turn.moment, (), ())
        assert turn.reserve(check_plan(placing("a")))
    thread.join(10)
    assert late == [True]

    def interrupted() -> None:
        with mine.deciding() as turn:
            assert turn.reserve(check_plan(placing("c")))
            raise FileNotFoundError("somebody else's affair")

    with pytest.raises(FileNotFoundError, match="somebody else's"):
        interrupted()
    assert [stored.name for stored in mine.volumes()] == ["a", "b"]
    mine.close()
    other.close()

"""One round of a campaign: plans, workers that are killed while they carry them out, and what that leaves behind."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from allocator import Allocator
from allocator.ledger import Ledger
from bench.crash.moving import Moving, drained
from bench.crash.round import MOVE, Round
from bench.crash.site import Site
from bench.crash.worker import Waves, start

_MOST_SECONDS: Final = 90


@dataclass(slots=True)
class Prepared:
    """What a round's workers find, and the names of the volumes that are there when all is carried out."""

    names: list[str]
    moving: Moving = field(default_factory=Moving)


@dataclass(slots=True)
class Outcome:
    """What came of a round."""

    kills: int = 0
    elsewhere: int = 0
    """Volumes that went to another pool than was decided."""
    wrong: list[str] = field(default_factory=list)


class Campaign:
    """Rounds on one site. `span_seconds` is within what time of each other workers die; measured where it is None."""

    def __init__(self, site: Site, *, workers: int = 3, span_seconds: float | None = None) -> None:
        self._site = site
        self._workers = workers
        self._span = span_seconds
        self._log = site.directory / "workers.log"

    def play(self, round: Round) -> Outcome:
        """Let workers die as the round says, let others finish, compare, and take all away again."""
        url = self._site.new_ledger(f"{round.seed}-{round.name}")
        opened = partial(self._site.open, url)
        outcome = Outcome()
        if self._span is None:
            self._span = self._measured()
        prepared = self._prepare(opened, round)
        waves = prepared.moving.waves
        if round.boundary:
            faults = self._faults(round, 0)
            first = start(opened, self._log, boundary=round.boundary, faults=faults, waves=waves)
            outcome.kills += self._ended(first, outcome) == -signal.SIGKILL
        else:
            self._kill_at_random(opened, round, waves, outcome)
        self._finish(opened, outcome, waves)
        self._compare(url, round, prepared, outcome)
        self._take_away(opened, outcome)
        left = self._site.there()
        if any((left.luns, left.admitted, left.accounts, left.devices)):
            outcome.wrong.append(f"after all was deleted there is still {left}")
        return outcome

    def complaints(self) -> str:
        """What the workers complained of last."""
        return self._log.read_text()[-3000:] if self._log.exists() else ""

    def _measured(self) -> float:
        """How long a worker takes for a plan that nobody disturbs."""
        url = self._site.new_ledger("measured")
        opened = partial(self._site.open, url)
        self._prepare(opened, Round(0, "place@0", faulty=False, volumes=2))
        began, outcome = time.monotonic(), Outcome()
        self._finish(opened, outcome)
        seconds = time.monotonic() - began
        self._take_away(opened, outcome)
        return seconds

    def _prepare(self, opened: Callable[[], Allocator], round: Round) -> Prepared:
        """Reserve the round's plans."""
        with opened() as allocator:
            outcome = allocator.place(round.requests())
            assert not outcome.refused, "the pools are empty"
            names = [placed.request for placed in outcome.placed]
        if round.kind == "place":
            return Prepared(names)
        self._finish(opened, Outcome())
        with opened() as allocator:
            if round.kind == MOVE:
                return self._drain(allocator, round, names)
            for name in names:
                if round.kind == "delete":
                    allocator.delete(name)
                elif allocator.inventory.volumes[name].hosts:
                    allocator.detach(name)
        return Prepared([] if round.kind == "delete" else names)

    def _drain(self, allocator: Allocator, round: Round, names: list[str]) -> Prepared:
        """A pool's volumes are to move, and others are placed, detached and deleted meanwhile."""
        moving = drained(allocator, self._site, round.random)
        moved = {move.volume for wave in moving.waves for move in wave}
        names += [placed.request for placed in allocator.place(round.beside()).placed] if round.beside() else []
        for name in [] if round.boundary else sorted(moving.sums.keys() - moved):
            if allocator.inventory.volumes[name].hosts:
                allocator.detach(name)
            else:
                allocator.delete(name)
                names.remove(name)
        return Prepared(names, moving)

    def _kill_at_random(self, opened: Callable[[], Allocator], round: Round, waves: Waves, outcome: Outcome) -> None:
        random = round.random
        begun = 0

        def another() -> int:
            nonlocal begun
            begun += 1
            return start(opened, self._log, faults=self._faults(round, begun), order=begun, waves=waves)

        living = [another() for _ in range(random.randint(1, self._workers))]
        for _ in range(random.randint(1, 4)):
            time.sleep(random.uniform(0, self._span or 0))
            victim = living.pop(random.randrange(len(living)))
            os.kill(victim, signal.SIGKILL)
            if self._ended(victim, outcome) != -signal.SIGKILL:
                break
            outcome.kills += 1
            living.append(another())
        for process in living:
            self._ended(process, outcome)

    def _finish(self, opened: Callable[[], Allocator], outcome: Outcome, waves: Waves = ()) -> None:
        """Let a worker, whose drivers do not fail, go on with what is left."""
        if self._ended(start(opened, self._log, stuck=True, waves=waves), outcome) != 0:
            outcome.wrong.append("what was left could not be finished")

    def _ended(self, process: int, outcome: Outcome) -> int:
        """A worker's exit code; one that does not end is killed, and that is wrong."""
        late = time.monotonic() + _MOST_SECONDS
        while True:
            found, status = os.waitpid(process, os.WNOHANG)
            if found:
                break
            if time.monotonic() > late:
                outcome.wrong.append(f"a worker did not end within {_MOST_SECONDS} s")
                os.kill(process, signal.SIGKILL)
                late += _MOST_SECONDS
            time.sleep(0.002)
        code = os.waitstatus_to_exitcode(status)
        if code not in (0, -signal.SIGKILL):
            outcome.wrong.append(f"a worker ended with {code}")
        return code

    def _compare(self, url: str, round: Round, prepared: Prepared, outcome: Outcome) -> None:
        with closing(Ledger.open(url)) as ledger:
            volumes, unfinished = ledger.volumes(), ledger.status()
            outcome.elsewhere += sum(event.kind == "elsewhere" for event in ledger.events(last=10_000))
        wrong = [f"plan {status.plan.id} is {status.state}" for status in unfinished]
        # What a driver refuses for good to delete stays, half taken away, for another plan.
        states = {"available", "deleting"} if round.faulty and round.kind in ("delete", MOVE) else {"available"}
        wrong += [f"{v.name} is {v.state}, of plan {v.plan}" for v in volumes if v.state not in states or v.plan]
        stored = {volume.name: volume for volume in volumes}
        names, asked = set(stored), set(prepared.names)
        if not round.faulty and names != asked:
            wrong.append(f"{sorted(names)} are there instead of {sorted(asked)}")
        wrong += [f"only {sorted(part)} of a VM are there" for part in _torn(round.requests(), names) if asked]
        wrong += prepared.moving.wrong(self._site, stored, all_done=not round.faulty)
        recorded, there = self._site.recorded(url), self._site.there()
        for what in ("luns", "admitted", "accounts", "devices"):
            for name, these, those in (("lost", recorded, there), ("too many", there, recorded)):
                surplus = sorted(getattr(these, what) - getattr(those, what))
                wrong += [f"{what} {name}: {surplus}"] if surplus else []
        outcome.wrong += wrong

    def _take_away(self, opened: Callable[[], Allocator], outcome: Outcome) -> None:
        with opened() as allocator:
            for name in sorted(allocator.inventory.volumes):
                allocator.delete(name)
        self._finish(opened, outcome)

    @staticmethod
    def _faults(round: Round, worker: int) -> str:
        return f"{round.seed}/{round.name}/{worker}" if round.faulty else ""


def _torn(requests: Iterable[dict[str, Any]], names: set[str]) -> list[set[str]]:
    """Of each VM what is there, where that is neither all nor nothing."""
    vms: dict[str, set[str]] = {}
    for request in requests:
        if "vm" in request:
            vms.setdefault(request["vm"], set()).add(request["name"])
    return [vm & names for vm in vms.values() if vm & names and vm - names]

"""A process that carries out whatever plan there is, until none is left or it is killed."""

from __future__ import annotations

import asyncio
import os
import signal
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any, Final

from allocator import Allocator
from allocator.domain.move import Move
from allocator.execution.attempts import Patience
from allocator.ledger import Ledger, LostLease, PlanBusy, Turn
from bench.crash.faults import Faults, watch

Waves = Sequence[Sequence[Move]]
PATIENCE: Final = Patience(attempts=8, first_delay_seconds=0.005, longest_delay_seconds=0.05, call_seconds=20)
_PAUSE_SECONDS: Final = 0.005
_MOST_SECONDS: Final = 60


def start(
    opened: Callable[[], Allocator],
    log: Path,
    *,
    boundary: int = 0,
    faults: str = "",
    order: int = 0,
    stuck: bool = False,
    waves: Waves = (),
) -> int:
    """Fork a worker; the id of its process.

    It kills itself at the `boundary`-th moment, counted from 1, at which something changes on disk or outside; with
    `faults`, a seed, its drivers fail. `order` says which plan it begins with; with `stuck` it takes up stuck ones.
    `waves` are moves that it carries out besides.
    """
    process = os.fork()
    if process:
        return process
    with log.open("a", buffering=1) as told:
        try:
            _watch(boundary, faults)
            _work(opened, Random(order), waves, stuck=stuck)  # noqa: S311  a reproducible order, not a secret
        except BaseException:
            traceback.print_exc(file=told)
            os._exit(1)
        os._exit(0)


def _watch(boundary: int, faults: str) -> None:
    passed = 0

    def count() -> None:
        nonlocal passed
        passed += 1
        if passed == boundary:
            os.kill(os.getpid(), signal.SIGKILL)

    strike = Faults(faults) if faults else None

    def around(when: str, call: str, subject: str) -> None:
        if call != "inspect":
            count()
        if strike is not None:
            strike(when, call, subject)

    watch(around)
    for name in ("claim", "record", "replace_targets", "finish"):
        setattr(Ledger, name, _counted(getattr(Ledger, name), count))
    setattr(Ledger, "deciding", _decided(Ledger.deciding, count))  # noqa: B010  it is a method to mypy


def _counted(write: Callable[..., Any], count: Callable[[], None]) -> Callable[..., Any]:
    def counted(*given: Any, **named: Any) -> Any:
        count()
        answer = write(*given, **named)
        count()
        return answer

    return counted


def _decided(decide: Callable[..., Any], count: Callable[[], None]) -> Callable[..., Any]:
    @contextmanager
    def counted(ledger: Ledger) -> Iterator[Turn]:
        count()
        with decide(ledger) as turn:
            yield turn
        count()

    return counted


def _work(opened: Callable[[], Allocator], random: Random, waves: Waves, *, stuck: bool) -> None:
    late = time.monotonic() + _MOST_SECONDS
    with opened() as allocator:
        assert allocator.ledger is not None, "opened with one"
        while waves and not _moved(allocator, waves):
            if time.monotonic() > late:
                raise TimeoutError(f"The moves are not over after {_MOST_SECONDS} s")
            time.sleep(_PAUSE_SECONDS)
        while plans := [each.plan for each in allocator.ledger.status() if stuck or each.state != "stuck"]:
            if time.monotonic() > late:
                raise TimeoutError(f"{len(plans)} plans are not over after {_MOST_SECONDS} s")
            random.shuffle(plans)
            for plan in plans:
                try:
                    asyncio.run(allocator.resume(plan, patience=PATIENCE))
                except (PlanBusy, LostLease):
                    continue
            time.sleep(_PAUSE_SECONDS)


def _moved(allocator: Allocator, waves: Waves) -> bool:
    """Go on with moves; False while another has one of them, or while what they wait for is under way."""
    try:
        moved = asyncio.run(allocator.move(waves, patience=PATIENCE))
    except (PlanBusy, LostLease):
        return False
    return moved.stopped is None or any(report.state not in ("running", "done") for report in moved.reports)

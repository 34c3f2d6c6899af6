"""Jobs of which one may run at a time: a lease, whose owner may be gone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from allocator.ledger import JobBusy, Ledger


@pytest.fixture
def clock() -> list[float]:
    return [1000.0]


@pytest.fixture
def ledger(tmp_path: Path, clock: list[float]) -> Iterator[Ledger]:
    with closing(Ledger.open(f"sqlite:///{tmp_path}/ledger.db", clock=lambda: clock[0])) as opened:
        yield opened


def run(ledger: Ledger, owner: str, *, name: str = "rebalance", alive: bool = True) -> None:
    with ledger.job(name, owner=owner, lease_seconds=60, alive=lambda who: alive):
        pass


def test_one_at_a_time(ledger: Ledger) -> None:
    """A second one is told who runs the first and for how long; another job is no matter; then it is its turn."""
    with ledger.job("rebalance", owner="a", lease_seconds=60, alive=lambda who: True):
        with pytest.raises(JobBusy, match=r"A rebalance is being run by a, whose lease lasts 60 s more\. Maybe"):
            run(ledger, "b")
        run(ledger, "b", name="other")
    run(ledger, "b")


def test_one_that_failed_is_over(ledger: Ledger) -> None:
    with (
        pytest.raises(ValueError, match="half-way"),
        ledger.job("rebalance", owner="a", lease_seconds=60, alive=lambda who: True),
    ):
        raise ValueError("half-way")
    run(ledger, "b")


def test_one_that_went_away_is_taken_over(ledger: Ledger, clock: list[float]) -> None:
    """Its process is known to be gone, or its lease is over; what it says later ends nobody else's job."""
    with ledger.job("rebalance", owner="a", lease_seconds=60, alive=lambda who: True):
        run(ledger, "b", alive=False)
        clock[0] += 61
        with ledger.job("rebalance", owner="c", lease_seconds=600, alive=lambda who: True):
            clock[0] += 61
            with pytest.raises(JobBusy, match="c, whose lease lasts 539 s more"):
                run(ledger, "d")


def test_who_lost_it_does_not_end_the_next(ledger: Ledger, clock: list[float]) -> None:
    first = ledger.job("rebalance", owner="a", lease_seconds=60, alive=lambda who: True)
    with first:
        clock[0] += 61
        second = ledger.job("rebalance", owner="b", lease_seconds=60, alive=lambda who: True)
        second.__enter__()
    with pytest.raises(JobBusy):
        run(ledger, "c")
    second.__exit__(None, None, None)
    run(ledger, "c")

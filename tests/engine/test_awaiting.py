"""Placing from an event loop: it goes on meanwhile, and whoever is cancelled leaves nothing behind."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from random import Random
from threading import Event
from typing import Any

import pytest

from allocator import Allocator
from allocator import engine as engine_module
from allocator.decide import decide
from allocator.documents import DocumentError
from allocator.explain import Explained
from allocator.ledger import Ledger
from tests.engine.fleets import ARRAY, gold, written

WISHES = 24
LARGER = ARRAY.replace("total: 10000", "total: 80000")
"""Sells 120,000 guaranteed IOPS: 24 volumes of 5,000."""


@pytest.fixture
def allocator(tmp_path: Path, ledger_url: str) -> Iterator[Allocator]:
    with Allocator.open(*written(tmp_path, LARGER), ledger=ledger_url) as opened:
        yield opened


def held(allocator: Allocator) -> Ledger:
    assert allocator.ledger is not None
    return allocator.ledger


class Gate:
    """A place in the code where a thread says that it is there, and waits to be let through."""

    def __init__(self) -> None:
        self.reached, self.open = Event(), Event()

    def __call__(self) -> None:
        self.reached.set()
        assert self.open.wait(20)

    async def wait(self) -> None:
        """Until a thread is there; the loop's own threads are not used up by that."""
        while not self.reached.is_set():
            await asyncio.sleep(0.001)


@pytest.fixture
def deciding(monkeypatch: pytest.MonkeyPatch) -> Gate:
    """Before a decision."""
    gate = Gate()

    def wait(*given: Any, **more: Any) -> Any:
        gate()
        return decide(*given, **more)

    monkeypatch.setattr(engine_module, "decide", wait)
    return gate


@pytest.fixture
def committed(monkeypatch: pytest.MonkeyPatch, allocator: Allocator) -> Gate:
    """After the commit of a reservation, before anybody is told of it."""
    gate, placed = Gate(), allocator._placing.placed

    def wait(*given: Any, **more: Any) -> Explained:
        outcome = placed(*given, **more)
        gate()
        return outcome

    monkeypatch.setattr(allocator._placing, "placed", wait)
    return gate


def test_R24_the_loop_goes_on_while_it_is_decided(allocator: Allocator, deciding: Gate) -> None:
    """A hundred turns of the loop while the decision stands still; then the answer is the same as that of `place`."""

    async def both() -> Explained:
        task = asyncio.create_task(allocator.place_async(gold(1)))
        await deciding.wait()
        for _ in range(100):
            await asyncio.sleep(0)
        assert not task.done()
        deciding.open.set()
        return await task

    outcome = asyncio.run(both())
    assert [placed.request for placed in outcome.placed] == ["gold-1"]
    again = allocator.place(gold(1))
    assert (again.placed, again.plan.steps) == (outcome.placed, ())


def test_who_is_cancelled_while_it_is_decided_ends_at_once_and_reserves_nothing(
    allocator: Allocator, deciding: Gate
) -> None:
    """Also one that waits behind it has not begun; the next call finds all the room there is."""

    async def cancelled() -> None:
        tasks = [asyncio.create_task(allocator.place_async(gold(number))) for number in (1, 2)]
        await deciding.wait()
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(result) for result in results] == [asyncio.CancelledError] * 2
        assert not deciding.open.is_set()
        deciding.open.set()
        assert len((await allocator.place_async(gold(10, count=WISHES))).placed) == WISHES

    asyncio.run(cancelled())
    assert {event.subject for event in held(allocator).events() if event.kind == "placed"} == {
        f"gold-{number}" for number in range(10, 10 + WISHES)
    }


def test_who_is_cancelled_after_the_commit_ends_when_it_is_undone(allocator: Allocator, committed: Gate) -> None:
    """However often it is cancelled; the history tells both, and the room is free again."""

    async def cancelled() -> None:
        task = asyncio.create_task(allocator.place_async(gold(1)))
        await committed.wait()
        task.cancel()
        await asyncio.sleep(0.01)
        task.cancel()
        assert not task.done()
        assert [stored.name for stored in held(allocator).volumes()] == ["gold-1"]
        committed.open.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert held(allocator).volumes() == []
        assert len((await allocator.place_async(gold(10, count=WISHES))).placed) == WISHES

    asyncio.run(cancelled())
    told = [event.kind for event in held(allocator).events("gold-1")]
    assert told == ["placed", "released"]


@pytest.mark.parametrize("seed", range(3))
def test_R06_only_those_that_were_not_cancelled_hold_anything(allocator: Allocator, seed: int) -> None:
    """30 tasks for 24 places, cancelled at random instants: the ledger holds what somebody was told, and no more."""
    rng = Random(seed)

    async def hurry() -> list[str]:
        tasks = [asyncio.create_task(allocator.place_async(gold(number), explain=False)) for number in range(30)]
        for task in rng.sample(tasks, 20):
            await asyncio.sleep(rng.random() * 0.01)
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        placed = [outcome.placed for outcome in outcomes if isinstance(outcome, Explained)]
        assert len(placed) + sum(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes) == 30
        return sorted(each.request for one in placed for each in one)

    told = asyncio.run(hurry())
    assert len(told) >= 10
    assert told == [stored.name for stored in held(allocator).volumes()] == sorted(allocator.inventory.volumes)
    assert allocator.audit() == []


def test_what_another_commits_is_seen_at_the_next_call(allocator: Allocator, tmp_path: Path, ledger_url: str) -> None:
    """23 of 24 places are taken by another allocator: one of two is placed."""
    asyncio.run(allocator.place_async(gold(50)))
    with Allocator.open(*written(tmp_path, LARGER), ledger=ledger_url) as other:
        other.place(gold(1, count=WISHES - 2))
    outcome = asyncio.run(allocator.place_async(gold(30, count=2), explain=False))
    assert (len(outcome.placed), len(outcome.refused)) == (1, 1)


def test_what_is_wrong_is_raised_where_it_is_awaited(allocator: Allocator) -> None:
    with pytest.raises(DocumentError, match="There is no offering named 'godl'"):
        asyncio.run(allocator.place_async([{"name": "v", "offering": "godl", "size": "1GiB"}]))

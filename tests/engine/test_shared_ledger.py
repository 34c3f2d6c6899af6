"""One ledger, several allocators: what one reserves the others see, and nobody sells it twice."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from allocator import Allocator
from tests.engine.fleets import ARRAY, gold, opened

WISHES = 6


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Allocator, Allocator]]:
    """Two allocators on the same documents and ledger, both of which have looked at it already."""
    with opened(tmp_path, ARRAY, ledger=True) as one, opened(tmp_path, ARRAY, ledger=True) as other:
        assert one.inventory.volumes == other.inventory.volumes == {}
        yield one, other


def held(allocator: Allocator) -> list[str]:
    assert allocator.ledger is not None
    return [stored.name for stored in allocator.ledger.volumes()]


def test_R06_what_one_reserves_the_other_counts_at_its_next_call(pair: tuple[Allocator, Allocator]) -> None:
    """15,000 are three times 5,000: two for one, one for the other, nothing for anybody after that."""
    one, other = pair
    assert len(one.place(gold(1, count=2)).placed) == 2
    assert sorted(other.inventory.volumes) == ["gold-1", "gold-2"]
    outcome = other.place(gold(3, count=2))
    assert (len(outcome.placed), len(outcome.refused)) == (1, 1)
    (refusal,) = one.place(gold(5)).refused
    assert refusal.kind == "no_room"
    assert len(held(one)) == 3


def test_a_volume_that_went_twice_since_somebody_looked_is_gone(pair: tuple[Allocator, Allocator]) -> None:
    one, other = pair
    assert one.ledger is not None
    one.place(gold(1))
    assert sorted(other.inventory.volumes) == ["gold-1"]
    one.ledger.release("gold-1")
    one.place(gold(1))
    one.ledger.release("gold-1")
    assert other.inventory.volumes == {}


def test_a_reservation_is_a_plan_that_can_be_gone_on_with(pair: tuple[Allocator, Allocator]) -> None:
    one, other = pair
    outcome = one.place(gold(1))
    assert [step.kind for step in outcome.plan.steps] == ["reserve", "create", "grant", "attach"]
    assert other.ledger is not None
    assert other.ledger.unfinished() == [outcome.plan]
    (stored,) = other.ledger.volumes()
    assert (stored.name, stored.pool, stored.state, stored.plan) == ("gold-1", "sf-1", "reserved", outcome.plan.id)


def test_placing_the_same_documents_again_changes_nothing(tmp_path: Path) -> None:
    """What lies somewhere stays there, without steps; only what is new is placed."""
    asked = """
    version: 1
    requests: [{name: a, vm: v, offering: gold, size: 1GiB}, {name: b, vm: w, offering: gold, size: 1GiB}]
    """
    with opened(tmp_path, ARRAY, asked, ledger=True) as allocator:
        first = allocator.place()
        assert allocator.ledger is not None
        changes = allocator.ledger.changes()
        again = allocator.place()
        assert again.plan.steps == ()
        assert sorted(again.placed, key=str) == sorted(first.placed, key=str)
        assert allocator.ledger.changes() == changes
        assert allocator.ledger.unfinished() == [first.plan]
    more = "version: 1\nrequests: [{name: c, vm: v, offering: gold, size: 1GiB}]"
    with opened(tmp_path, ARRAY, asked, more, ledger=True) as allocator:
        outcome = allocator.place()
        assert {step.volume for step in outcome.plan.steps} == {"c"}
        hosts = {placed.request: placed.host for placed in outcome.placed}
        assert hosts["c"] == hosts["a"]
        assert held(allocator) == ["a", "b", "c"]


def test_documents_with_volumes_and_a_ledger_contradict_each_other(tmp_path: Path) -> None:
    volumes = "version: 1\nvolumes: [{name: old, pool: sf-1, size: 1GiB, offering: gold}]"
    allocator = opened(tmp_path, ARRAY, volumes, ledger=True)
    for call in (lambda: allocator.place(gold(1)), allocator.audit, lambda: allocator.inventory):
        with pytest.raises(LookupError, match=r"With a ledger the volumes are the ledger's\. Maybe take `volumes` out"):
            call()
    assert held(allocator) == []
    allocator.close()
    assert len(opened(tmp_path, ARRAY, volumes).place(gold(1)).placed) == 1


def wish(number: int, folder: Path) -> None:
    """A control plane of its own that asks for one volume after another until nothing is left."""
    with Allocator.open(folder / "documents-0.yaml", ledger=f"sqlite:///{folder}/ledger.db") as allocator:
        for wanted in gold(100 * number, count=WISHES):
            allocator.place([wanted], explain=False)


def test_R06_processes_that_race_never_oversell(tmp_path: Path) -> None:
    """12 wishes of 5,000 from two processes at once; 15,000 are sold to three, whoever they are."""
    with opened(tmp_path, ARRAY, ledger=True) as allocator:
        assert held(allocator) == []
    fork = multiprocessing.get_context("fork")
    racers = [fork.Process(target=wish, args=(number, tmp_path)) for number in (1, 2)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join(60)
    assert [racer.exitcode for racer in racers] == [0, 0]
    with opened(tmp_path, ARRAY, ledger=True) as allocator:
        assert len(held(allocator)) == 3
        assert allocator.audit() == []
        floors = dict.fromkeys(allocator.inventory.pools, 0)
        for volume in allocator.inventory.all_volumes():
            floors[volume.pool] += volume.alternative.qos.iops.floor() or 0
        assert floors == {"sf-1": 15_000}


def test_one_name_is_one_volume_whoever_asks(pair: tuple[Allocator, Allocator]) -> None:
    """The second who asks for the same name is told where it is."""
    one, other = pair
    asked: list[Mapping[str, object]] = [{"name": "shared", "vm": "v", "offering": "gold", "size": "1GiB"}]
    first, second = one.place(asked), other.place(asked)
    assert first.placed == second.placed
    assert second.plan.steps == ()
    assert held(one) == ["shared"]

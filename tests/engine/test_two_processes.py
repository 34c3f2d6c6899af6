"""A fleet that follows what another process commits is the fleet that one reads from nothing."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Iterable
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random

import pytest

from allocator import Allocator
from allocator.documents import volume_document
from allocator.domain.inventory import Inventory
from allocator.domain.placement import Charge, Volume
from allocator.domain.plan import Plan
from allocator.fleet import Fleet, IntArray
from allocator.ledger import Facts, Ledger
from tests.engine.fleets import ARRAY, gold, opened, written

DISKS = """
version: 1
drivers: {disk: {driver: local}}
pools:
  - {name: d1, driver: disk, host: h1, capacity: 1MiB, details: {path: %s/d1}}
  - {name: d2, driver: disk, host: h2, capacity: 1MiB, details: {path: %s/d2}}
hosts: [{name: h1, zone: z1, iops: 100000}, {name: h2, zone: z1}]
"""
FOREIGN = {
    "name": "foreign-1",
    "pool": "sf-1",
    "size": 2**30,
    "qos": {"provisioned": {"min_iops": 10_000}},
    "foreign": True,
}
ROUNDS = 8


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Ledger]:
    """The ledgers of which everything was read, once for each time."""
    found: list[Ledger] = []
    facts = Ledger.facts

    def counted(ledger: Ledger) -> Facts:
        found.append(ledger)
        return facts(ledger)

    monkeypatch.setattr(Ledger, "facts", counted)
    return found


@pytest.fixture
def summed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Fleet, Charge]]:
    """What was ever summed up on which fleet."""
    found: list[tuple[Fleet, Charge]] = []
    tally = Fleet.tally

    def noted(fleet: Fleet, charge: Charge) -> IntArray:
        found.append((fleet, charge))
        return tally(fleet, charge)

    monkeypatch.setattr(Fleet, "tally", noted)
    return found


def held(allocator: Allocator) -> Ledger:
    assert allocator.ledger is not None
    return allocator.ledger


def compare(followed: Allocator, fresh: Allocator, summed: Iterable[tuple[Fleet, Charge]]) -> None:
    """The same volumes, found by every index, and the same sums of everything that was ever summed up."""
    one, other = followed.inventory, fresh.inventory
    assert {name: volume_document(volume) for name, volume in one.volumes.items()} == {
        name: volume_document(volume) for name, volume in other.volumes.items()
    }
    for name in one.pools:
        assert _names(one.volumes_at("pool", name)) == _names(other.volumes_at("pool", name))
    for name in one.hosts:
        assert _names(one.volumes_at("host", name)) == _names(other.volumes_at("host", name))
    assert one.groups() == other.groups()
    arrays, recount = followed.fleet, Fleet(other)
    charges = {charge for fleet, charge in summed if fleet is arrays}
    assert charges
    for charge in charges:
        assert arrays.tally(charge).tolist() == recount.tally(charge).tolist()
        sums = [{place: sum_ for place, sum_ in each.totals(charge).items() if sum_} for each in (one, other)]
        assert sums[0] == sums[1]


def _names(volumes: Iterable[Volume]) -> list[str]:
    return sorted(volume.name for volume in volumes)


def act(allocator: Allocator, rng: Random, number: int) -> None:
    """One thing that a control plane does, at random; what cannot be is let be."""
    assert allocator.ledger is not None
    free = [stored for stored in allocator.ledger.volumes() if stored.plan is None]
    reserved = [stored for stored in allocator.ledger.volumes() if stored.state == "reserved"]
    what = rng.choice(["place", "place", "apply", "release", "attach", "delete"])
    if what == "place":
        more = {"group": f"g{number % 3}", "vm": f"vm-{number}"} if rng.random() < 0.5 else {}
        for n in range(rng.randint(1, 3)):
            allocator.place([{"name": f"w{number}-{n}", "size": rng.choice(["4KiB", "8KiB"]), **more}])
    elif what == "apply" and reserved:
        plan = next(plan for plan in allocator.ledger.unfinished() if plan.id == reserved[0].plan)
        asyncio.run(allocator.apply(plan))
    elif what == "release" and reserved:
        allocator.ledger.release(rng.choice(reserved).name)
    elif what == "attach" and free:
        stored = rng.choice(free)
        asyncio.run(allocator.apply(_toggled(allocator, stored.name, stored.pool.replace("d", "h"))))
    elif what == "delete" and free:
        asyncio.run(allocator.apply(allocator.delete(rng.choice(free).name)))


def _toggled(allocator: Allocator, name: str, host: str) -> Plan:
    hosts = allocator.inventory.volumes[name].hosts
    return allocator.detach(name) if hosts else allocator.attach(name, host)


def write(documents: Path, url: str, seed: int, line: Connection) -> None:
    """Another process: a few random commits whenever it is told to go on."""
    rng = Random(seed)
    assert line.recv()
    with Allocator.open(documents, ledger=url) as allocator:
        for turn in range(ROUNDS):
            for step in range(rng.randint(1, 5)):
                act(allocator, rng, 10 * turn + step)
            line.send("done")
            assert turn == ROUNDS - 1 or line.recv()


@pytest.fixture
def disks(tmp_path: Path) -> Path:
    for name in ("d1", "d2"):
        (tmp_path / name).mkdir(mode=0o700)
    return written(tmp_path, DISKS % (tmp_path, tmp_path))[0]


@pytest.mark.parametrize("seed", range(3))
def test_what_another_process_commits_is_followed_exactly(
    disks: Path, ledger_url: str, seed: int, reads: list[Ledger], summed: list[tuple[Fleet, Charge]]
) -> None:
    """Some 24 acts: placed, made, released, attached, detached, deleted; looked at meanwhile and in between."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe()
    # Before the ledger is opened: SQLite's locks do not go with a process that is forked off.
    other = context.Process(target=write, args=(disks, ledger_url, seed, there), daemon=True)
    other.start()
    with Allocator.open(disks, ledger=ledger_url) as follower:
        for n in range(8):
            follower.place([{"name": f"own-{n}", "size": "4KiB"}])
        for turn in range(ROUNDS):
            here.send("go on")
            while not here.poll():
                assert follower.audit() == []
            assert here.recv() == "done"
            with Allocator.open(disks, ledger=ledger_url) as fresh:
                compare(follower, fresh, summed)
            if turn % 3 == 0:
                follower.place([{"name": f"own-{turn}-later", "size": "4KiB"}])
        other.join(60)
        assert other.exitcode == 0
        assert reads.count(held(follower)) == 1


def test_R07_what_devices_show_is_read_from_nothing(tmp_path: Path, reads: list[Ledger]) -> None:
    """Somebody else's volume has 10,000 of the 15,000 IOPS, one of ours 5,000: that is all."""
    with opened(tmp_path, ARRAY, ledger=True) as follower, opened(tmp_path, ARRAY, ledger=True) as other:
        assert len(follower.place(gold(1)).placed) == 1
        assert other.ledger is not None
        other.ledger.foreign("sf-1", [FOREIGN])
        assert follower.place(gold(2)).placed == ()
        assert reads.count(held(follower)) == 2


def test_a_name_that_went_and_came_again_is_counted_once(
    tmp_path: Path, reads: list[Ledger], summed: list[tuple[Fleet, Charge]]
) -> None:
    """Between two looks another lets a volume go and places one of that name; 15,000 are still three times 5,000."""
    with opened(tmp_path, ARRAY, ledger=True) as follower, opened(tmp_path, ARRAY, ledger=True) as other:
        assert [len(follower.place(gold(number)).placed) for number in (1, 2)] == [1, 1]
        held(other).release("gold-1")
        assert len(other.place(gold(1)).placed) == 1
        assert [len(follower.place(gold(number)).placed) for number in (3, 4)] == [1, 0]
        compare(follower, other, summed)
        assert reads.count(held(follower)) == 1


def test_a_change_that_was_interrupted_is_read_from_nothing(
    tmp_path: Path, reads: list[Ledger], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C after the commit, when half of the fleet has taken it over: the next call finds it, once."""
    settle = Inventory.settle

    def interrupted(inventory: Inventory, *change: object) -> None:
        monkeypatch.setattr(Inventory, "settle", settle)
        raise KeyboardInterrupt

    with opened(tmp_path, ARRAY, ledger=True) as allocator:
        assert len(allocator.place(gold(1)).placed) == 1
        monkeypatch.setattr(Inventory, "settle", interrupted)
        with pytest.raises(KeyboardInterrupt):
            allocator.place(gold(2))
        assert [len(allocator.place(gold(number)).placed) for number in (3, 4)] == [1, 0]
        assert sorted(allocator.inventory.volumes) == ["gold-1", "gold-2", "gold-3"]
        assert reads.count(held(allocator)) == 2

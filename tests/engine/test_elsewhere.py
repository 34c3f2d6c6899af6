"""A pool that has no space after all: the volume goes to the next best target, and what was reserved goes with it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from allocator import Allocator
from allocator.decide import Decision, decide
from allocator.domain.plan import Plan
from allocator.domain.qos import Qos
from allocator.driver import DriverError, ErrorCode, Handle, VolumeWish
from allocator.execution.report import Report
from allocator.service import elsewhere as deciding
from drivers.storage.local import LocalDriver
from tests.engine.fleets import opened

POOLS = """
version: 1
drivers: {disk: {driver: local}}
hosts: [{name: h1, zone: z1}, {name: h2, zone: z1}]
pools:
  - {name: p1, driver: disk, zone: z1, price: 1, capacity: 1MiB, details: {path: %(tmp)s/p1}}
  - {name: p2, driver: disk, zone: z1, price: 2, capacity: 1MiB, details: {path: %(tmp)s/p2}}
  - {name: p3, driver: disk, zone: z1, price: 3, capacity: 1MiB, details: {path: %(tmp)s/p3}}
"""
"""The cheapest first."""
LOCAL = """
version: 1
drivers: {disk: {driver: local}}
hosts: [{name: h1, zone: z1}, {name: h2, zone: z1}]
pools:
  - {name: p1, driver: disk, host: h1, price: 1, capacity: 1MiB, details: {path: %(tmp)s/p1}}
  - {name: p2, driver: disk, host: h2, price: 2, capacity: 1MiB, details: {path: %(tmp)s/p2}}
"""
POLICY = "version: 1\ngoals: [placed, price]\n"


class Full:
    """Pools that say NO_SPACE, to all or to some volumes by their size; and what was asked of each."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pools: dict[str, Collection[int]] = {}
        self.asked: list[str] = []
        made = LocalDriver.create_async

        async def create_async(driver: LocalDriver, wish: VolumeWish) -> Handle:
            self.asked.append(wish.pool)
            if wish.pool in self.pools and wish.size_bytes in (self.pools[wish.pool] or [wish.size_bytes]):
                raise DriverError(ErrorCode.NO_SPACE, f"{wish.pool} is full.")
            return await made(driver, wish)

        monkeypatch.setattr(LocalDriver, "create_async", create_async)


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> Full:
    return Full(monkeypatch)


def fleet(tmp_path: Path, text: str) -> Allocator:
    for name in ("p1", "p2", "p3"):
        (tmp_path / name).mkdir(mode=0o700)
    policy = tmp_path / "cheap.yaml"
    policy.write_text(POLICY)
    return opened(tmp_path, text % {"tmp": tmp_path}, policy=str(policy), ledger=True)


@pytest.fixture
def allocator(tmp_path: Path) -> Iterator[Allocator]:
    with fleet(tmp_path, POOLS) as made:
        yield made


def place(allocator: Allocator, *requests: dict[str, object]) -> Plan:
    outcome = allocator.place(requests)
    assert outcome.refused == ()
    return outcome.plan


def run(allocator: Allocator, plan: Plan) -> Report:
    return asyncio.run(allocator.apply(plan))


def files(tmp_path: Path) -> list[str]:
    """The pool of each volume that there is."""
    return sorted(path.parts[-3] for path in tmp_path.glob("p?/volumes/*"))


def lies(allocator: Allocator) -> dict[str, str]:
    return {volume.name: volume.pool for volume in allocator.inventory.all_volumes()}


def sold(allocator: Allocator, pool: str) -> int:
    return sum(volume.request.size_bytes for volume in allocator.inventory.volumes_at("pool", pool))


def test_a_volume_goes_to_the_next_best_pool(allocator: Allocator, full: Full, tmp_path: Path) -> None:
    """p1 is the cheapest and full: p2 is next. What was held on p1 is free, what is on p2 is held."""
    plan = place(allocator, {"name": "v", "size": "600KiB", "vm": "m"})
    assert lies(allocator) == {"v": "p1"}
    full.pools = {"p1": ()}
    report = run(allocator, plan)
    assert (report.plan, report.state) == (plan.id, "done")
    assert [(told.volume, told.pool, told.state) for told in report.volumes] == [("v", "p2", "done")]
    assert (full.asked, files(tmp_path), lies(allocator)) == (["p1", "p2"], ["p2"], {"v": "p2"})
    assert (sold(allocator, "p1"), sold(allocator, "p2")) == (0, 600 * 1024)
    assert allocator.ledger is not None
    assert [(event.kind, event.text) for event in allocator.ledger.events("v")][:3] == [
        ("placed", "on p1 for h1"),
        ("no space", "p1 has no space for it"),
        ("elsewhere", "to p2"),
    ]
    assert run(allocator, plan) == report, "applied again it is the same"
    assert full.asked == ["p1", "p2"]


def test_what_is_made_of_a_vm_stays(allocator: Allocator, full: Full, tmp_path: Path) -> None:
    """R23: p1 has room for the small volume and not for the large one: the small one is made once."""
    plan = place(
        allocator,
        {"name": "small", "size": "4KiB", "vm": "m"},
        {"name": "large", "size": "600KiB", "vm": "m"},
    )
    full.pools = {"p1": [600 * 1024], "p2": ()}
    report = run(allocator, plan)
    assert report.state == "done"
    assert lies(allocator) == {"small": "p1", "large": "p3"}
    assert sorted(full.asked) == ["p1", "p1", "p2", "p3"]
    assert len({reached.host for told in report.volumes for reached in told.reached}) == 1


def test_a_vm_goes_whole_where_its_host_reaches_nothing_else(tmp_path: Path, full: Full) -> None:
    """R23: the disks are local. The small volume is made on h1, the large one has no room there: both go to h2."""
    with fleet(tmp_path, LOCAL) as allocator:
        plan = place(
            allocator,
            {"name": "small", "size": "4KiB", "vm": "m"},
            {"name": "large", "size": "600KiB", "vm": "m"},
        )
        assert set(lies(allocator).values()) == {"p1"}
        full.pools = {"p1": [600 * 1024]}
        report = run(allocator, plan)
        assert report.state == "done"
        assert {told.pool: told.reached[0].host for told in report.volumes} == {"p2": "h2"}
        assert (files(tmp_path), set(lies(allocator).values())) == (["p2", "p2"], {"p2"})
        assert sold(allocator, "p1") == 0


def test_where_nothing_else_fits_all_is_undone_and_the_reasons_are_told(
    allocator: Allocator, full: Full, tmp_path: Path
) -> None:
    plan = place(allocator, {"name": "v", "size": "600KiB"}, {"name": "w", "size": "4KiB"})
    full.pools = {"p1": [600 * 1024], "p2": [600 * 1024], "p3": [600 * 1024]}
    report = run(allocator, plan)
    error = report.volumes[0].error
    assert [(told.volume, told.state) for told in report.volumes] == [("v", "rolled_back"), ("w", "done")]
    assert error is not None
    assert error.code == "no_space"
    assert error.text.startswith("p3 is full. Nothing else fits: v is refused: ")
    assert "0 of 3 pools fit" in error.text
    assert lies(allocator) == {"w": "p1"}
    assert files(tmp_path) == ["p1"]


def test_not_every_pool_is_asked(tmp_path: Path, full: Full) -> None:
    """Of twelve pools that are all full after all, nine are asked: the first, and eight more at most."""
    names = [f"p{number}" for number in range(12)]
    pools = [
        {"name": name, "driver": "disk", "zone": "z1", "capacity": "1MiB", "details": {"path": f"{tmp_path}/{name}"}}
        for name in names
    ]
    documents = {"version": 1, "drivers": {"disk": {"driver": "local"}}, "pools": pools}
    for name in names:
        (tmp_path / name).mkdir(mode=0o700)
    with opened(tmp_path, yaml.safe_dump(documents), ledger=True) as allocator:
        plan = place(allocator, {"name": "v", "size": "4KiB"})
        full.pools = dict.fromkeys(names, ())
        report = run(allocator, plan)
        error = report.volumes[0].error
        assert (report.state, len(set(full.asked)), len(full.asked)) == ("rolled_back", 9, 9)
        assert error is not None
        assert error.text.endswith("is full. So have 8 others not. Maybe `allocator status --observe` shows why.")
        assert lies(allocator) == {}


def test_what_another_process_takes_meanwhile_is_not_sold_twice(
    allocator: Allocator, full: Full, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R06: while it is decided that v goes to p2, somebody else reserves 600 KiB of the 1 MiB there: v goes to p3."""
    plan = place(allocator, {"name": "v", "size": "600KiB"})
    full.pools = {"p1": ()}
    taken: list[Plan] = []

    def slowly(*given: Any, **named: Any) -> Decision:
        decision = decide(*given, **named)
        if not taken:
            with opened(tmp_path, POOLS % {"tmp": tmp_path}, ledger=True) as other:
                taken.append(place(other, {"name": "w", "size": "600KiB", "pool": "p2"}))
        return decision

    monkeypatch.setattr(deciding, "decide", slowly)
    assert run(allocator, plan).state == "done"
    assert lies(allocator) == {"v": "p3", "w": "p2"}


def stop_before_deciding_again(allocator: Allocator, plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that ends as if by Ctrl-C once a pool has said that it is full."""

    def stopped(*given: object, **named: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(deciding, "decide_again", stopped)
        with pytest.raises(KeyboardInterrupt):
            run(allocator, plan)


def test_a_run_that_is_stopped_in_between_goes_on_elsewhere(
    allocator: Allocator, full: Full, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a pool said is on record: it is not asked again, until somebody has looked at it."""
    plan = place(allocator, {"name": "v", "size": "600KiB"})
    full.pools = {"p1": ()}
    stop_before_deciding_again(allocator, plan, monkeypatch)
    assert lies(allocator) == {"v": "p1"}
    assert run(allocator, plan).state == "done"
    assert (full.asked, files(tmp_path)) == (["p1", "p2"], ["p2"])


def test_a_pool_that_was_observed_since_is_asked_again(
    allocator: Allocator, full: Full, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = place(allocator, {"name": "v", "size": "600KiB"})
    full.pools = {"p1": ()}
    stop_before_deciding_again(allocator, plan, monkeypatch)
    ledger = allocator.ledger
    assert ledger is not None
    later = ledger._clock() + 2
    monkeypatch.setattr(ledger, "_clock", lambda: later)
    ledger.observed("p1", 0, Qos())
    full.pools = {}
    assert run(allocator, plan).state == "done"
    assert (full.asked, files(tmp_path)) == (["p1", "p1"], ["p1"])

"""From a decision to files on a disk and back, through the driver `local`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from allocator import Allocator
from allocator.domain.plan import Plan
from allocator.explain import plan_json
from allocator.planning.trust import PlanError, read_plan
from tests.engine.fleets import opened

DISKS = """
version: 1
drivers: {disk: {driver: local}}
pools:
  - {name: d1, driver: disk, host: h1, capacity: 1MiB, details: {path: %s/d1}}
  - {name: d2, driver: disk, host: h2, capacity: 1MiB, details: {path: %s/d2}}
hosts: [{name: h1, zone: z1}, {name: h2, zone: z1}]
"""


@pytest.fixture
def allocator(tmp_path: Path) -> Iterator[Allocator]:
    for name in ("d1", "d2"):
        (tmp_path / name).mkdir(mode=0o700)
    with opened(tmp_path, DISKS % (tmp_path, tmp_path), ledger=True) as made:
        yield made


def run(allocator: Allocator, plan: Plan) -> list[str]:
    """The plan's volumes that are done."""
    report = asyncio.run(allocator.apply(plan))
    assert report.state == "done"
    return [volume.volume for volume in report.volumes if volume.state == "done"]


def files(folder: Path) -> list[int]:
    """Sizes of the volumes there are."""
    return sorted(path.stat().st_size for path in folder.glob("d?/volumes/*"))


def place(allocator: Allocator, name: str, size: str, **more: object) -> Plan:
    outcome = allocator.place([{"name": name, "size": size, **more}])
    assert outcome.refused == ()
    return outcome.plan


def test_R18_R20_a_volume_is_made_and_taken_away(allocator: Allocator, tmp_path: Path) -> None:
    """600 KiB twice do not fit a disk of 1 MiB; once the first is deleted the second does."""
    assert run(allocator, place(allocator, "first", "600KiB", pool="d1")) == ["first"]
    assert files(tmp_path) == [600 * 1024]
    (refusal,) = allocator.place([{"name": "second", "size": "600KiB", "pool": "d1"}]).refused
    assert refusal.kind == "no_room"
    assert run(allocator, allocator.delete("first")) == ["first"]
    assert files(tmp_path) == []
    assert run(allocator, place(allocator, "second", "600KiB", pool="d1")) == ["second"]
    assert sorted(allocator.inventory.volumes) == ["second"]


def test_applying_a_plan_twice_makes_it_once(allocator: Allocator, tmp_path: Path) -> None:
    plan = place(allocator, "v", "4KiB")
    assert run(allocator, plan) == run(allocator, plan) == ["v"]
    assert files(tmp_path) == [4096]


def test_R06_a_plan_made_without_a_ledger_is_reserved_when_it_is_applied(allocator: Allocator, tmp_path: Path) -> None:
    """Two people planned on the same documents; the disk has room for the one who comes first."""
    alone = opened(tmp_path, DISKS % (tmp_path, tmp_path))
    mine, yours = (place(alone, name, "600KiB", pool="d1") for name in ("mine", "yours"))
    assert run(allocator, mine) == ["mine"]
    with pytest.raises(PlanError, match=r"would break rule capacity: pool d1 has 1\.1 MiB of space, at most 1 MiB"):
        asyncio.run(allocator.apply(yours))
    assert files(tmp_path) == [600 * 1024]


def test_R19_R21_a_volume_is_attached_later_and_only_where_it_can_be(allocator: Allocator, tmp_path: Path) -> None:
    run(allocator, place(allocator, "v", "4KiB", pool="d1"))
    with pytest.raises(ValueError, match="v: pool d1 lies outside the reach of host h2"):
        allocator.attach("v", "h2")
    with pytest.raises(LookupError, match="There is no host h9"):
        allocator.attach("v", "h9")
    with pytest.raises(LookupError, match="There is no volume w in the ledger"):
        allocator.attach("w", "h1")
    assert run(allocator, allocator.attach("v", "h1")) == ["v"]
    assert list(allocator.inventory.volumes["v"].hosts) == ["h1"]
    with pytest.raises(ValueError, match="Volume v is attached to h1 already"):
        allocator.attach("v", "h1")
    with pytest.raises(ValueError, match="Volume v is attached to h1, not to h2"):
        allocator.detach("v", "h2")
    assert run(allocator, allocator.detach("v")) == ["v"]
    assert list(allocator.inventory.volumes["v"].hosts) == []
    with pytest.raises(ValueError, match="Volume v is attached to no host"):
        allocator.detach("v")


def test_a_plan_may_not_shrink_a_volume_on_paper(allocator: Allocator, tmp_path: Path) -> None:
    """An attachment whose document says 4 KiB of a volume of 600: half of the disk would be sold again."""
    run(allocator, place(allocator, "v", "600KiB", pool="d1"))
    data = plan_json(allocator.attach("v", "h1"))
    data["volumes"][0]["size"] = 4096
    forged = read_plan(json.dumps(data))
    with pytest.raises(PlanError, match="volume v is another in the ledger"):
        asyncio.run(allocator.apply(Plan.of(forged.steps, forged.volumes)))
    assert allocator.inventory.volumes["v"].request.size_bytes == 600 * 1024

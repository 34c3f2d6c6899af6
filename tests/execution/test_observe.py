"""What is really on the pools: foreign volumes counted (R07), differences told."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict

from allocator.domain.qos import Band, Bands, Qos
from allocator.driver import DriverError, ErrorCode
from allocator.execution.observe import Finding, observe
from tests.execution.plugins import Fault
from tests.execution.world import World, connections, fleet, placement, volume


def observed(world: World) -> list[Finding]:
    async def looked() -> list[Finding]:
        inventory = fleet(world.root, world.faults)
        async with connections(inventory) as connected:
            return await observe(inventory, world.ledger, connected)

    return asyncio.run(looked())


def add(world: World, name: str, size_bytes: int, qos: Qos | None = None) -> None:
    """Somebody makes a volume by hand."""
    (world.root / "p1").mkdir(parents=True, exist_ok=True)
    (world.root / "p1" / name).write_text(json.dumps([size_bytes, False, asdict(qos or Qos()), {}]))


def test_foreign_volumes_are_counted_with_their_floors(world: World) -> None:
    """R07: what somebody else made on the device is in the ledger as a document that can be read back."""
    world.place(volume("v"))
    before = world.ledger.changes()
    add(world, "their-lun", 2**30, Qos(iops=Bands(Band(floor=700, ceiling=900, burst=1200, burst_seconds=60))))
    add(world, "plain", 2**20)
    assert observed(world) == []
    documents = world.ledger.foreign_documents()
    assert sorted(str(document["size"]) for document in documents) == ["1048576", "1073741824"]
    assert all(document["foreign"] and str(document["name"]).startswith("foreign-") for document in documents)
    seen = world.ledger.observations()
    assert seen["p1"].used_bytes == 2**30 + 2**20 + 12_288
    assert seen["p2"].used_bytes == 0
    assert seen["p1"].default_qos.iops.floor() == 50
    assert world.ledger.changes() == before + 3
    floors = [document["qos"] for document in documents if document["size"] == 2**30]
    assert floors == [[{"provisioned": {"min_iops": 700, "max_iops": 900, "burst_iops": 1200}}]]
    observed(world)
    assert world.ledger.changes() == before + 3


def test_what_came_and_went_by_hand_is_told(world: World) -> None:
    world.place(volume("v"))
    add(world, "vol-0123456789abcdef", 4096)
    known = world.ledger.volumes()[0].volume_id
    (world.root / "p1" / known).unlink()
    assert [(found.kind, found.pool, found.subject) for found in observed(world)] == [
        ("unrecorded", "p1", "vol-0123456789abcdef"),
        ("gone", "p1", "v"),
    ]
    assert [document["size"] for document in world.ledger.foreign_documents()] == [4096]


def test_a_pool_out_of_reach_keeps_what_was_known(world: World) -> None:
    add(world, "their-lun", 2**30)
    observed(world)
    known = world.ledger.observations()
    world.faults.coming = [Fault("list", DriverError(ErrorCode.UNAVAILABLE, "Out of reach."), pool="p1")]
    assert observed(world) == [Finding("unreachable", "p1", "p1", "Pool p1: Out of reach.")]
    assert len(world.ledger.foreign_documents()) == 1
    assert world.ledger.observations()["p1"] == known["p1"]


def test_a_volume_being_made_is_neither_gone_nor_unrecorded(world: World) -> None:
    """Between the look at the device and the look at the ledger another process places and deletes."""
    listed = False

    def meanwhile(point: str) -> None:
        nonlocal listed
        if point == "before list" and not listed:
            listed = True
            plan = placement(volume("w", hosts=()))
            world.ledger.reserve(plan, seen=world.ledger.changes())
            add(world, world.ledger.volumes()[0].volume_id, 4096)

    world.faults.around = meanwhile
    assert observed(world) == []
    assert world.ledger.foreign_documents() == []

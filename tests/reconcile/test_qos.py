"""When two QoS are the same, and a volume whose array keeps another one."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from pathlib import Path

from allocator.domain.plan import Plan
from allocator.domain.qos import Band, Bands, Qos
from allocator.planning.mending import Mend
from allocator.reconcile.difference import differ, merged
from allocator.reconcile.findings import Reconciliation
from allocator.reconcile.reconcile import reconcile
from tests.execution.world import PROVISIONED, World, connections, fleet, volume


def iops(io_size_bytes: int = 4096, **total: int) -> Qos:
    return Qos(iops=Bands(Band(**total)), io_size_bytes=io_size_bytes)


def test_every_figure_counts_that_is_stated_on_either_side() -> None:
    """R09: a ceiling that nobody asked for is as wrong as one that is missing."""
    assert not differ(iops(ceiling=800), iops(ceiling=800))
    assert differ(iops(ceiling=800), iops(ceiling=801))
    assert differ(iops(ceiling=800), Qos())
    assert differ(Qos(), iops(ceiling=800))
    assert differ(iops(ceiling=800), Qos(iops=Bands(read=Band(ceiling=800))))
    assert differ(iops(ceiling=800), Qos(bandwidth=Bands(Band(ceiling=800))))


def test_what_nobody_asked_for_may_be_as_the_device_has_it() -> None:
    """QEMU gives a burst one second where none is stated, and counts 4 KiB where only bandwidth is limited."""
    assert not differ(iops(ceiling=8, burst=9), iops(ceiling=8, burst=9, burst_seconds=1))
    assert differ(iops(ceiling=8, burst=9, burst_seconds=5), iops(ceiling=8, burst=9, burst_seconds=1))
    assert differ(iops(ceiling=8, io_size_bytes=8192), iops(ceiling=8))
    bandwidth = Bands(Band(ceiling=8))
    assert not differ(Qos(bandwidth=bandwidth, io_size_bytes=8192), Qos(bandwidth=bandwidth))


def test_what_several_differences_want_of_a_volume_is_one_mend() -> None:
    wanted = [Mend("a", "p", withdraw=True), Mend("b", "p", delete=True), Mend("a", "p", regrant=("h2",))]
    assert merged([*wanted, Mend("a", "p", regrant=("h1",), reattach=("h1",))]) == {
        "a": Mend("a", "p", withdraw=True, regrant=("h1", "h2"), reattach=("h1",)),
        "b": Mend("b", "p", delete=True),
    }


def test_another_qos_on_the_array_is_told(tmp_path: Path) -> None:
    """R09: 500 to 1,000 IOPS were promised. No driver can change that of a volume, so it is for people to do."""
    world, placed = World(tmp_path), volume("v", hosts=(), way=PROVISIONED)
    world.place(placed)
    path = world.root / "p1" / world.id_of("v")

    def nothing(plan: object) -> Plan:
        raise AssertionError("Nothing is to be mended by steps.")

    async def looked() -> Reconciliation:
        inventory = fleet(world.root, world.faults, [placed])
        async with connections(inventory) as connected:
            return await reconcile(world.ledger, lambda: inventory, nothing, connected, fix=False)

    assert asyncio.run(looked()).findings == ()
    made = json.loads(path.read_text())
    path.write_text(json.dumps([made[0], made[1], asdict(iops(floor=500, ceiling=2000)), made[3]]))
    (told,) = asyncio.run(looked()).findings
    assert told.text == (
        "the ledger gives it min 500 max 1,000 IOPS; p1 keeps min 500 max 2,000 IOPS. "
        "Maybe set it there by hand: no driver can change it."
    )
    assert (told.kind, told.mends) == ("qos", False)
    world.ledger.close()

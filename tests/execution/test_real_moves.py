"""Volumes move between real pools while a client writes, and whoever carries them out is killed on the way."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from allocator.ledger import Ledger
from tests.drivers.qsd import storage_daemon
from tests.drivers.tgtd import Tgtd, needed
from tests.execution.moved_world import BUSY, MOVES, MovedWorld, Writer

KILLS = int(os.environ.get("ALLOCATOR_MOVE_KILLS", "3"))
"""How often the process dies; 20 on demand."""
SEED = int(os.environ.get("ALLOCATOR_MOVE_SEED", "1"))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[MovedWorld]:
    needed("qemu-img", "qemu-utils")
    with Tgtd() as tgtd, storage_daemon() as qemu:
        yield MovedWorld(tmp_path, tgtd, qemu)


def exported(world: MovedWorld) -> str:
    ledger = Ledger.open(world.url)
    try:
        (volume,) = ledger.volumes([BUSY])
        return volume.attachments[0].device
    finally:
        ledger.close()


def test_a_pool_is_drained_under_a_writing_client_and_kill_minus_9(world: MovedWorld, tmp_path: Path) -> None:
    """Checksums equal, the client sees no error, the source is empty; killed at seeded points and gone on with."""
    ordered = world.ordered()
    assert len(world.before) == 12
    writer = Writer(exported(world), tmp_path, 4 * 2**20)
    rng = Random(SEED)
    killed = sum(world.killed(ordered, rng.randint(2, max(18, 120 // KILLS))) for _ in range(KILLS))
    done = world.moved(ordered)
    assert (done.left, done.stopped) == ((), None)
    assert killed == KILLS
    written = writer.stop()

    placed = world.placed()
    assert {name: placed[name][0] for name in MOVES} == MOVES
    assert world.files_on("t1") == []
    for name in placed.keys() - {BUSY}:
        assert world.sum(name) == world.before[name], name
    content = world.file(BUSY).read_bytes()
    for block, byte in written.items():
        if byte >= 0:
            assert content[block * 4096 : (block + 1) * 4096] == bytes([byte]) * 4096, block
    with world.open() as allocator:
        assert allocator.ledger is not None
        assert allocator.ledger.unfinished() == []
        assert all(volume.copy is None and volume.plan is None for volume in allocator.ledger.volumes())
        assert allocator.audit() == []
        assert {volume.name: volume.pool for volume in allocator.inventory.all_volumes()} | MOVES == {
            name: pool for name, (pool, _) in placed.items()
        }
        assert asyncio.run(allocator.move(ordered)).reports == ()
        for name in placed:
            assert asyncio.run(allocator.apply(allocator.delete(name))).state == "done"
    assert [world.files_on(pool) for pool in ("t1", "t2", "l1")] == [[], [], []]

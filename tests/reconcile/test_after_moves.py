"""Volumes that have moved: hosts know them by the id they had first, pools by another, and neither is an orphan."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from allocator import Allocator
from drivers.hypervisor.qemu import QemuAgent
from tests.drivers.qsd import Qemu, held, storage_daemon
from tests.drivers.tgtd import Tgtd, needed
from tests.execution.moved_world import BUSY, MovedWorld


@pytest.fixture
def qemu() -> Iterator[Qemu]:
    needed("qemu-img", "qemu-utils")
    with storage_daemon() as running:
        yield running


@pytest.fixture
def world(tmp_path: Path, qemu: Qemu) -> Iterator[MovedWorld]:
    with Tgtd() as tgtd:
        yield MovedWorld(tmp_path, tgtd, qemu)


def kinds(allocator: Allocator, *, fix: bool = False) -> list[tuple[str, str]]:
    return [(one.kind, one.subject) for one in asyncio.run(allocator.reconcile(fix=fix)).findings]


def test_what_has_moved_is_as_the_ledger_says_and_can_be_mended(world: MovedWorld, qemu: Qemu) -> None:
    """R21: nothing differs after the moves; a device that was taken out by hand comes back, from where it lies now."""
    done = world.moved(world.ordered())
    assert (done.left, done.stopped) == ((), None)
    with world.open() as allocator:
        assert allocator.ledger is not None
        (busy,) = allocator.ledger.volumes([BUSY])
        assert (busy.pool, busy.device != busy.volume_id) == ("t2", True)
        assert kinds(allocator) == []

        async def taken_out() -> None:
            agent = QemuAgent({"qmp": str(qemu.view), "export": {"nbd": str(qemu.nbd)}})
            await agent.detach(busy.device)
            await agent.close()

        asyncio.run(taken_out())
        assert kinds(allocator, fix=True) == [("missing_attachment", BUSY)]
        assert kinds(allocator) == []
        assert busy.device in asyncio.run(held(qemu)).nodes
    assert world.sum(BUSY) == world.before[BUSY]

"""A volume in use moves on real QEMU: given up before the switch, only gone on with after it, and known to hosts by its
first id from then on."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from allocator.agent import Copying, DriverError, ErrorCode
from allocator.domain.move import Move
from allocator.domain.placement import Volume
from allocator.domain.plan import Plan
from allocator.engine import Allocator
from allocator.ledger import StoredVolume
from allocator.planning.copiers import moving_plan
from drivers.hypervisor.qemu import QemuAgent
from tests.drivers.qsd import Qemu, storage_daemon
from tests.drivers.tgtd import needed

MIB = 1024**2


class Live:
    """Volume `v` of 1 MiB on pool `a` of a host, attached; pool `b` beside it."""

    def __init__(self, directory: Path, qemu: Qemu) -> None:
        self.directory = directory
        pools: list[dict[str, Any]] = [
            {"name": name, "driver": "d", "host": "h", "capacity": "4MiB", "details": {"path": str(directory / name)}}
            for name in "ab"
        ]
        document = {
            "version": 1,
            "drivers": {"d": {"driver": "local"}},
            "agents": {"q": {"agent": "qemu", "config": {"qmp": str(qemu.qmp), "export": {"nbd": str(qemu.nbd)}}}},
            "hosts": [{"name": "h", "zone": "z", "agent": "q"}],
            "pools": pools,
        }
        (directory / "fleet.yaml").write_text(yaml.safe_dump(document))
        with self.open() as allocator:
            plan = allocator.place([{"name": "v", "vm": "m", "size": MIB}]).plan
            assert asyncio.run(allocator.apply(plan)).state == "done"

    def open(self) -> Allocator:
        return Allocator.open(self.directory / "fleet.yaml", ledger=f"sqlite:///{self.directory}/ledger.db")

    def plan(self, allocator: Allocator) -> Plan:
        """To the other pool."""
        now = allocator.inventory.volumes["v"]
        there = next(pool for pool in allocator.inventory.pools.values() if pool.name != now.pool)
        moves = [Move(now, Volume.on(there, now.request, now.asked, now.hosts))]
        return moving_plan(moves, allocator.inventory, allocator.rules)

    def stored(self) -> StoredVolume:
        with self.open() as allocator:
            assert allocator.ledger is not None
            (found,) = allocator.ledger.volumes()
            return found

    def on(self) -> list[str]:
        """The pools that have a file."""
        return [name for name in "ab" if any(path.is_file() for path in (self.directory / name).rglob("*"))]

    def write(self, byte: int) -> int:
        """Write through the device as its user would, and read it from the file where the ledger has it."""
        stored = self.stored()
        uri = stored.attachments[0].device
        command = [needed("qemu-io", "qemu-utils"), "-f", "raw", "-c", f"write -P {byte} 0 4k", "-c", "flush", uri]
        assert "wrote 4096/4096" in subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return (self.directory / stored.pool / "volumes" / stored.volume_id).read_bytes()[0]

    def findings(self) -> list[str]:
        with self.open() as allocator:
            return [finding.text for finding in asyncio.run(allocator.reconcile()).findings]


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    with storage_daemon() as qemu:
        yield Live(tmp_path, qemu)


def stopped_at(live: Live, monkeypatch: pytest.MonkeyPatch, call: str) -> Plan:
    """Begin to move, and stop right after this call of the agent had its effect."""
    reached = asyncio.Event()
    carried_out = getattr(QemuAgent, call)

    async def stopping(agent: QemuAgent, copying: Copying) -> None:
        await carried_out(agent, copying)
        reached.set()
        await asyncio.sleep(60)

    async def half(allocator: Allocator, plan: Plan) -> None:
        task = asyncio.create_task(allocator.apply(plan))
        await reached.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    with monkeypatch.context() as patched, live.open() as allocator:
        patched.setattr(QemuAgent, call, stopping)
        plan = live.plan(allocator)
        asyncio.run(half(allocator, plan))
    return plan


def test_before_the_switch_it_can_be_given_up(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    before = live.stored()
    plan = stopped_at(live, monkeypatch, "mirror")
    assert live.on() == ["a", "b"]
    assert live.findings() == []
    with live.open() as allocator:
        assert asyncio.run(allocator.cancel(plan)).state == "rolled_back"
    assert (live.on(), live.stored()) == ([before.pool], before)
    assert live.write(0x11) == 0x11
    assert live.findings() == []


def test_after_the_switch_it_is_only_gone_on_with(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """The device writes to b already when somebody asks to go back: what a holds by then is old."""
    before = live.stored()
    plan = stopped_at(live, monkeypatch, "pivot")
    with live.open() as allocator:
        assert asyncio.run(allocator.cancel(plan)).state == "done"
    after = live.stored()
    assert (live.on(), after.pool) == (["b" if before.pool == "a" else "a"], live.on()[0])
    assert live.write(0x22) == 0x22
    assert (after.device, after.copy) == (before.volume_id, None)
    assert after.volume_id != before.volume_id
    assert live.findings() == []


def test_a_moved_volume_moves_back_and_is_detached_and_deleted_as_any_other(live: Live) -> None:
    first = live.stored().volume_id
    for byte in (0x33, 0x44):
        with live.open() as allocator:
            assert asyncio.run(allocator.apply(live.plan(allocator))).state == "done"
        assert live.write(byte) == byte
        assert live.stored().device == first
    with live.open() as allocator:
        assert asyncio.run(allocator.apply(allocator.delete("v"))).state == "done"
    assert live.on() == []
    assert live.findings() == []


@pytest.mark.parametrize("goes_on", [True, False])
def test_what_fails_at_the_switch_is_stuck_with_both_and_goes_on_or_back(
    live: Live, monkeypatch: pytest.MonkeyPatch, goes_on: bool
) -> None:
    """Both are held and neither is deleted until it is tried again, or the host says that it stays with the first."""
    before = live.stored().pool

    async def failing(agent: QemuAgent, copying: Copying) -> None:
        raise DriverError(ErrorCode.CONFLICT, "No mirror is ready. Maybe begin it again.")

    with live.open() as allocator:
        plan = live.plan(allocator)
        with monkeypatch.context() as patched:
            patched.setattr(QemuAgent, "pivot", failing)
            assert asyncio.run(allocator.apply(plan)).state == "stuck"
        assert allocator.inventory.volumes["v"].moving_to is not None
        assert live.on() == ["a", "b"]
        assert live.write(0x55) == 0x55
        report = asyncio.run(allocator.resume(plan) if goes_on else allocator.cancel(plan))
        assert report.state == ("done" if goes_on else "rolled_back")
    assert (live.on() == [before]) is not goes_on
    assert len(live.on()) == 1
    assert live.write(0x66) == 0x66
    assert live.findings() == []

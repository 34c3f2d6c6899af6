"""Twelve volumes on two pools of a real tgtd and on one host's disk, one of them written by a client all the time."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import signal
import subprocess
import sys
import traceback
from collections.abc import Awaitable, Callable, Sequence
from functools import wraps
from pathlib import Path
from random import Random
from typing import Any

import yaml

from allocator.domain.move import Move
from allocator.domain.placement import Volume
from allocator.engine import Allocator
from allocator.execution.waves import Moved
from allocator.ledger import Ledger
from allocator.planning.waves import AtOnce, waves
from drivers.hypervisor.qemu import QemuAgent
from drivers.storage.local import LocalDriver
from drivers.storage.tgt import TgtDriver
from tests.drivers.qsd import Qemu
from tests.drivers.tgtd import Tgtd, needed

MIB = 1024**2
SIZE = 2 * MIB
HOST = "kvm-01"
POOLS = ("t1", "t2", "l1")
BUSY = "busy"
MOVES = {"busy": "t2", "t1-1": "t2", "t1-2": "l1", "t1-3": "l1", "t1-4": "t2", "l1-1": "t2"}
"""All of t1 goes, and one volume of the disk to tgt."""
AT_ONCE = AtOnce(moves=2, per_source=2, per_target=2)
CALLS: dict[type, tuple[str, ...]] = {
    LocalDriver: ("create_async", "grant_access", "revoke_access", "delete_async"),
    TgtDriver: ("create_async", "grant_access", "revoke_access", "delete_async"),
    QemuAgent: ("copy", "compare", "mirror", "pivot", "drop"),
}


class MovedWorld:
    """The fleet, made and filled. What is there is looked at in files, not asked of any driver."""

    def __init__(self, directory: Path, tgtd: Tgtd, qemu: Qemu) -> None:
        self._directory, self.tgtd = directory, tgtd
        self.url = f"sqlite:///{directory}/ledger.db"
        chap = directory / "chap"
        chap.touch(0o600)
        chap.write_text("hunter2hunter2")
        endpoint = {"iqn": "iqn.1994-05.com.redhat:kvm-01", "chap": {"user": HOST, "secret": {"file": str(chap)}}}
        pools: list[dict[str, Any]] = [
            {
                "name": name,
                "driver": "san",
                "zone": "z1",
                "capacity": "64MiB",
                "details": {"path": str(directory / name)},
            }
            for name in ("t1", "t2")
        ]
        pools.append(
            {
                "name": "l1",
                "driver": "disk",
                "host": HOST,
                "capacity": "64MiB",
                "details": {"path": str(directory / "l1")},
            }
        )
        self._written: dict[str, Any] = {
            "version": 1,
            "drivers": {
                "san": {"driver": "tgt", "config": {"control": tgtd.control, "portal": tgtd.portal}},
                "disk": {"driver": "local"},
            },
            "agents": {"q": {"agent": "qemu", "config": {"qmp": str(qemu.qmp), "export": {"nbd": str(qemu.nbd)}}}},
            "pools": pools,
            "hosts": [{"name": HOST, "zone": "z1", "agent": "q", "endpoints": [endpoint]}],
        }
        for pool in POOLS:
            self._place(pool)
        self.before = {name: self._filled(name) for name in self.placed()}

    def open(self, only: str | None = None) -> Allocator:
        """The fleet with its ledger; `only` one pool takes new volumes."""
        closed = [
            pool | ({"state": "full"} if only not in (None, pool["name"]) else {}) for pool in self._written["pools"]
        ]
        path = self._directory / "fleet.yaml"
        path.write_text(yaml.safe_dump(self._written | {"pools": closed}))
        return Allocator.open(path, ledger=self.url)

    def _place(self, pool: str) -> None:
        asked: list[dict[str, Any]] = [{"name": f"{pool}-{number}", "size": SIZE} for number in range(1, 5)]
        if pool == "t1":
            asked.append({"name": BUSY, "size": 2 * SIZE, "vm": "m"})
        if pool == "l1":
            asked.pop()
        with self.open(pool) as allocator:
            assert asyncio.run(allocator.apply(allocator.place(asked).plan)).state == "done"

    def placed(self) -> dict[str, tuple[str, str]]:
        """The pool and the id there of each volume, as the ledger has them."""
        ledger = Ledger.open(self.url)
        try:
            return {volume.name: (volume.pool, volume.volume_id) for volume in ledger.volumes()}
        finally:
            ledger.close()

    def file(self, name: str) -> Path:
        """Where a volume's bytes are."""
        pool, volume_id = self.placed()[name]
        return self._directory / pool / "volumes" / volume_id

    def sum(self, name: str) -> str:
        return hashlib.sha256(self.file(name).read_bytes()).hexdigest()

    def _filled(self, name: str) -> str:
        path = self.file(name)
        with path.open("r+b") as volume:
            volume.write(Random(name).randbytes(path.stat().st_size))
        return self.sum(name)

    def files_on(self, pool: str) -> list[str]:
        """Every file of a pool, with the links that let hosts in."""
        return sorted(str(path) for path in (self._directory / pool).rglob("*") if path.is_file())

    def ordered(self) -> list[Sequence[Move]]:
        with self.open() as allocator:
            inventory = allocator.inventory
            moves = [
                Move(now, Volume.on(inventory.pools[pool], now.request, now.asked, now.hosts))
                for now, pool in ((inventory.volumes[name], pool) for name, pool in MOVES.items())
            ]
            found = waves(moves, inventory, allocator.rules, at_once=AT_ONCE)
            assert not found.blocked
            return [wave.moves for wave in found.waves]

    def moved(self, ordered: list[Sequence[Move]]) -> Moved:
        """Carry out what is left of the moves, in this process."""
        with self.open() as allocator:
            return asyncio.run(allocator.move(ordered))

    def killed(self, ordered: list[Sequence[Move]], boundary: int) -> bool:
        """The same in a process that is killed at the n-th boundary; False where it ended before."""
        process = os.fork()
        if process:
            code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
            assert code in (0, -signal.SIGKILL)
            return code != 0
        try:
            _watch(boundary)
            done = self.moved(ordered)
            assert done.stopped is None, done
        except BaseException:
            traceback.print_exc(file=sys.__stderr__)
            os._exit(1)
        os._exit(0)


def _watch(boundary: int) -> None:
    """Kill this process at the n-th time that something outside or on disk is about to change, or has changed."""
    passed = 0

    def count() -> None:
        nonlocal passed
        passed += 1
        if passed == boundary:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        @wraps(call)
        async def watched(*arguments: Any) -> Any:
            count()
            found = await call(*arguments)
            count()
            return found

        return watched

    def beside(write: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(write)
        def watched(*arguments: Any, **named: Any) -> Any:
            count()
            found = write(*arguments, **named)
            count()
            return found

        return watched

    for kind, names in CALLS.items():
        for name in names:
            setattr(kind, name, around(getattr(kind, name)))
    for name in ("reserve", "claim", "record", "finish"):
        setattr(Ledger, name, beside(getattr(Ledger, name)))


class Writer:
    """A client that writes through the agent's export until it is stopped: 4 KiB at a time, place after place."""

    _BLOCK = 4096

    def __init__(self, uri: str, directory: Path, size_bytes: int) -> None:
        blocks = size_bytes // self._BLOCK
        self._writes = [(number % blocks, 1 + number // blocks) for number in range(50 * blocks)]
        script, self._said = directory / "script", directory / "said"
        lines = [f"write -P {byte} {block * self._BLOCK} {self._BLOCK}\nsleep 5\n" for block, byte in self._writes]
        script.write_text("".join(lines))
        with script.open() as commands, self._said.open("w") as said:
            self._process = subprocess.Popen(
                [needed("qemu-io", "qemu-utils"), "-f", "raw", uri], stdin=commands, stdout=said, stderr=said
            )

    def stop(self) -> dict[int, int]:
        """The byte that each block was written with last, of those that were answered; fails where one was refused."""
        assert self._process.poll() is None, self._said.read_text()[-500:]
        self._process.kill()
        self._process.wait()
        said = self._said.read_text()
        assert not re.search("error|failed|denied", said, re.IGNORECASE), said[-500:]
        answered = said.count(f"wrote {self._BLOCK}/{self._BLOCK}")
        # The one that was cut off may have been written or not.
        return dict(self._writes[:answered]) | {self._writes[answered][0]: -1}

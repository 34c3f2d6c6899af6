"""Real QEMU processes for tests, each with sockets in its own directory, and a look at what they hold."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from drivers.hypervisor.qmp import Qmp, rows
from tests.drivers.tgtd import needed

_READY_SECONDS = 10


class Qemu:
    """A QEMU with a monitor for the agent and one for the test; a context manager that stops it for sure."""

    def __init__(self, command: list[str], monitors: list[str]) -> None:
        """`monitors` are the options that make a monitor, `{name}` and `{path}` standing for its own."""
        self.directory = Path(tempfile.mkdtemp(prefix="qemu-"))
        self.qmp = self.directory / "agent"
        self.view = self.directory / "view"
        self.nbd = self.directory / "nbd"
        self._command = [needed("setpriv", "util-linux"), "--pdeathsig", "KILL", *command]
        for path in (self.qmp, self.view):
            self._command += [option.format(name=path.name, path=path) for option in monitors]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait for its monitors. The kernel kills it if this process dies first."""
        for path in (self.qmp, self.view):
            path.unlink(missing_ok=True)
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + _READY_SECONDS
        while not (_greets(self.qmp) and _greets(self.view)):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(self.log()[-2000:])
            time.sleep(0.01)

    def kill(self) -> None:
        """kill -9: everything it knew is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def log(self) -> str:
        """All it said so far."""
        return (self.directory / "log").read_text(errors="replace")

    def pause(self) -> None:
        """Let it hang until `resume`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)


def _greets(monitor: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(_READY_SECONDS)
        return probe.connect_ex(str(monitor)) == 0 and probe.recv(1) == b"{"


def storage_daemon() -> Qemu:
    """A qemu-storage-daemon without volumes."""
    monitors = ["--chardev", "socket,path={path},server=on,wait=off,id={name}", "--monitor", "chardev={name}"]
    return Qemu([needed("qemu-storage-daemon", "qemu-system-common")], monitors)


def paused_machine(*devices: str) -> Qemu:
    """A VM without a guest, stopped before its first instruction."""
    command = [needed("qemu-system-x86_64", "qemu-system-x86"), "-accel", "tcg", "-M", "q35", "-m", "64"]
    command += ["-nodefaults", "-display", "none", "-S"]
    for device in devices:
        command += ["-device", device]
    return Qemu(command, ["-qmp", "unix:{path},server=on,wait=off"])


@dataclass(frozen=True)
class Held:
    """What a QEMU holds, by name: block nodes, objects with their types, exports, and disks of the guest."""

    nodes: frozenset[str]
    objects: dict[str, str]
    exports: frozenset[str]
    disks: frozenset[str]

    def __bool__(self) -> bool:
        return any((self.nodes, self.objects, self.exports, self.disks))


async def held(qemu: Qemu) -> Held:
    """What `qemu` holds, asked through the monitor that no agent uses."""
    view = Qmp(qemu.view)
    try:
        nodes = rows(await view.ask("query-named-block-nodes", flat=True))
        exports = rows(await view.ask("query-block-exports"))
        containers = {str(row["name"]) for row in rows(await view.ask("qom-list", path="/"))}
        objects = rows(await view.ask("qom-list", path="/objects")) if "objects" in containers else []
        disks = rows(await view.ask("qom-list", path="/machine/peripheral")) if "machine" in containers else []
    finally:
        await view.close()
    return Held(
        nodes=frozenset(str(row["node-name"]) for row in nodes),
        objects={str(row["name"]): str(row["type"]) for row in objects if row["name"] != "type"},
        exports=frozenset(str(row["id"]) for row in exports),
        disks=frozenset(str(row["name"]) for row in disks if row["name"] != "type"),
    )

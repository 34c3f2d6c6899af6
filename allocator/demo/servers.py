"""Servers of the demo's own, on sockets and ports that are free: they end with their block, however it is left."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from allocator.demo.telling import DemoError

PACKAGES: Final = {
    "tgtd": "tgt",
    "tgtadm": "tgt",
    "iscsi-inq": "libiscsi-bin",
    "qemu-img": "qemu-utils",
    "qemu-storage-daemon": "qemu-system-common",
    "setpriv": "util-linux",
}
"""The programs that are started, and the Debian package that brings each."""
_READY_SECONDS: Final = 10
_NUMBER: Final = "5"
"""Of tgtd's control port, with which the name of its socket ends."""


def found(program: str) -> str | None:
    """Where a program is; Debian keeps tgtd out of the path of ordinary users."""
    return shutil.which(program, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")


def missing(*programs: str) -> list[str]:
    """The Debian packages of those programs that are not installed."""
    return sorted({PACKAGES[program] for program in programs if found(program) is None})


def install(packages: Sequence[str]) -> str:
    """What would help where packages are missing."""
    return f"Maybe, as root: apt-get install {' '.join(packages)}"


@dataclass(frozen=True, slots=True)
class Tgtd:
    """A running tgtd: where initiators log in, and the socket by which it is told things."""

    portal: str
    control: Path

    def targets(self) -> str:
        """What Debian's own tgtadm lists; empty where tgtd serves nothing."""
        command = [found("tgtadm") or "tgtadm", "-C", _NUMBER, "--lld", "iscsi", "--mode", "target", "--op", "show"]
        return subprocess.run(
            command, env=_environment(self.control), capture_output=True, text=True, timeout=_READY_SECONDS, check=True
        ).stdout.strip()


@contextmanager
def tgtd(directory: Path) -> Iterator[Tgtd]:
    """An iSCSI target on a free port of this machine alone. Raises DemoError."""
    port = _free_port()
    server = Tgtd(f"127.0.0.1:{port}", directory / f"ctl.{_NUMBER}")
    # One I/O thread for each LUN instead of sixteen.
    command = ["tgtd", "-f", "-C", _NUMBER, "-t", "1", "--iscsi", f"portal={server.portal}"]

    def answers() -> bool:
        return _connects(socket.AF_UNIX, str(server.control)) and _connects(socket.AF_INET, ("127.0.0.1", port))

    with _running(command, answers, directory / "tgtd.log", _environment(server.control)):
        yield server


@contextmanager
def storage_daemon(directory: Path) -> Iterator[Path]:
    """A qemu-storage-daemon, the part of QEMU that has the disks; the path of its monitor. Raises DemoError."""
    # A monitor has one client at a time: whether it answers is asked of a second one.
    monitor, probe = directory / "qmp", directory / "probe"
    command = ["qemu-storage-daemon"]
    for path in (monitor, probe):
        command += ["--chardev", f"socket,path={path},server=on,wait=off,id={path.name}"]
        command += ["--monitor", f"chardev={path.name}"]
    with _running(command, lambda: _connects(socket.AF_UNIX, str(probe)), directory / "qemu.log", os.environ):
        yield monitor


def agent_config(monitor: Path) -> dict[str, Any]:
    """How agent `qemu` reaches a daemon, and where devices are served to whoever may enter its directory."""
    return {"qmp": str(monitor), "export": {"nbd": str(monitor.with_name("nbd"))}}


@contextmanager
def _running(
    command: list[str], answers: Callable[[], bool], log: Path, environment: Mapping[str, str]
) -> Iterator[None]:
    # The kernel ends it if this process is killed; Ctrl-C at the terminal is for this process alone.
    tether = [found("setpriv") or "setpriv", "--pdeathsig", "KILL"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*tether, found(command[0]) or command[0], *command[1:]],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + _READY_SECONDS
        while not answers():
            if process.poll() is not None or time.monotonic() > deadline:
                raise DemoError(f"{command[0]} does not answer: {log.read_text(errors='replace')[-500:].strip()}")
            time.sleep(0.01)
        yield
    finally:
        process.kill()
        process.wait()


def _environment(control: Path) -> dict[str, str]:
    return {**os.environ, "TGT_IPC_SOCKET": str(control.with_suffix(""))}


def _connects(family: socket.AddressFamily, address: str | tuple[str, int]) -> bool:
    with socket.socket(family) as probe:
        return probe.connect_ex(address) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

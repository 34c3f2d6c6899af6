"""Looking from outside, with programs that know nothing of the engine: who is let in, and how fast a device is."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from allocator.demo.servers import found
from allocator.demo.telling import DemoError

_SECONDS: Final = 60
_COMPLETED: Final = re.compile(r"Run completed in ([0-9]+)\.([0-9]{3}) seconds")


@dataclass(frozen=True, slots=True)
class Initiator:
    """A machine that logs in to iSCSI targets: its name, and the CHAP credentials it has."""

    name: str
    user: str | None = None
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Inquiry:
    """What came of asking a disk who it is."""

    answered: bool
    words: str


def inquire(uri: str, initiator: Initiator) -> Inquiry:
    """Ask a disk by libiscsi's `iscsi-inq`; the secret travels in its environment, which others cannot read."""
    credentials = {"LIBISCSI_CHAP_USERNAME": initiator.user, "LIBISCSI_CHAP_PASSWORD": initiator.secret}
    given = {name: value for name, value in credentials.items() if value is not None}
    result = _run(["iscsi-inq", "-i", initiator.name, uri], given)
    answered = result.returncode == 0 and "DIRECT_ACCESS" in result.stdout
    lines = [line.strip() for line in (result.stdout + result.stderr).splitlines() if line.strip()]
    if answered:
        lines = [line for line in lines if line.startswith(("Peripheral Device Type", "Product"))]
    return Inquiry(answered, "; ".join(lines)[:300])


def opens_iscsi() -> bool:
    """Whether QEMU's iSCSI driver is there: Debian packs it apart from QEMU."""
    return "Unknown driver" not in _run(["qemu-img", "info", "--image-opts", "driver=iscsi"]).stderr


def write_rate_iops(device: str, operations: int) -> int:
    """Write so many blocks of 4 KiB, 16 at a time, by `qemu-img bench`; how many a second it took, rounded down.

    Writes are measured, since reads of what was never written are answered by NBD without a throttle. Raises
    DemoError where the bench fails.
    """
    result = _run(
        ["qemu-img", "bench", "-f", "raw", "-t", "none", "-w", "-d", "16", "-s", "4096", "-c", str(operations), device]
    )
    completed = _COMPLETED.search(result.stdout)
    if result.returncode or completed is None:
        raise DemoError(f"qemu-img bench gave no time: {(result.stderr or result.stdout).strip()[-300:]}")
    return operations * 1000 // max(int(completed[1]) * 1000 + int(completed[2]), 1)


def _run(command: list[str], given: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, in English. Raises DemoError where it takes longer than a minute."""
    program = found(command[0]) or command[0]
    environment = {**os.environ, "LC_ALL": "C", **(given or {})}
    try:
        return subprocess.run(
            [program, *command[1:]], env=environment, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise DemoError(f"{command[0]} did not end within {_SECONDS} s.") from None

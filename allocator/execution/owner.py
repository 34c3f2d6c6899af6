"""Who runs a plan: a process, named so that others can tell whether it still lives."""

from __future__ import annotations

import os
import re
import secrets
import socket
from pathlib import Path
from typing import Final

_OWNER: Final = re.compile(r"(?P<host>[^ ]*):(?P<process>\d+) (?P<machine>[^ ]*) (?P<started>\d+)(?: [0-9a-f]+)?")


def this_process() -> str:
    """`host:process machine started`: the machine is one boot and one process namespace of it."""
    process = os.getpid()
    return f"{socket.gethostname()}:{process} {_machine()} {_started(process) or 0}"


def this_run() -> str:
    """This process and a number drawn for one run of it, so that a run can tell its own claim from another's."""
    return f"{this_process()} {secrets.token_hex(4)}"


def may_live(owner: str) -> bool:
    """False only where this machine can tell that the process is gone; else its lease decides."""
    return lives(owner) is not False


def lives(owner: str) -> bool | None:
    """Whether a process lives; None where this machine cannot tell."""
    named = _OWNER.fullmatch(owner)
    if named is None or named["machine"] != _machine() or named["started"] == "0":
        return None
    return str(_started(int(named["process"]))) == named["started"]


def _machine() -> str:
    """Numbers of two boots, or of two containers, are not comparable; empty where there is no /proc."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _started(process: int) -> int | None:
    """When a process started, in clock ticks since boot (proc(5), field 22); None for one that is dead."""
    try:
        # The name in parentheses, field 2, may hold anything.
        state, *fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except (OSError, ValueError):
        return None
    return None if state in "ZX" else int(fields[18])

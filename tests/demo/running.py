"""The demo as somebody runs it: in a process of its own, with a directory for all that it makes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SECONDS = 60
"""The longest it may take."""


def environment(directory: Path, path: str | None = None) -> dict[str, str]:
    """What the demo is started with: `directory` for its temporary files, and where programs are found."""
    kept = {key: value for key, value in os.environ.items() if key not in ("FORCE_COLOR", "COLUMNS")}
    return {**kept, "TMPDIR": str(directory), "PATH": os.environ["PATH"] if path is None else path}


def command(*options: str) -> list[str]:
    return [sys.executable, "-m", "allocator.demo", *options]


def run(directory: Path, *options: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*options),
        env=environment(directory, path),
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def left_behind(directory: Path) -> list[str]:
    """Files below the directory, and processes that were started with it as theirs."""
    processes = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            inherited = (process / "environ").read_bytes()
        except OSError:
            continue
        if f"TMPDIR={directory}\0".encode() in inherited:
            processes.append(f"process {process.name}: {(process / 'cmdline').read_text()}")
    return processes + [str(path) for path in directory.rglob("*")]

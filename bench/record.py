"""What was measured, as JSON: figures by case, which way each of them is better, and the machine they come from."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, Literal

import yaml

VERSION: Final = 1
PACKAGES: Final = ("ortools", "numpy")
HERE: Final = Path(__file__).parent
Figure = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure that two records are compared by."""

    better: Literal["more", "less"]
    tolerance: float
    """How far it may be off, as a share of the earlier figure."""


@dataclass(frozen=True, slots=True)
class Record:
    """One run of one command; `figures` hold a `case`, and a `seed` where there are several."""

    command: str
    figures: Sequence[Figure]
    measures: Mapping[str, Measure]
    thresholds: Sequence[Mapping[str, Any]]
    missed: Sequence[str]
    """Thresholds that were not kept, each as a sentence."""
    machine: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path) -> Record:
        """Raises ValueError for a file that holds no record."""
        data = json.loads(path.read_text())
        if not isinstance(data, dict) or data.get("version") != VERSION:
            raise ValueError(f"{path} is no record of version {VERSION}. Maybe it was not written by `bench --json`.")
        measures = {name: Measure(**measure) for name, measure in data["measures"].items()}
        return cls(data["command"], data["figures"], measures, data["thresholds"], data["missed"], data["machine"])

    def write(self, path: Path) -> None:
        """As JSON, sorted, so that two of them can be told apart line by line."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"version": VERSION} | asdict(self), indent=1, sort_keys=True) + "\n")


def machine() -> dict[str, Any]:
    """Where and on what this runs: cores, processor, versions, load and commit."""
    return {
        "cores": os.cpu_count(),
        "processor": _processor(),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "load": [round(load, 2) for load in os.getloadavg()],
        "commit": _commit(),
    }


def cases(command: str) -> list[dict[str, Any]]:
    """The command's entries in `cases.yaml`."""
    found: list[dict[str, Any]] = yaml.safe_load((HERE / "cases.yaml").read_text())[command]
    return found


def _processor() -> str:
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text().splitlines() if facts.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def _commit() -> str:
    """The commit, with a `+` where files differ from it; `unknown` outside a repository."""
    described = subprocess.run(
        ["git", "describe", "--always", "--exclude=*", "--abbrev=12", "--dirty=+"],
        cwd=HERE, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return described.stdout.strip() or "unknown"

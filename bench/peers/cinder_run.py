"""Cinder's scheduler in a process of its own environment: configured, told a fleet, asked for volumes."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.peers.environment import PeerError, environment

CINDER: Final = "29.0.0"
REQUIREMENTS: Final = (f"cinder=={CINDER}", "pyparsing==3.3.2")
"""With pyparsing 3.3.3 every function that names a variable fails to parse, so that DriverFilter refuses all pools."""
PROGRAM: Final = Path(__file__).with_name("cinder_scheduler.py")
DEFAULTS: Final = ("AvailabilityZoneFilter", "CapacityFilter", "CapabilitiesFilter")


@dataclass(frozen=True, slots=True)
class Scheduler:
    """How Cinder's scheduler is configured, in its own class names."""

    filters: tuple[str, ...]
    weighers: tuple[str, ...] = ("CapacityWeigher",)
    iops: bool = False
    """Pools report functions of the IOPS they have left."""
    report_every: int = 0
    """Services report what they hold after so many volumes; 0: only at the start."""


AS_IT_COMES: Final = Scheduler(DEFAULTS)
WITH_IOPS: Final = Scheduler((*DEFAULTS, "DriverFilter"), ("CapacityWeigher", "GoodnessWeigher"), iops=True)


@dataclass(frozen=True, slots=True)
class Answers:
    """For each volume, the name of its pool (None: no valid back end) and the CPU microseconds of the call."""

    version: str
    pools: tuple[str | None, ...]
    cpu_us: tuple[int, ...]


def python(tell: Callable[[str], None]) -> Path:
    """The Python of Cinder's environment, which is made first if need be. Raises PeerError."""
    return environment(f"cinder-{CINDER}", REQUIREMENTS, tell)


def drive(
    python: Path,
    scheduler: Scheduler,
    services: Sequence[dict[str, Any]],
    volumes: Sequence[dict[str, Any]],
    warm: Sequence[dict[str, Any]] = (),
) -> Answers:
    """Have volumes placed one after the other, those of `warm` first and not counted.

    Raises PeerError with the end of what Cinder printed where it fails.
    """
    work = {
        "filters": scheduler.filters,
        "weighers": scheduler.weighers,
        "report_every": scheduler.report_every,
        "services": services,
        "warm": warm,
        "requests": volumes,
    }
    # Isolated: neither our path nor this folder, which has a `cinder.py` too, may stand before Cinder's packages.
    words = [str(python), "-I", str(PROGRAM)]
    unpatched = os.environ | {"OS_CINDER_DISABLE_EVENTLET_PATCHING": "True"}
    done = subprocess.run(words, input=json.dumps(work), capture_output=True, text=True, env=unpatched)
    if done.returncode:
        raise PeerError(f"Cinder's scheduler ended with {done.returncode}: {done.stderr.strip()[-2000:]}")
    return parsed(json.loads(done.stdout))


def parsed(told: dict[str, Any]) -> Answers:
    """What the program printed; `cinder@z0-0#pool-7` is the pool `pool-7`."""
    pools = tuple(None if place is None else place.partition("#")[2] for place in told["places"])
    return Answers(told["version"], pools, tuple(told["cpu_us"]))

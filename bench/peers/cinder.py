"""How many times faster one placement is here than in Cinder, on the same fleet, in one run on one machine.

Ours is measured, then Cinder's, then ours again, so that a machine that grows slow or fast meanwhile shows; ratios are
told against the slower of our two. A call of ours places a VM of one to four volumes and its host with every rule on,
and verifies the answer; settling it into the fleet is timed apart. A call of Cinder's places one volume on a pool and
counts its size there. So the ratio by call is told with our settling added too; by VM, Cinder's calls for all volumes
of a VM are added up.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final

import yaml

from bench.latency import Case, Latency, drawn, measure, warming
from bench.peers import cinder_words
from bench.peers.cinder_run import AS_IT_COMES, WITH_IOPS, Answers, drive, python

SCHEDULERS: Final = {"cinder": AS_IT_COMES, "cinder-iops": WITH_IOPS}
MOST_VMS: Final = {"cinder": 120, "cinder-iops": 6}
"""With IOPS expressed, one volume takes seconds."""


@dataclass(frozen=True, slots=True)
class Timing:
    """CPU microseconds of a peer's calls, each for one volume; `vm_p50` is the median over VMs of all calls for one."""

    samples: int
    placed: int
    p50: int
    p99: int
    most: int
    vm_p50: int


@dataclass(frozen=True, slots=True)
class PeerFigures:
    """Ours before and after, theirs in between, and how many times faster ours must be (None: nothing is asked)."""

    case: Case
    peer: str
    version: str
    ours: tuple[Latency, Latency]
    theirs: Timing
    wanted: int | None
    load: tuple[float, float]
    """The load average of the last minute, before and after."""

    @property
    def times(self) -> dict[str, int]:
        """How many times faster ours is, rounded down, against the slower of our two."""
        p50, p99, settle = (max(getattr(ours, name) for ours in self.ours) for name in ("p50", "p99", "settle"))
        return {
            "call": self.theirs.p50 // p50,
            "call_p99": self.theirs.p99 // p99,
            "settled": self.theirs.p50 // (p50 + settle),
            "vm": self.theirs.vm_p50 // p50,
        }

    @property
    def within(self) -> bool:
        return self.wanted is None or self.times["call"] >= self.wanted

    def lines(self) -> Iterator[str]:
        """For people."""
        theirs = self.theirs
        scheduler = SCHEDULERS[self.peer]
        yield f"{self.case.name}: {self.case.pools:,} pools in {self.case.zones:,} zones, {self.case.hosts:,} hosts"
        for when, ours in zip(("before", "after"), self.ours, strict=True):
            yield (
                f"  ours {when}: p50 {ours.p50:,} us, p99 {ours.p99:,} us of CPU for a VM of 1-4 volumes and its host, "
                f"settled in {ours.settle:,} us; {ours.placed:,} of {ours.samples:,} placed"
            )
        yield (
            f"  Cinder {self.version}: p50 {theirs.p50:,} us, p99 {theirs.p99:,} us of CPU for one volume, "
            f"p50 {theirs.vm_p50:,} us for a VM's; {theirs.placed:,} of {theirs.samples:,} placed "
            f"({', '.join(scheduler.filters)}; {', '.join(scheduler.weighers)})"
        )
        yield f"  {self.verdict()}; load {self.load[0]:.1f} to {self.load[1]:.1f}"

    def verdict(self) -> str:
        """The ratios, and whether they are what was wanted."""
        times, asked = self.times, self.wanted
        return (
            f"faster by call {times['call']:,} times (p99 {times['call_p99']:,}; with settling {times['settled']:,}), "
            f"by VM {times['vm']:,}"
        ) + ("" if asked is None else f"; wanted {asked:,}: {'within' if self.within else 'MISSED'}")

    def as_json(self) -> dict[str, Any]:
        """Plain figures for a record, in CPU microseconds; `again` is ours after the peer."""
        before, after = self.ours
        theirs, times = self.theirs, self.times
        return {
            "case": self.case.name,
            "zones": self.case.zones,
            "pools": self.case.pools,
            "hosts": self.case.hosts,
            "peer": f"{self.peer} {self.version}",
            "ours_p50": before.p50,
            "ours_p99": before.p99,
            "again_p50": after.p50,
            "again_p99": after.p99,
            "settle": max(before.settle, after.settle),
            "peer_calls": theirs.samples,
            "peer_p50": theirs.p50,
            "peer_p99": theirs.p99,
            "peer_vm_p50": theirs.vm_p50,
            "times_by_call": times["call"],
            "times_settled": times["settled"],
            "times_by_vm": times["vm"],
            "wanted": self.wanted,
        }


def wanted(peer: str) -> dict[str, int | None]:
    """The cases on which a peer is measured, and how many times faster ours must be: `peers` in `cases.yaml`."""
    told: dict[str, int | None] = yaml.safe_load((Path(__file__).parents[1] / "cases.yaml").read_text())["peers"][peer]
    return told


def compare(case: Case, samples: int, peer: str = "cinder", tell: Callable[[str], None] = print) -> PeerFigures:
    """So many VMs through ours; as many, up to `MOST_VMS`, through the peer. Raises PeerError."""
    interpreter = python(tell)
    load = os.getloadavg()[0]
    before = measure(case, samples)
    theirs, version = _measured(interpreter, case, samples, peer, tell)
    after = measure(case, samples)
    loads = (load, os.getloadavg()[0])
    return PeerFigures(case, peer, version, (before, after), theirs, wanted(peer).get(case.name), loads)


def timing(answers: Answers, sizes: Sequence[int]) -> Timing:
    """Figures of the calls for VMs that have so many volumes each."""
    calls = iter(answers.cpu_us)
    of_vms = sorted(sum(islice(calls, size)) for size in sizes)
    cpu_us, placed = sorted(answers.cpu_us), sum(pool is not None for pool in answers.pools)
    number = len(cpu_us)
    return Timing(number, placed, cpu_us[number // 2], cpu_us[number * 99 // 100], cpu_us[-1], of_vms[len(sizes) // 2])


def _measured(
    interpreter: Path, case: Case, samples: int, peer: str, tell: Callable[[str], None], seed: int = 1
) -> tuple[Timing, str]:
    """The fleet that `measure` loads, and the first VMs that it asks for; a tenth of them more warms up."""
    allocator, drawn_vms = drawn(case, warming(samples) + samples, seed)
    vms, scheduler = min(samples, MOST_VMS[peer]), SCHEDULERS[peer]
    warm = vms // 10 + 1
    asked = [[cinder_words.volume(request) for request in vm] for vm in drawn_vms[: warm + vms]]
    services = cinder_words.services(allocator.inventory, iops=scheduler.iops)
    tell(f"{case.name}: Cinder's scheduler places the volumes of {vms:,} VMs on {case.pools:,} pools")
    answers = drive(interpreter, scheduler, services, [*chain(*asked[warm:])], [*chain(*asked[:warm])])
    return timing(answers, [len(vm) for vm in asked[warm:]]), answers.version

"""`python -m bench scale`: time and memory as one axis grows and all others stay, with the fitted exponent."""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from pathlib import Path
from statistics import linear_regression, median
from typing import Any, Final, Literal

import click

from allocator import Allocator, Policy
from allocator.domain.policy import Effort
from allocator.goals.placed import weight
from allocator.solver.classes import units_of
from bench.batch_run import world_of
from bench.fleets import batch_case
from bench.fresh import fresh
from bench.meter import Meter, resident_mib
from bench.record import Figure, Measure, Record, cases, machine

MEASURES: Final = {
    "call_us": Measure("less", 0.25),
    "fleet_mib": Measure("less", 0.10),
    "batch_cpu_seconds": Measure("less", 0.25),
    "batch_mib": Measure("less", 0.10),
}
Kind = Literal["call", "batch"]


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis: the sizes it takes, and those of all others."""

    axis: str
    points: tuple[int, ...]
    kind: Kind
    """Whether single VMs or whole batches are placed."""
    base: dict[str, int]
    most: float | None = None
    """The exponent that none of its figures may exceed; None: it is only told."""

    def sizes(self, point: int) -> dict[str, int]:
        """The sizes of the fleet and the batch at one point."""
        return self.base | {self.axis: point}


def measure_calls(sizes: dict[str, int], calls: int) -> dict[str, Any]:
    """The CPU microseconds of one VM, in the median, and the memory of a fleet that has been asked so much.

    Each VM is asked for twice, and counted the second time: what is remembered of its shape is worked out by then.
    """
    gc.collect()
    before = resident_mib()
    inventory, requests = batch_case(1, **sizes)
    allocator = Allocator(world_of(inventory, Policy()), Policy())
    units = units_of(requests)
    micros = []
    for unit in units[:calls] * 2:
        began = time.process_time_ns()
        allocator.place(unit.requests, explain=False)
        micros.append((time.process_time_ns() - began) // 1000)
    return {"call_us": median(micros[len(micros) // 2 :]), "fleet_mib": resident_mib() - before}


def measure_batch(sizes: dict[str, int], seconds: float) -> dict[str, Any]:
    """The CPU seconds and the memory of one batch, and what is placed by the deadline."""
    inventory, requests = batch_case(1, **sizes)
    with Meter() as meter:
        allocator = Allocator(world_of(inventory, Policy()), Policy())
        outcome = allocator.place(requests, effort=Effort(work=seconds, seconds=seconds), explain=False)
    whole = sum(map(weight, requests))
    return {
        "batch_cpu_seconds": round(meter.cpu_seconds, 2),
        "batch_wall_seconds": round(meter.wall_seconds, 2),
        "batch_mib": meter.peak_mib,
        "placed_share": round(1 - outcome.goals[0].cost / whole, 4),
    }


def exponent(points: Sequence[tuple[float, float]]) -> float | None:
    """The slope of a straight line through the logarithms: y grows as x to that power. None with too little to fit."""
    logs = [(log(x), log(y)) for x, y in points if x > 0 and y > 0]
    if len({x for x, _ in logs}) < 2:
        return None
    return linear_regression([x for x, _ in logs], [y for _, y in logs]).slope


@click.command()
@click.option("--axis", "names", multiple=True, help="Only these axes; all by default.")
@click.option("--calls", type=click.IntRange(10), default=200, show_default=True, help="Single VMs at each point.")
@click.option("--seconds", type=click.FloatRange(0.1), default=20.0, show_default=True, help="Deadline of each batch.")
@click.option("--json", "to", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures there.")
@click.pass_context
def scale(context: click.Context, names: tuple[str, ...], calls: int, seconds: float, to: Path | None) -> None:
    """One axis at a time: pools, hosts, VMs and templates. Exit code 1 where an exponent is above its threshold."""
    figures: list[Figure] = []
    missed: list[str] = []
    for axis in axes():
        if names and axis.axis not in names:
            continue
        found = []
        for point in axis.points:
            measured = (
                fresh(measure_calls, axis.sizes(point), calls)
                if axis.kind == "call"
                else fresh(measure_batch, axis.sizes(point), seconds)
            )
            about = {"case": f"{axis.kind} {axis.axis} {point}", "axis": axis.axis, "kind": axis.kind, "point": point}
            found.append(about | measured)
            click.echo(f"{axis.kind} at {point:,} {axis.axis}: " + ", ".join(f"{k} {v:g}" for k, v in measured.items()))
        figures += found
        missed += faults(axis, found)
    for text in missed:
        click.echo(f"MISSED {text}")
    if to is not None:
        Record("scale", figures, MEASURES, cases("scale"), missed, machine()).write(to)
    context.exit(1 if missed else 0)


def axes() -> list[Axis]:
    """The axes of `cases.yaml`."""
    return [Axis(**case | {"points": tuple(case["points"])}) for case in cases("scale")]


def faults(axis: Axis, found: Sequence[Figure]) -> list[str]:
    """Tells the exponents of one axis, and gives those above its threshold as sentences."""
    wrong = []
    for name in MEASURES:
        slope = exponent([(figure["point"], figure[name]) for figure in found if name in figure])
        if slope is None:
            continue
        click.echo(f"  {name} grows as {axis.axis} to the {slope:.2f}")
        if axis.most is not None and slope > axis.most:
            wrong.append(f"{name} grows as {axis.axis} to the {slope:.2f}, above {axis.most:g}")
    return wrong

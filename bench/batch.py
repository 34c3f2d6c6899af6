"""`python -m bench batch`: how much of a batch is placed, of what the best proven bound allows, and what that takes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from statistics import median
from typing import Any, Final

import click

from allocator.domain.policy import Effort
from bench.batch_run import Case, Task, measure
from bench.charts import Line, chart
from bench.fresh import fresh
from bench.record import Figure, Measure, Record, cases, machine

MEASURES: Final = {
    "share": Measure("more", 0.002),
    "wall_seconds": Measure("less", 0.25),
    "cpu_seconds": Measure("less", 0.25),
    "peak_mib": Measure("less", 0.10),
}
LATE: Final = 1.1
"""A deadline is kept within 10 % (design 7)."""
WORK_PER_SECOND: Final = 20
"""Deterministic work allowed for each second of the deadline: enough that the deadline is what ends a search."""


@click.command()
@click.option("--case", "names", multiple=True, help="Only these cases; all by default.")
@click.option("--tightness", help="Demand / what is sellable, in every dimension; the case's by default.")
@click.option("--seeds", type=click.IntRange(1), default=5, show_default=True, help="Seeds 1 to that.")
@click.option("--seconds", type=click.FloatRange(0.1), help="Deadline of each batch; the case's by default.")
@click.option("--work", type=click.FloatRange(0.01), help="Limit on deterministic work; 20 a second by default.")
@click.option("--workers", type=click.IntRange(1), default=os.cpu_count(), show_default=True)
@click.option("--repeatable/--throughput", default=True, show_default=True, help="All cores on one part, or not.")
@click.option("--executor", help="What parts are solved on: threads:2, processes:2, dask, dask://HOST:PORT.")
@click.option("--kill-worker", is_flag=True, help="Kill a worker of the executor: is it the plan of one process?")
@click.option("--policy", default="default", show_default=True, help="A policy by name or path.")
@click.option("--baselines/--no-baselines", default=True, show_default=True)
@click.option("--json", "to", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures there.")
@click.option("--curve", type=click.Path(dir_okay=False, path_type=Path), help="Draw quality against time there (SVG).")
@click.pass_context
def batch(
    context: click.Context,
    names: tuple[str, ...],
    tightness: str | None,
    seeds: int,
    seconds: float | None,
    work: float | None,
    workers: int,
    repeatable: bool,
    executor: str | None,
    kill_worker: bool,
    policy: str,
    baselines: bool,
    to: Path | None,
    curve: Path | None,
) -> None:
    """Whole batches through the public `place()`, every rule on, checked again, held against simple schedulers.

    Each seed runs in a process of its own. Exit code 1 where a threshold of `cases.yaml` is missed.

    With --kill-worker every seed runs twice, with work to spend and no deadline: in this process, and on the executor,
    which loses a worker in the middle. Then the plans are judged, and no threshold is.
    """
    if kill_worker and executor is None:
        raise click.UsageError("--kill-worker needs an executor that has workers. Maybe --executor dask.")
    figures: list[Figure] = []
    missed: list[str] = []
    known = {case.name: case for case in batch_cases()}
    for name in names or known:
        if name not in known:
            raise click.BadParameter(f"{name!r} is none of {', '.join(known)}.", param_hint="--case")
        case = known[name]
        limit = seconds or case.seconds
        found = []
        for seed in range(1, seeds + 1):
            effort = Effort(work or WORK_PER_SECOND * limit, limit, seed, workers=workers, deterministic=repeatable)
            task = Task(case, tightness or case.tightness, effort, executor, policy, baselines)
            for one in twins(task) if kill_worker else (task,):
                found.append(fresh(measure, one))
                click.echo(line(found[-1]))
        figures += found
        judged = differences(found) if kill_worker else faults(case, found, limit)
        missed += [f"{name}: {fault}" for fault in judged]
    for fault in missed:
        click.echo(f"MISSED {fault}")
    record = Record("batch", figures, MEASURES, [asdict(case) for case in known.values()], missed, machine())
    if to is not None:
        record.write(to)
    if curve is not None:
        curve.write_text(drawn(figures))
    context.exit(1 if missed else 0)


def batch_cases() -> list[Case]:
    """The cases of `cases.yaml`."""
    return [Case(**case | {"baselines": tuple(case["baselines"])}) for case in cases("batch")]


def faults(case: Case, found: Sequence[Figure], seconds: float) -> Iterable[str]:
    """The thresholds that these runs of one case miss, each as a sentence."""
    shares = [figure["share"] for figure in found]
    judged = all(figure["tightness"] == case.tightness for figure in found)
    if judged and median(shares) < case.median:
        yield f"median {median(shares):.2%} of what the bound allows, below {case.median:.2%}"
    for figure in found:
        seed = figure["seed"]
        if judged and figure["share"] < case.least:
            yield f"seed {seed}: {figure['share']:.2%}, below {case.least:.2%}"
        if figure["wall_seconds"] > seconds * LATE:
            yield f"seed {seed}: {figure['wall_seconds']:.1f} s, above {seconds:g} s"
        if case.memory_mib is not None and figure["peak_mib"] > case.memory_mib:
            yield f"seed {seed}: {figure['peak_mib']:,} MiB, above {case.memory_mib:,} MiB"
        name, share = best_baseline(figure)
        if share > figure["share"]:
            yield f"seed {seed}: {name} places {share:.2%}, more than {figure['share']:.2%}"


def twins(task: Task) -> tuple[Task, Task]:
    """The same run in this process, one zone after the other, and on its executor with a worker killed."""
    effort = replace(task.effort, seconds=None, workers=1, deterministic=True)
    here = replace(task, effort=effort, executor=None, baselines=False)
    return here, replace(here, executor=task.executor, kill=True)


def differences(found: Sequence[Figure]) -> Iterable[str]:
    """Where a plan is not that of its twin, or nobody was killed, each as a sentence."""
    for here, there in zip(found[::2], found[1::2], strict=True):
        if here["plan"] != there["plan"]:
            yield f"seed {here['seed']}: plan {there['plan']} on {there['executor']}, {here['plan']} in process"
        if not there["killed"]:
            yield f"seed {here['seed']}: no worker of {there['executor']} was there to be killed"


def best_baseline(figure: Figure) -> tuple[str, float]:
    """The baseline that places the most, and its share; nothing where none was run."""
    ran: dict[str, Any] = figure["baselines"]
    return max(((name, found["share"]) for name, found in ran.items()), key=lambda each: each[1], default=("none", 0.0))


def line(figure: Figure) -> str:
    """One run for people."""
    name, share = best_baseline(figure)
    against = f", best baseline {name} {share:.2%}" if figure["baselines"] else ""
    phases = ", ".join(f"{phase} {seconds:.1f}" for phase, seconds in figure["phases"].items())
    bound = "no bound" if figure["bound"] is None else f"bound {figure['bound']:,}"
    where = f" on {figure['executor']}" if figure["executor"] else ""
    where += ", a worker killed" if figure["killed"] else ""
    return (
        f"{figure['case']} at {figure['tightness']}, seed {figure['seed']}{where}: {figure['share']:.2%} of what the "
        f"bound allows{against}; refused weight {figure['cost']:,} of {figure['weight']:,}, {bound}; "
        f"{figure['wall_seconds']:.1f} s, CPU {figure['cpu_seconds']:.1f} s, {figure['peak_mib']:,} MiB ({phases}); "
        f"plan {figure['plan']}"
    )


def drawn(figures: Sequence[Figure]) -> str:
    """Quality against time: one line for each run."""
    lines = [Line(f"{figure['case']} {figure['seed']}", figure["curve"]) for figure in figures]
    return chart("Placed of what the bound allows", "seconds", "share", lines)

"""`python -m bench vectorpack` and `python -m bench gap`: place public instances, and write what their judges read."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from allocator.domain.inventory import Inventory
from allocator.domain.outcome import GoalResult
from allocator.domain.placement import Volume
from allocator.domain.policy import Effort
from allocator.domain.request import Request
from allocator.goal import Tiers
from allocator.rule import Rule
from allocator.solver.classes import units_of
from allocator.solver.search import solve
from bench.datasets import gap as assignment
from bench.datasets import vectorpack as packing
from bench.datasets.figures import MEASURES, Figures, Wanted, faults, summary
from bench.datasets.published import Instance, sample, single
from bench.record import Record, cases, machine

FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER: Final = click.Path(exists=True, file_okay=False, path_type=Path)
OUT: Final = click.Path(path_type=Path)
WORK_PER_SECOND: Final = 20
"""Deterministic work allowed for each second: enough that the deadline is what ends a search."""


@click.command("vectorpack")
@click.option("--instance", "paths", type=FILE, multiple=True, help="A .vbp file; may be repeated.")
@click.option(
    "--sample", "number", type=click.IntRange(1), help="That many instances drawn from the archives in --data."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of the sample, and of the search.")
@click.option("--data", type=FOLDER, help="The folder with the archives and the summaries of what is published.")
@click.option("--seconds", type=click.FloatRange(0.1), default=10.0, show_default=True, help="For each instance.")
@click.option("--exactly", is_flag=True, help="Only as many pools as the known optimum: is everything placed?")
@click.option("--out", type=OUT, required=True, help="The answer; with several instances a folder of answers.")
@click.option("--json", "to", type=OUT, help="Write the figures there.")
@click.pass_context
def vectorpack(
    context: click.Context,
    paths: Sequence[Path],
    number: int | None,
    seed: int,
    data: Path | None,
    seconds: float,
    exactly: bool,
    out: Path,
    to: Path | None,
) -> None:
    """Items on as few equal pools as possible. An answer is one bin number per item.

    Exit code 1 where a threshold of `cases.yaml` is missed; with --exactly none is judged.
    """
    if number is not None and data is None:
        raise click.UsageError("--sample draws from the archives of a folder. Maybe add --data FOLDER.")
    drawn = [] if number is None or data is None else sample(data, number, seed)
    instances = [*(single(path, data) for path in paths), *drawn]
    if exactly:
        instances = [one for one in instances if one.published is not None and one.published.optimum is not None]
    found = []
    for instance in instances:
        found.append(_packed(instance, _effort(seconds, seed), out, exactly, len(instances) > 1))
        click.echo(found[-1].line())
    context.exit(_told("vectorpack", found, not exactly, to))


@click.command("gap")
@click.option("--instance", "paths", type=FILE, multiple=True, help="An instance; may be repeated.")
@click.argument("more", type=FILE, nargs=-1)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--seconds", type=click.FloatRange(0.1), default=60.0, show_default=True, help="For each instance.")
@click.option("--out", type=OUT, required=True, help="The answer; with several instances a folder of answers.")
@click.option("--json", "to", type=OUT, help="Write the figures there.")
@click.pass_context
def gap(
    context: click.Context,
    paths: Sequence[Path],
    more: Sequence[Path],
    seed: int,
    seconds: float,
    out: Path,
    to: Path | None,
) -> None:
    """Jobs to agents at the least cost. An answer is one agent per job, counted from 0.

    Exit code 1 where a threshold of `cases.yaml` is missed.
    """
    found = []
    files = [*paths, *more]
    for path in files:
        instance = assignment.read(path.read_text())
        solved = _solved(*assignment.problem(instance), _effort(seconds, seed))
        jobs = len(instance.takes[0])
        if len(solved.placed) == jobs:
            _write(out, f"{path.name}.answer", assignment.written(instance, solved.placed), len(files) > 1)
        known = assignment.optimum(path)
        found.append(solved.figures(assignment.family(path.name), path.name, known, None, jobs))
        click.echo(found[-1].line())
    context.exit(_told("gap", found, True, to))


@dataclass(frozen=True, slots=True)
class _Solved:
    placed: Mapping[str, tuple[Volume, ...]]
    goals: Sequence[GoalResult]
    seconds: float
    cpu_seconds: float

    def figures(self, family: str, name: str, optimum: int | None, heuristic: int | None, items: int) -> Figures:
        goal, placed = self.goals[1], len(self.placed)
        value = goal.cost if placed == items else None
        return Figures(
            family, name, value, goal.bound, optimum, heuristic, self.seconds, placed, items, self.cpu_seconds
        )


def _effort(seconds: float, seed: int) -> Effort:
    return Effort(work=WORK_PER_SECOND * seconds, seconds=seconds, seed=seed)


def _told(command: str, found: Sequence[Figures], judged: bool, to: Path | None) -> int:
    """Tell what came of all instances, and record it; the exit code."""
    for line in summary(found):
        click.echo(line)
    thresholds = cases(command)
    wanted = {each["family"]: Wanted(**each) for each in thresholds}
    missed = list(faults(found, wanted)) if judged else []
    for fault in missed:
        click.echo(f"MISSED {fault}")
    if to is not None:
        Record(command, [one.record() for one in found], MEASURES, thresholds, missed, machine()).write(to)
    return 1 if missed else 0


def _packed(instance: Instance, effort: Effort, out: Path, exactly: bool, several: bool) -> Figures:
    published = instance.published
    read = packing.read(instance.text)
    optimum = published.optimum if published else None
    solved = _solved(*packing.problem(read, optimum if exactly else None), effort)
    if len(solved.placed) == len(read.items):
        _write(out, f"{instance.label}.answer", packing.written(read, solved.placed), several)
    if several:
        _write(out, f"{instance.label}.vbp", instance.text, several)
    best = published.heuristic if published else None
    return solved.figures(instance.family, instance.name, optimum, best, len(read.items))


def _solved(
    requests: Sequence[Request], inventory: Inventory, rules: Sequence[Rule], tiers: Tiers, effort: Effort
) -> _Solved:
    wall, cpu = time.monotonic(), time.process_time()
    solution = solve(units_of(requests), inventory, rules, tiers, effort)
    return _Solved(solution.placed, solution.goals, time.monotonic() - wall, time.process_time() - cpu)


def _write(out: Path, name: str, text: str, several: bool) -> None:
    if several:
        out.mkdir(parents=True, exist_ok=True)
    (out / name if several else out).write_text(text)

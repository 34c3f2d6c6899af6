"""`python -m bench vectorpack` and `python -m bench gap`: place public instances, and write what their judges read."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
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
from bench.datasets.figures import Figures, summary
from bench.datasets.published import Instance, sample, single

FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER: Final = click.Path(exists=True, file_okay=False, path_type=Path)
OUT: Final = click.Path(path_type=Path)


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
def vectorpack(
    paths: Sequence[Path],
    number: int | None,
    seed: int,
    data: Path | None,
    seconds: float,
    exactly: bool,
    out: Path,
) -> None:
    """Items on as few equal pools as possible. An answer is one bin number per item."""
    if number is not None and data is None:
        raise click.UsageError("--sample draws from the archives of a folder. Maybe add --data FOLDER.")
    drawn = [] if number is None or data is None else sample(data, number, seed)
    instances = [*(single(path, data) for path in paths), *drawn]
    if exactly:
        instances = [one for one in instances if one.published is not None and one.published.optimum is not None]
    found = []
    for instance in instances:
        found.append(_packed(instance, Effort(seconds=seconds, seed=seed), out, exactly, len(instances) > 1))
        click.echo(found[-1].line())
    for line in summary(found):
        click.echo(line)


@click.command("gap")
@click.option("--instance", "paths", type=FILE, multiple=True, help="An instance; may be repeated.")
@click.argument("more", type=FILE, nargs=-1)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--seconds", type=click.FloatRange(0.1), default=60.0, show_default=True, help="For each instance.")
@click.option("--out", type=OUT, required=True, help="The answer; with several instances a folder of answers.")
def gap(paths: Sequence[Path], more: Sequence[Path], seed: int, seconds: float, out: Path) -> None:
    """Jobs to agents at the least cost. An answer is one agent per job, counted from 0."""
    found = []
    files = [*paths, *more]
    for path in files:
        instance = assignment.read(path.read_text())
        placed, goals, took = _solved(*assignment.problem(instance), Effort(seconds=seconds, seed=seed))
        whole = len(placed) == len(instance.takes[0])
        if whole:
            _write(out, f"{path.name}.answer", assignment.written(instance, placed), len(files) > 1)
        value = goals[1].cost if whole else None
        found.append(
            Figures("gap", path.name, value, goals[1].bound, assignment.optimum(path), None, took, len(placed))
        )
        click.echo(found[-1].line())
    for line in summary(found):
        click.echo(line)


def _packed(instance: Instance, effort: Effort, out: Path, exactly: bool, several: bool) -> Figures:
    published = instance.published
    read = packing.read(instance.text)
    optimum = published.optimum if published else None
    placed, goals, took = _solved(*packing.problem(read, optimum if exactly else None), effort)
    whole = len(placed) == len(read.items)
    if whole:
        _write(out, f"{instance.label}.answer", packing.written(read, placed), several)
    if several:
        _write(out, f"{instance.label}.vbp", instance.text, several)
    value = goals[1].cost if whole else None
    best = published.heuristic if published else None
    return Figures(
        instance.family, instance.name, value, goals[1].bound, optimum, best, took, len(placed), len(read.items)
    )


def _solved(
    requests: Sequence[Request], inventory: Inventory, rules: Sequence[Rule], tiers: Tiers, effort: Effort
) -> tuple[Mapping[str, tuple[Volume, ...]], Sequence[GoalResult], float]:
    started = time.monotonic()
    solution = solve(units_of(requests), inventory, rules, tiers, effort)
    return solution.placed, solution.goals, time.monotonic() - started


def _write(out: Path, name: str, text: str, several: bool) -> None:
    if several:
        out.mkdir(parents=True, exist_ok=True)
    (out / name if several else out).write_text(text)

"""`python -m bench roadef`: rearrange public instances of machine reassignment, and write what their judge reads."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import click

from allocator.documents.pausing import collection_paused
from allocator.domain.policy import Effort
from allocator.goals import tiers_of
from allocator.rules import rules_of
from allocator.solver.classes import Unit
from allocator.solver.search import solve
from bench.datasets.reassignment import cost_of, read, written
from bench.datasets.reassignment_figures import Figures, missed
from bench.record import Measure, Record, cases, machine

FOLDER: Final = click.Path(exists=True, file_okay=False, path_type=Path)
ENDING: Final = 0.3
"""Seconds that it takes to write the answer and to end (measured)."""
MEASURES: Final = {"above": Measure("less", 0.1)}


@click.command("roadef")
@click.option("--instance", "names", multiple=True, help="Its name: model_NAME.txt and assignment_NAME.txt in --data.")
@click.option("--all", "everything", is_flag=True, help="Every instance of --data.")
@click.option("--data", type=FOLDER, required=True, help="The folder; reference_values.json there is compared with.")
@click.option(
    "--seconds", "budgets", type=click.FloatRange(1), multiple=True, default=[300.0], show_default=True,
    help="Of each instance, reading included; may be repeated, for a curve.",
)  # fmt: skip
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--workers", type=click.IntRange(1), default=2, show_default=True, help="Searches side by side.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The answer; of several runs a folder.")
@click.option(
    "--judge", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A Python program that is given --json, the model, the start and the answer.",
)  # fmt: skip
@click.option("--json", "record", type=click.Path(path_type=Path), help="Write the figures there.")
def roadef(
    names: Sequence[str],
    everything: bool,
    data: Path,
    budgets: Sequence[float],
    seed: int,
    workers: int,
    out: Path,
    judge: Path | None,
    record: Path | None,
) -> None:
    """Processes to machines, as few and as well as the contest weighs it. An answer is one machine per process.

    Ends with 1 where a threshold of cases.yaml is missed.
    """
    if everything:
        names = sorted(path.stem.removeprefix("model_") for path in data.glob("model_*.txt"))
        names = [name for name in names if (data / f"assignment_{name}.txt").is_file()]
    if not names:
        raise click.UsageError("No instance is named. Maybe --instance a1_1, or --all.")
    published, thresholds = _published(data), cases("roadef")
    found: list[Figures] = []
    single = len(names) == len(budgets) == 1
    for name in names:
        for seconds in budgets:
            began, used = (0.0, 0.0) if found else _since_started()
            began = time.monotonic() - began
            before = time.process_time() - used
            effort = Effort(work=1e9, seconds=seconds, seed=seed, workers=workers, deterministic=False)
            answer, figures = _rearranged(name, data, effort, began)
            target = out if single else out / f"{seconds:g}" / f"new_{name}.txt"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(answer)
            figures = replace(figures, seconds=time.monotonic() - began, cpu_seconds=time.process_time() - before)
            known = published.get(name, {})
            judged = None if judge is None else _judged(judge, data, name, target, figures.cost)
            figures = replace(figures, bound=known.get("lower_bound"), winner=known.get("s41_300s"), judged=judged)
            click.echo(figures.line())
            found.append(figures)
            if record is not None:
                said = list(missed(found, thresholds))
                Record("roadef", [one.record() for one in found], MEASURES, thresholds, said, machine()).write(record)
    said = list(missed(found, thresholds))
    for text in said:
        click.echo(f"MISSED {text}")
    sys.exit(1 if said else 0)


def _rearranged(name: str, data: Path, effort: Effort, began: float) -> tuple[str, Figures]:
    model, assignment = _files(data, name)
    with collection_paused():
        problem = read(model.read_text(), assignment.read_text())
    gc.freeze()
    start = cost_of(problem)
    rules = rules_of(problem.policy)
    tiers = tiers_of(problem.policy, rules)
    units = [Unit((volume.request,), (volume,)) for volume in problem.volumes]
    assert effort.seconds is not None, "the command always states how long"
    left = replace(effort, seconds=max(0.5, effort.seconds - ENDING - (time.monotonic() - began)))
    solution = solve(units, problem.inventory, rules, tiers, left)
    placed = {volume.name: volume for volumes in solution.placed.values() for volume in volumes}
    moved = [volume for volume in problem.volumes if placed[volume.name].pool != volume.pool]
    grown = sum(goal.cost for goal in solution.goals)
    return written(problem, placed), Figures(name, effort.seconds, 0.0, 0.0, start, start + grown, len(moved))


def _files(data: Path, name: str) -> tuple[Path, Path]:
    return data / f"model_{name}.txt", data / f"assignment_{name}.txt"


def _judged(judge: Path, data: Path, name: str, answer: Path, cost: int) -> bool:
    """Whether the judge finds nothing broken, and the same cost."""
    asked = [sys.executable, *map(str, (judge, "--json", *_files(data, name), answer))]
    said = subprocess.run(asked, capture_output=True, text=True, check=False)
    return said.returncode == 0 and json.loads(said.stdout)["total"] == cost


def _since_started() -> tuple[float, float]:
    """Wall and CPU seconds since this process began, loading everything included; 0 where /proc is missing."""
    path = Path("/proc/self/stat")
    if not path.is_file():
        return 0.0, 0.0
    ticks = int(path.read_text().rpartition(")")[2].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK"), time.process_time()


def _published(data: Path) -> Mapping[str, Mapping[str, Any]]:
    """What `reference_values.json` says of each instance; nothing where there is none."""
    path = data / "reference_values.json"
    return {entry["instance"]: entry for entry in json.loads(path.read_text())} if path.is_file() else {}

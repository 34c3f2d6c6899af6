"""`python -m bench roadef`: rearrange public instances of machine reassignment, and write what their judge reads."""

from __future__ import annotations

import gc
import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
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
from bench.record import Measure, Record, machine

FOLDER: Final = click.Path(exists=True, file_okay=False, path_type=Path)
ENDING: Final = 0.3
"""Seconds that it takes to write the answer and to end (measured)."""
MEASURES: Final = {"above": Measure("less", 0.1)}


@dataclass(frozen=True, slots=True)
class Figures:
    """One instance: its cost at the start and as rearranged, and what is published of it."""

    case: str
    allowed_seconds: float
    seconds: float
    start: int
    cost: int
    moved: int
    bound: int | None = None
    winner: int | None = None

    @property
    def above(self) -> float | None:
        """How far the cost lies above the published bound, in per cent of the start's."""
        return None if self.bound is None else 100 * (self.cost - self.bound) / self.start

    @property
    def behind(self) -> float | None:
        """And above what the contest's winner reached in 300 s."""
        return None if self.winner is None else 100 * (self.cost - self.winner) / self.start

    def line(self) -> str:
        """One line for people."""
        known = [
            f"{self.above:.3f} % of it above the bound" if self.above is not None else "",
            f"{self.behind:+.3f} % to the winner" if self.behind is not None else "",
        ]
        told = "; ".join(filter(None, [f"{self.moved:,} moved", *known, f"{self.seconds:.1f} s"]))
        return f"{self.case}: {self.start:,} -> {self.cost:,}; {told}"


@click.command("roadef")
@click.option("--instance", "names", multiple=True, help="Its name: model_NAME.txt and assignment_NAME.txt in --data.")
@click.option("--all", "everything", is_flag=True, help="Every instance of --data.")
@click.option("--data", type=FOLDER, required=True, help="The folder; reference_values.json there is compared with.")
@click.option(
    "--seconds", type=click.FloatRange(1), default=300.0, show_default=True, help="Of each, reading included."
)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--workers", type=click.IntRange(1), default=2, show_default=True, help="Searches side by side.")
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="The answer; with several a folder of them."
)
@click.option("--json", "record", type=click.Path(path_type=Path), help="Write the figures there.")
def roadef(
    names: Sequence[str],
    everything: bool,
    data: Path,
    seconds: float,
    seed: int,
    workers: int,
    out: Path,
    record: Path | None,
) -> None:
    """Processes to machines, as few and as well as the contest weighs it. An answer is one machine per process."""
    if everything:
        names = sorted(path.stem.removeprefix("model_") for path in data.glob("model_*.txt"))
        names = [name for name in names if (data / f"assignment_{name}.txt").is_file()]
    if not names:
        raise click.UsageError("No instance is named. Maybe --instance a1_1, or --all.")
    effort = Effort(work=1e9, seconds=seconds, seed=seed, workers=workers, deterministic=False)
    published = _published(data)
    found = []
    for number, name in enumerate(names):
        began = time.monotonic() - (_since_started() if number == 0 else 0)
        answer, figures = _rearranged(name, data, effort, began)
        target = out
        if len(names) > 1:
            out.mkdir(parents=True, exist_ok=True)
            target = out / f"new_{name}.txt"
        target.write_text(answer)
        known = published.get(name, {})
        took = time.monotonic() - began
        figures = replace(figures, seconds=took, bound=known.get("lower_bound"), winner=known.get("s41_300s"))
        click.echo(figures.line())
        found.append(figures)
    above = [one.above for one in found if one.case.startswith("a") and one.above is not None]
    if len(above) > 1:
        click.echo(f"set A: {sum(above) / len(above):.3f} % of the start above the bound, mean of {len(above)}")
    if record is not None:
        listed = [asdict(one) | {"above": one.above, "behind": one.behind} for one in found]
        Record("roadef", listed, MEASURES, (), (), machine()).write(record)


def _rearranged(name: str, data: Path, effort: Effort, began: float) -> tuple[str, Figures]:
    model, assignment = data / f"model_{name}.txt", data / f"assignment_{name}.txt"
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
    figures = Figures(name, effort.seconds, 0.0, start, start + grown, len(moved))
    return written(problem, placed), figures


def _since_started() -> float:
    """Seconds since this process began, loading everything included; 0 where /proc is missing."""
    path = Path("/proc/self/stat")
    if not path.is_file():
        return 0.0
    ticks = int(path.read_text().rpartition(")")[2].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")


def _published(data: Path) -> Mapping[str, Mapping[str, Any]]:
    """What `reference_values.json` says of each instance; nothing where there is none."""
    path = data / "reference_values.json"
    return {entry["instance"]: entry for entry in json.loads(path.read_text())} if path.is_file() else {}

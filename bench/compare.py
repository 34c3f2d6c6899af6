"""`python -m bench compare A B`: two records of one command, case by case, as ratios, and what got worse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import click

from bench.record import Measure, Record

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@dataclass(frozen=True, slots=True)
class Change:
    """One measure of one case, before and after: medians over the seeds that both records have."""

    case: str
    name: str
    before: float
    after: float
    measure: Measure

    @property
    def ratio(self) -> float | None:
        """None where there was nothing before."""
        return self.after / self.before if self.before else None

    def worse(self, tolerance: float | None = None) -> bool:
        """Whether it is off by more than the tolerance (None: the measure's own)."""
        allowed = abs(self.before) * (self.measure.tolerance if tolerance is None else tolerance)
        if self.measure.better == "less":
            return self.after > self.before + allowed
        return self.after < self.before - allowed

    def line(self, tolerance: float | None = None) -> str:
        """One line for people."""
        ratio = "" if self.ratio is None else f"  x {self.ratio:.3f}"
        worse = "  WORSE" if self.worse(tolerance) else ""
        return f"{self.case}  {self.name}: {self.before:,g} -> {self.after:,g}{ratio}{worse}"


def changes(before: Record, after: Record) -> Iterator[Change]:
    """Every measure of every case that both have. Raises ValueError for records of different commands."""
    if before.command != after.command:
        raise ValueError(f"One is of {before.command} and the other of {after.command}. Maybe compare like with like.")
    earlier, later = _by_case(before), _by_case(after)
    for case, found in earlier.items():
        seeds = found.keys() & later.get(case, {}).keys()
        for name, measure in after.measures.items():
            pairs = [(found[seed].get(name), later[case][seed].get(name)) for seed in sorted(seeds)]
            known = [(a, b) for a, b in pairs if a is not None and b is not None]
            if known:
                yield Change(case, name, median(a for a, _ in known), median(b for _, b in known), measure)


@click.command()
@click.argument("before", type=FILE)
@click.argument("after", type=FILE)
@click.option("--tolerance", type=click.FloatRange(0), help="Instead of each measure's own, as a share.")
@click.pass_context
def compare(context: click.Context, before: Path, after: Path, tolerance: float | None) -> None:
    """What changed between two files that `--json` wrote. Exit code 1 where something got worse."""
    try:
        first, second = Record.read(before), Record.read(after)
        found = list(changes(first, second))
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    for fact in ("processor", "cores", "python"):
        if first.machine.get(fact) != second.machine.get(fact):
            click.echo(f"another {fact}: {first.machine.get(fact)} -> {second.machine.get(fact)}")
    for change in found:
        click.echo(change.line(tolerance))
    if not found:
        click.echo("They have no case in common.")
    context.exit(1 if any(change.worse(tolerance) for change in found) else 0)


def _by_case(record: Record) -> dict[str, dict[int, Mapping[str, Any]]]:
    """Figures by case, told apart by tightness where they have one, and by seed."""
    found: dict[str, dict[int, Mapping[str, Any]]] = {}
    for figure in record.figures:
        tightness = f" at {figure['tightness']}" if "tightness" in figure else ""
        found.setdefault(f"{figure['case']}{tightness}", {})[figure.get("seed", 1)] = figure
    return found

"""`python -m bench waves`: thousands of moves put in order between pools that are full, or nearly so."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import click

from allocator.domain.policy import Policy
from allocator.planning.replay import replay
from allocator.planning.waves import waves
from allocator.rules import rules_of
from bench.meter import Meter
from bench.ordering import trade
from bench.record import Measure, Record, cases, machine

MEASURES: Final = {"cpu_seconds": Measure("less", 0.25), "staged": Measure("less", 0.25)}
SEEDS: Final = 3


@dataclass(frozen=True, slots=True)
class Figures:
    """One ordering; `fault` is what the replay in plain loops found wrong with it."""

    case: str
    seed: int
    moves: int
    waves: int
    staged: int
    blocked: int
    cpu_seconds: float
    wall_seconds: float
    replay_cpu_seconds: float
    fault: str | None

    def line(self) -> str:
        return (
            f"{self.case} seed {self.seed}: {self.moves:,} moves in {self.waves:,} waves, {self.staged} staged, "
            f"{self.blocked} blocked; {self.cpu_seconds:.2f} s CPU, {self.wall_seconds:.2f} s; "
            f"replay {self.replay_cpu_seconds:.2f} s CPU: {self.fault or 'no fault'}"
        )

    def missed(self, most_staged: float, most_seconds: float) -> list[str]:
        """The thresholds that were not kept: staged volumes as a share of moves, CPU seconds."""
        said = []
        if self.blocked or self.fault:
            said.append(f"{self.case} seed {self.seed}: {self.fault or f'{self.blocked} moves have no order'}")
        if self.staged > most_staged * self.moves:
            said.append(f"{self.case} seed {self.seed}: {self.staged} staged of {self.moves:,}")
        if self.cpu_seconds > most_seconds:
            said.append(f"{self.case} seed {self.seed}: {self.cpu_seconds:.2f} s CPU, at most {most_seconds}")
        return said


def measure(case: str, seed: int, *, moves: int, pools: int, slack_permille: int) -> Figures:
    """Order one case, and replay the order."""
    rules = rules_of(Policy())
    inventory, asked = trade(seed, moves, pools, slack_permille)
    with Meter() as ordering:
        found = waves(asked, inventory, rules)
    with Meter() as replaying:
        fault = replay([wave.moves for wave in found.waves], inventory, rules)
    return Figures(
        case,
        seed,
        len(asked),
        len(found.waves),
        len(found.staged),
        len(found.blocked),
        ordering.cpu_seconds,
        ordering.wall_seconds,
        replaying.cpu_seconds,
        None if fault is None else fault.text,
    )


@click.command("waves")
@click.option("--case", "only", help="One case of cases.yaml.")
@click.option("--json", "to", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures there.")
def ordering(only: str | None, to: Path | None) -> None:
    """Volumes trade places between pools; the order is checked state by state in plain loops."""
    figures: list[Figures] = []
    missed: list[str] = []
    thresholds: list[dict[str, Any]] = []
    for case in cases("waves"):
        name, staged, seconds = case.pop("name"), case.pop("staged"), case.pop("seconds")
        if only not in (None, name):
            continue
        thresholds.append({"case": name, "staged": staged, "cpu_seconds": seconds})
        for seed in range(1, SEEDS + 1):
            figures.append(measure(name, seed, **case))
            click.echo(figures[-1].line())
            missed += figures[-1].missed(staged, seconds)
    for sentence in missed:
        click.echo(f"MISSED {sentence}")
    if to is not None:
        Record("waves", [asdict(one) for one in figures], MEASURES, thresholds, missed, machine()).write(to)
    sys.exit(1 if missed else 0)

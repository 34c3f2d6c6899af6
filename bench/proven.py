"""`python -m bench small` and `planted`: batches that have an answer to be proven, or a placement of everything."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

import click

from allocator import Allocator
from allocator.documents import build
from allocator.domain.policy import Effort
from allocator.goals.placed import weight
from allocator.policy import read_policy
from allocator.verify import worsened
from bench.batch_run import placed_volumes
from bench.fresh import fresh
from bench.meter import Meter
from bench.peers.against import against_planted
from bench.planted import Planted, planted, tight
from bench.record import Figure, Measure, Record, cases, machine
from bench.small import small as small_batch

MEASURES: Final = {
    "proven": Measure("more", 0.0),
    "placed": Measure("more", 0.0),
    "wall_seconds": Measure("less", 0.25),
    "cpu_seconds": Measure("less", 0.25),
}
WORK_PER_SECOND: Final = 20


@dataclass(frozen=True, slots=True)
class Case:
    """What is drawn by seed, how long it may take, and on which share of the seeds it must be proven or complete."""

    name: str
    seconds: float
    share: float


@dataclass(frozen=True, slots=True)
class Drawn:
    """Documents of a fleet and what is asked of it."""

    documents: Mapping[str, Any]
    requests: Sequence[Mapping[str, Any]]


def _planted(found: Planted) -> Drawn:
    return Drawn(found.documents, found.requests)


DRAW: Final[Mapping[str, Callable[[int], Drawn]]] = {
    "small": lambda seed: Drawn(*small_batch(seed)),
    "planted": lambda seed: _planted(planted(seed)),
    "planted-equal": lambda seed: _planted(planted(seed, mixed=False)),
    "tight": lambda seed: _planted(tight(seed)),
}


def measure(case: Case, seed: int, policy: str) -> dict[str, Any]:
    """One batch through `place()`. Raises AssertionError for an answer that breaks a rule."""
    drawn, rules = DRAW[case.name](seed), read_policy(policy)
    world = build(drawn.documents, rules)
    requests = world.ask(drawn.requests, world.inventory)
    effort = Effort(WORK_PER_SECOND * case.seconds, case.seconds, seed)
    with Meter() as meter:
        allocator = Allocator(world, rules)
        outcome = allocator.place(requests, effort=effort, explain=False)
    if worsened(world.inventory, allocator.rules, placed_volumes(outcome, requests, world.inventory)):
        raise AssertionError("The answer breaks a rule.")
    goal = outcome.goals[0]
    return {
        "case": case.name,
        "seed": seed,
        "vms": len({request.vm or request.name for request in requests}),
        "asked": len(requests),
        "placed": len(outcome.placed),
        "weight": sum(map(weight, requests)),
        "cost": goal.cost,
        "bound": goal.bound,
        "proven": int(goal.bound == goal.cost),
        "all_proven": int(all(found.bound == found.cost for found in outcome.goals)),
        "status": outcome.status,
        "wall_seconds": round(meter.wall_seconds, 2),
        "cpu_seconds": round(meter.cpu_seconds, 2),
    }


@click.command()
@click.option("--seeds", type=click.IntRange(1), default=20, show_default=True)
@click.option("--policy", default="default", show_default=True, help="A policy by name or path.")
@click.option("--json", "to", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures there.")
@click.pass_context
def small(context: click.Context, seeds: int, policy: str, to: Path | None) -> None:
    """Up to 200 VMs on 20 pools and 50 hosts: on how many seeds is what was placed proven to be the most?"""
    _run(context, "small", "proven", seeds, policy, to)


@click.command(name="planted")
@click.option("--seeds", type=click.IntRange(1), default=5, show_default=True)
@click.option("--policy", default="default", show_default=True, help="A policy by name or path.")
@click.option("--peer", type=click.Choice(["cinder"]), help="Beside this scheduler, on the first case.")
@click.option("--json", "to", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures there.")
@click.pass_context
def planted_(context: click.Context, seeds: int, policy: str, peer: str | None, to: Path | None) -> None:
    """Fleets built backwards from a placement of everything: on how many seeds is everything placed?"""
    if peer is not None:
        first = Case(**cases("planted")[0])
        against_planted(lambda seed: fresh(measure, first, seed, policy), range(1, seeds + 1), to)
        context.exit(0)
    _run(context, "planted", "complete", seeds, policy, to)


def _run(context: click.Context, command: str, goal: str, seeds: int, policy: str, to: Path | None) -> None:
    figures: list[Figure] = []
    missed = []
    known = [Case(**case) for case in cases(command)]
    for case in known:
        found = [fresh(measure, case, seed, policy) for seed in range(1, seeds + 1)]
        figures += found
        good = sum(reached(figure, goal, case) for figure in found)
        slow = max(figure["wall_seconds"] for figure in found)
        text = f"{case.name}: {good} of {seeds} {goal} within {case.seconds:g} s"
        middle = median(figure["cpu_seconds"] for figure in found)
        click.echo(f"{text}; slowest {slow:.1f} s, CPU median {middle:.1f} s; threshold {case.share:.0%}")
        click.echo("  " + ", ".join(f"{figure['placed']}/{figure['asked']}" for figure in found))
        if good < case.share * seeds:
            missed.append(text)
    for text in missed:
        click.echo(f"MISSED {text}")
    if to is not None:
        thresholds = cases(command)
        Record(command, figures, MEASURES, thresholds, missed, machine()).write(to)
    context.exit(1 if missed else 0)


def reached(figure: Figure, goal: str, case: Case) -> bool:
    """Whether one run shows what it should, in time: a deadline is kept within 10 % (design 7)."""
    shown = figure["proven"] == 1 if goal == "proven" else figure["placed"] == figure["asked"]
    return bool(shown) and figure["wall_seconds"] <= case.seconds * 1.1

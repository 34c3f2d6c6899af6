"""`python -m bench rebalance`: pools that drain, are oversold or lost a tag, mended; load evened out under budgets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click

from bench.rebalancing import balancing, mending
from bench.record import Measure, Record, cases, machine

MEASURES: Final = {
    "moved_gib": Measure("less", 0.01),
    "gap": Measure("less", 0.5),
    "gained": Measure("more", 0.05),
    "cpu_seconds": Measure("less", 0.5),
}


@click.command()
@click.option("--case", "named", multiple=True, help="Only these cases of cases.yaml, by name.")
@click.option("--seed", "seeds", type=click.IntRange(0), multiple=True, default=(1,), show_default=True)
@click.option("--seconds", type=click.FloatRange(0.1), help="In place of those of cases.yaml; 0.1 or more.")
@click.option("--json", "to", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures there.")
@click.pass_context
def rebalance(
    context: click.Context, named: Sequence[str], seeds: Sequence[int], seconds: float | None, to: Path | None
) -> None:
    """Repair and balance. Exit code 1 where a threshold of cases.yaml is missed."""
    changed = {} if seconds is None else {"seconds": seconds}
    chosen = [case | changed for case in cases("rebalance") if not named or case["name"] in named]
    figures: list[dict[str, Any]] = []
    missed: list[str] = []
    for case in chosen:
        for seed in seeds:
            for figure in _measured(case, seed):
                figures.append(figure | {"name": case["name"]})
                click.echo(", ".join(f"{key} {value}" for key, value in figure.items()))
                missed += _missed(case, figure)
    for sentence in missed:
        click.echo(sentence, err=True)
    if to is not None:
        Record("rebalance", figures, MEASURES, chosen, missed, machine()).write(to)
    context.exit(1 if missed else 0)


def _measured(case: dict[str, Any], seed: int) -> Sequence[dict[str, Any]]:
    size = case["volumes"], str(case["fill"]), case["seconds"], seed
    if "budgets" in case:
        return list(balancing(*size, case["budgets"], unlimited=case.get("unlimited", True)))
    return [mending(*size, unlike=case.get("unlike", False))]


def _missed(case: dict[str, Any], figure: dict[str, Any]) -> list[str]:
    where = f"{figure['case']}, seed {figure['seed']}"
    found = []
    if figure.get("left"):
        found.append(f"{where}: {figure['left']:,} millionths of breaches are left, none may be.")
    if figure.get("again"):
        found.append(f"{where}: {figure['again']} moves right after, none may be.")
    if "gap" in case and figure["gap"] > case["gap"]:
        found.append(f"{where}: {figure['gap']} above the bound, at most {case['gap']}.")
    if "gap" in case and figure["wall_seconds"] > case["seconds"]:
        found.append(f"{where}: {figure['wall_seconds']} s, at most {case['seconds']}.")
    if figure.get("gained", 0) < figure.get("hottest_first", 0):
        found.append(f"{where}: gained {figure['gained']:,}, hottest-first {figure['hottest_first']:,}.")
    return found

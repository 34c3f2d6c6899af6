"""`python -m bench latency`: measure, print a table or JSON, and say which thresholds are missed."""

from __future__ import annotations

import json
import sys

import click

from bench.datasets import COMMANDS
from bench.latency import Latency, cases, measure


@click.group()
def cli() -> None:
    """Measure the engine on seeded fleets. CPU seconds are quoted, since machines are shared."""


@cli.command()
@click.option("--case", "names", multiple=True, help="Only these cases; all by default.")
@click.option("--samples", type=click.IntRange(10, 100_000), default=400, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Figures as JSON.")
@click.pass_context
def latency(context: click.Context, names: tuple[str, ...], samples: int, as_json: bool) -> None:
    """One VM of 1-4 volumes through the public `place()`, without ledger, every rule on, verified.

    Exit code 1 where a threshold of `cases.yaml` is missed.
    """
    found: list[Latency] = []
    for case in cases():
        if not names or case.name in names:
            found.append(measure(case, samples))
            if not as_json:
                click.echo(found[-1].line())
    if as_json:
        click.echo(json.dumps([figures.as_json() for figures in found], indent=2))
    context.exit(0 if all(figures.within for figures in found) else 1)


for command in COMMANDS:
    cli.add_command(command)


if __name__ == "__main__":
    sys.exit(cli())

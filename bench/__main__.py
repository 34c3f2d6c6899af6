"""`python -m bench`: every measurement is a command of its own module."""

from __future__ import annotations

import sys

import click

from bench.batch import batch
from bench.compare import compare
from bench.crash.command import crash
from bench.datasets import COMMANDS as DATASETS
from bench.following_run import following
from bench.latency_run import latency
from bench.ledger.run import ledger
from bench.ordering_run import ordering
from bench.proven import planted_, small
from bench.rebalance import rebalance
from bench.results import results
from bench.scale import scale
from bench.spread import spread

COMMANDS: tuple[click.Command, ...] = (
    latency,
    following,
    ledger,
    batch,
    small,
    planted_,
    scale,
    spread,
    ordering,
    crash,
    rebalance,
    *DATASETS,
    compare,
    results,
)


@click.group(commands=COMMANDS)
def cli() -> None:
    """Measure the engine on seeded fleets and public data. CPU seconds are quoted, since machines are shared."""


if __name__ == "__main__":
    sys.exit(cli())

"""`python -m bench`: every measurement is a command of its own module."""

from __future__ import annotations

import sys

import click

from bench.batch import batch
from bench.datasets import COMMANDS as DATASETS
from bench.latency_run import latency

COMMANDS: tuple[click.Command, ...] = (latency, batch, *DATASETS)


@click.group(commands=COMMANDS)
def cli() -> None:
    """Measure the engine on seeded fleets and public data. CPU seconds are quoted, since machines are shared."""


if __name__ == "__main__":
    sys.exit(cli())

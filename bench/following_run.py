"""`python -m bench following`: what it costs to follow another process, beside reading everything again."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from bench.following import measure_following
from bench.record import Measure, Record, machine

MEASURES: Final = {"cpu_us": Measure("less", 0.25)}


@click.command()
@click.option("--volumes", type=click.IntRange(100), default=100_000, show_default=True)
@click.option("--json", "to", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures there.")
def following(volumes: int, to: Path | None) -> None:
    """A loaded fleet with a SQLite ledger takes over what others have committed. No threshold."""
    found = measure_following(volumes)
    click.echo(found.line())
    if to is not None:
        figures = [{"case": "everything", "volumes": found.volumes, "cpu_us": found.everything}]
        figures += [
            {"case": f"{commits} commits", "volumes": found.volumes, "cpu_us": micros}
            for commits, micros in found.followed.items()
        ]
        Record("following", figures, MEASURES, [], [], machine()).write(to)

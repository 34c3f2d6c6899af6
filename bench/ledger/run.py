"""`python -m bench ledger`: processes reserve and release on a fleet that is sold out; what they left is audited."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import click
import yaml
from sqlalchemy import make_url

from bench.ledger.course import Alone, Race, run_alone, run_race
from bench.postgres import Postgres
from bench.record import HERE, Measure, Record, machine

MEASURES: Final = {"cpu_us": Measure("less", 0.25), "batch_cpu_ms": Measure("less", 0.25)}
TOLD: Final = 5


@click.command()
@click.option("--url", help="The ledger's database; its tables get the prefix bench_.  [default: a new SQLite file]")
@click.option("--postgres", is_flag=True, help="On a PostgreSQL server of its own, whose commits are on disk.")
@click.option("--processes", type=click.IntRange(1, 64), default=8, show_default=True)
@click.option("--seconds", type=click.FloatRange(0.5, 600), default=20, show_default=True)
@click.option(
    "--samples", type=click.IntRange(10, 10_000), default=400, show_default=True, help="Of one process alone."
)
@click.option("--control", is_flag=True, help="Read, check in Python, write: the audit must catch that.")
@click.option("--json", "to", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures there.")
@click.pass_context
def ledger(
    context: click.Context,
    url: str | None,
    postgres: bool,
    processes: int,
    seconds: float,
    samples: int,
    control: bool,
    to: Path | None,
) -> None:
    """Reserve and release from several processes at once on a fleet that is sold out; then audit item by item.

    Exit code 1 where anything is oversold, sums drift or a threshold of `cases.yaml` is missed; with --control where
    the audit finds nothing.
    """
    with _place(url, postgres=postgres) as where:
        name = make_url(where).get_backend_name()
        alone = None if control else run_alone(where, samples=samples)
        race = run_race(where, processes=processes, seconds=seconds, careless=control)
    for line in _lines(name, race, alone):
        click.echo(line)
    if control:
        click.echo("the audit caught it" if race.over else "MISSED: the audit caught nothing")
        context.exit(0 if race.over else 1)
    missed = list(_missed(name, race, alone))
    for line in missed:
        click.echo(f"MISSED: {line}")
    if to is not None:
        thresholds = [{"case": name, **_thresholds(name)}]
        Record("ledger", [_figure(name, race, alone)], MEASURES, thresholds, missed, machine()).write(to)
    context.exit(1 if missed else 0)


@contextmanager
def _place(url: str | None, *, postgres: bool) -> Iterator[str]:
    if url is not None:
        yield url
    elif postgres:
        with Postgres(durable=True) as server:
            yield server.empty()
    else:
        with TemporaryDirectory() as folder:
            yield f"sqlite:///{folder}/ledger.db"


def _thresholds(name: str) -> dict[str, Any]:
    read: dict[str, dict[str, Any]] = yaml.safe_load((HERE / "cases.yaml").read_text())["ledger"]
    return read[name]


def _missed(name: str, race: Race, alone: Alone | None) -> Iterator[str]:
    yield from race.over
    yield from race.drift
    most = _thresholds(name)
    if alone is not None and alone.cpu_us > most["cpu_us"]:
        yield f"a reservation of four volumes takes {alone.cpu_us:,} us of CPU, more than {most['cpu_us']:,}"
    if alone is not None and alone.batch_ms > most["batch_ms"]:
        yield f"a batch takes {alone.batch_ms:.0f} ms, more than {most['batch_ms']:,}"
    if "wait_ms" in most and race.waits[-1] > most["wait_ms"]:
        yield f"the longest wait was {race.waits[-1]:.0f} ms, more than {most['wait_ms']:,}"


def _lines(name: str, race: Race, alone: Alone | None) -> Iterator[str]:
    if alone is not None:
        yield (
            f"{name}, one process: {alone.cpu_us:,} us of CPU to place and reserve a VM of four volumes "
            f"({alone.wall_us:,} us by the clock); 2,000 volumes in one commit {alone.batch_ms:.0f} ms "
            f"({alone.batch_cpu_ms:.0f} ms of CPU)"
        )
    yield (
        f"{name}, {race.processes} processes for {race.seconds:g} s: {race.per_second:,} transactions/s "
        f"({race.reserved:,} reserved, at least {race.least:,} by each; {race.released:,} released), "
        f"{race.refused:,} refused"
    )
    yield (
        f"wait p50 {race.wait(0.5):.1f} ms, p99 {race.wait(0.99):.1f} ms, max {race.waits[-1]:.0f} ms; "
        f"{race.cpu_us:,} us of CPU for each reservation"
    )
    yield f"{len(race.over)} limits broken, {len(race.drift)} sums that drifted"
    for line in [*race.over[:TOLD], *race.drift[:TOLD]]:
        yield f"  {line}"


def _figure(name: str, race: Race, alone: Alone | None) -> dict[str, Any]:
    figure: dict[str, Any] = {
        "case": name,
        "processes": race.processes,
        "seconds": race.seconds,
        "transactions_per_second": race.per_second,
        "refused": race.refused,
        "wait_p50_ms": race.wait(0.5),
        "wait_p99_ms": race.wait(0.99),
        "wait_max_ms": race.waits[-1],
        "race_cpu_us": race.cpu_us,
        "over": len(race.over),
        "drift": len(race.drift),
    }
    if alone is not None:
        figure |= {"cpu_us": alone.cpu_us, "wall_us": alone.wall_us, "batch_ms": alone.batch_ms}
        figure |= {"batch_cpu_ms": alone.batch_cpu_ms}
    return figure

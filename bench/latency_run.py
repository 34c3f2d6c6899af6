"""`python -m bench latency`: one placement after the other, as CPU microseconds, and which thresholds are missed."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import click

from bench.latency import Latency, cases, measure
from bench.ledger_latency import LedgerLatency, measure_with_ledger
from bench.peers.against import against
from bench.peers.cinder import SCHEDULERS, wanted
from bench.record import Measure, Record, machine

MEASURES: Final = {name: Measure("less", 0.25) for name in ("p50", "p99", "cpu_p50")}


@click.command()
@click.option("--case", "names", multiple=True, help="Only these cases; all by default.")
@click.option("--samples", type=click.IntRange(10, 100_000), default=400, show_default=True)
@click.option("--ledger/--no-ledger", default=False, help="With a SQLite ledger too, reservation included.")
@click.option("--peer", type=click.Choice(list(SCHEDULERS)), help="Beside this scheduler, on its cases or those named.")
@click.option("--json", "to", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures there.")
@click.pass_context
def latency(
    context: click.Context, names: tuple[str, ...], samples: int, ledger: bool, peer: str | None, to: Path | None
) -> None:
    """One VM of 1-4 volumes through the public `place()`, every rule on, verified.

    Exit code 1 where a threshold of `cases.yaml` is missed.
    """
    if peer is not None:
        beside = [case for case in cases() if case.name in (names or wanted(peer))]
        context.exit(0 if against(peer, beside, samples, to) else 1)
    chosen = [case for case in cases() if not names or case.name in names]
    found: list[Latency | LedgerLatency] = []
    for case in chosen:
        found.append(measure(case, samples))
        click.echo(found[-1].line())
    if ledger:
        for case in chosen[:1]:
            found.append(measure_with_ledger(case, samples))
            click.echo(found[-1].line())
    missed = [figure.line().removesuffix(": MISSED") for figure in found if not figure.within]
    if to is not None:
        thresholds = [asdict(case) for case in chosen]
        Record("latency", [_figure(one) for one in found], MEASURES, thresholds, missed, machine()).write(to)
    context.exit(1 if missed else 0)


def _figure(found: Latency | LedgerLatency) -> dict[str, Any]:
    """Plain figures, with the size of the fleet; a fleet with a ledger is a case of its own."""
    figure = asdict(found)
    case = figure.pop("case")
    name = f"{case['name']} with ledger" if isinstance(found, LedgerLatency) else case["name"]
    return figure | {"case": name, "zones": case["zones"], "pools": case["pools"], "hosts": case["hosts"]}

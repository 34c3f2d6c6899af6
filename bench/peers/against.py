"""The option `--peer` of `python -m bench latency` and `planted`: ours beside another scheduler."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import click

from bench.latency import Case
from bench.peers.cinder import PeerFigures, compare, wanted
from bench.peers.cinder_planted import compare_planted
from bench.peers.environment import PeerError
from bench.record import Figure, Measure, Record, machine

LATENCY_MEASURES: Final = {name: Measure("more", 0.25) for name in ("times_by_call", "times_settled", "times_by_vm")}
PLANTED_MEASURES: Final = {"placed": Measure("more", 0.0)}


def against(peer: str, chosen: Sequence[Case], samples: int, to: Path | None) -> bool:
    """Placements of ours and of the peer on the chosen cases; False where ours are not as much faster as is wanted.

    Raises click.ClickException where the peer cannot be installed or run.
    """
    found: list[PeerFigures] = []
    for case in chosen:
        try:
            found.append(compare(case, samples, peer, _tell))
        except PeerError as error:
            raise click.ClickException(str(error)) from error
        click.echo("\n".join(found[-1].lines()))
    missed = [f"{figures.case.name}: {figures.verdict()}" for figures in found if not figures.within]
    if to is not None:
        thresholds = [{"case": case, "times": times} for case, times in wanted(peer).items() if times is not None]
        figures = [figures.as_json() for figures in found]
        Record(f"latency --peer {peer}", figures, LATENCY_MEASURES, thresholds, missed, machine()).write(to)
    return not missed


def against_planted(ours: Callable[[int], Figure], seeds: Iterable[int], to: Path | None) -> None:
    """What `ours` makes of the planted fleet of each seed, and what Cinder does in each of its modes.

    Raises click.ClickException where Cinder cannot be installed or run.
    """
    figures: list[dict[str, Any]] = []
    for seed in seeds:
        here = ours(seed)
        click.echo(
            f"seed {seed}, ours: {here['placed']:,} of {here['asked']:,} placed; {here['cpu_seconds']:.1f} s of CPU"
        )
        figures.append({key: here[key] for key in ("seed", "asked", "placed")} | {"case": "ours", "oversold": 0})
        try:
            for found in compare_planted(seed, _tell):
                click.echo(found.line())
                figures.append(found.as_json())
        except PeerError as error:
            raise click.ClickException(str(error)) from error
    if to is not None:
        Record("planted --peer cinder", figures, PLANTED_MEASURES, [], [], machine()).write(to)


def _tell(text: str) -> None:
    """What takes a while is told on standard error."""
    click.echo(text, err=True)

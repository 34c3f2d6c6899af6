"""`python -m bench crash`: kill workers at random instants and at every boundary, then compare servers and ledger."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Final

import click

from bench.crash.campaign import Campaign, Outcome
from bench.crash.round import KINDS, MOVE, Round
from bench.crash.site import lacking, site
from bench.postgres import Postgres
from bench.record import Measure, Record, cases, machine

MEASURES: Final = {"wrong": Measure("less", 0.0)}
_MOST_BOUNDARIES: Final = 2000


@click.command()
@click.option("--kills", type=click.IntRange(0), help="At random instants, at least; as cases.yaml says by default.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
@click.option("--only", metavar="K", help="One round: a number, or KIND@N for the N-th boundary of such a plan.")
@click.option("--faults", is_flag=True, help="Drivers fail, lose answers and have no space, at seeded points.")
@click.option("--moves", is_flag=True, help="A pool is drained meanwhile, with real copies.")
@click.option("--postgres", is_flag=True, help="The ledgers lie on a PostgreSQL server that is started for this.")
@click.option("--boundaries/--no-boundaries", default=True, show_default=True, help="Also one kill at each of them.")
@click.option("--volumes", type=click.IntRange(1, 4), default=2, show_default=True, help="Of plans killed at each.")
@click.option("--workers", type=click.IntRange(1, 16), default=3, show_default=True, help="Side by side, at most.")
@click.option("--json", "to", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures there.")
@click.pass_context
def crash(
    context: click.Context,
    kills: int | None,
    seed: int,
    only: str | None,
    faults: bool,
    moves: bool,
    postgres: bool,
    boundaries: bool,
    volumes: int,
    workers: int,
    to: Path | None,
) -> None:
    """`kill -9` of processes that carry out plans on a real tgtd and real QEMUs; then others go on.

    After each round LUNs, files, ACLs, CHAP accounts and attachments must be what the ledger says: nothing twice,
    nothing left, nothing lost. Exit code 1 where something is wrong, with the command that replays it.
    """
    packages = lacking()
    if packages:
        raise click.ClickException(f"Packages are missing. Maybe, as root: apt-get install {' '.join(packages)}")
    (case,) = [case for case in cases("crash") if case["name"] == _case(faults, moves)]
    kills = case["kills"] if kills is None else kills
    flags = {"faults": faults, "moves": moves, "postgres": postgres}
    options = "".join(f" --{name}" for name, given in flags.items() if given)
    began, total, wrong = time.monotonic(), Outcome(), 0
    rounds = 0
    with ExitStack() as running:
        directory = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="crash-")))
        server = running.enter_context(Postgres(durable=False)) if postgres else None
        campaign = Campaign(running.enter_context(site(directory, server)), workers=workers)
        for round in _rounds(
            partial(Round, seed, faulty=faults, moves=moves), only, kills, total, volumes if boundaries else 0
        ):
            outcome = campaign.play(round)
            rounds += 1
            total.kills += outcome.kills
            total.elsewhere += outcome.elsewhere
            if outcome.wrong:
                wrong += 1
                again = f"python -m bench crash --seed {seed} --only {round.name}{options}"
                click.echo(f"WRONG in round {round.name}: {'; '.join(outcome.wrong)}\n  replay: {again}", err=True)
                click.echo(campaign.complaints(), err=True)
            if round.boundary and not outcome.kills:
                click.echo(f"{round.kind}: killed at each of {round.boundary - 1} boundaries")
    seconds = time.monotonic() - began
    click.echo(
        f"seed {seed}{options}: {total.kills} kills in {rounds} rounds, {wrong} rounds wrong, "
        f"{total.elsewhere} volumes went elsewhere, {seconds:.0f} s"
    )
    if to is not None:
        figure: dict[str, Any] = {
            "case": case["name"]
            + (" with faults" if moves and faults else "")
            + (" on PostgreSQL" if postgres else ""),
            "seed": seed,
            "kills": total.kills,
        }
        figure |= {"rounds": rounds, "wrong": wrong, "elsewhere": total.elsewhere}
        missed = [f"{wrong} rounds are wrong"] if wrong > case["wrong"] else []
        Record("crash", [figure], MEASURES, [case], missed, machine()).write(to)
    context.exit(1 if wrong > case["wrong"] else 0)


def _case(faults: bool, moves: bool) -> str:
    return "moves" if moves else "faults" if faults else "crash"


def _rounds(round: Callable[..., Round], only: str | None, kills: int, total: Outcome, volumes: int) -> Iterator[Round]:
    """One round, or: every boundary of each kind until a worker passes them all, then random ones until enough died."""
    if only is not None:
        yield round(name=only, volumes=volumes if "@" in only else None)
        return
    kinds = (MOVE,) if round(name="").moves else KINDS
    for kind in kinds if volumes else ():
        for boundary in range(1, _MOST_BOUNDARIES):
            before = total.kills
            yield round(name=f"{kind}@{boundary}", volumes=volumes)
            if total.kills == before:
                break
    by_chance, number = total.kills, 0
    while total.kills - by_chance < kills:
        yield round(name=str(number))
        number += 1

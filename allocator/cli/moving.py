"""The command that proposes moves: what it is for, its options, and examples."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from allocator.cli.options import finite, fleet, seconds_of
from allocator.cli.questions import cli

if TYPE_CHECKING:
    from allocator.cli.session import Given

__all__ = ["cli"]
"""The command with all of its commands."""

COUNT = click.IntRange(0)


def _bytes(ctx: click.Context, parameter: click.Parameter, value: str | None) -> int | None:
    """A quantity such as 10TiB, rounded down."""
    from allocator.domain.sizes import QuantityError, parse_bytes

    try:
        return None if value is None else parse_bytes(value, "down")
    except QuantityError as error:
        raise click.BadParameter(str(error)) from error


def _rate(ctx: click.Context, parameter: click.Parameter, value: str | None) -> int | None:
    """A rate such as 200MiB/s, rounded down."""
    from allocator.domain.sizes import QuantityError, parse_rate

    try:
        return None if value is None else parse_rate(value, "down")
    except QuantityError as error:
        raise click.BadParameter(str(error)) from error


def _share(ctx: click.Context, parameter: click.Parameter, value: str) -> int:
    from allocator.cli.options import millionths

    return millionths(ctx, parameter, value)


@cli.command()
@click.option("--drain", metavar="POOL|HOST", multiple=True, help="Empty it, whatever its state; repeat it for more.")
@click.option("--repair", is_flag=True, help="Mend everything that `audit` finds and moves can mend.")
@click.option("--balance", "gain", flag_value="balance", help="Even out load, where a move is worth it.")
@click.option("--pack", "gain", flag_value="packing", help="Empty pools, where others take all that they hold.")
@click.option("--max-moves", type=COUNT, metavar="N", help="Move so many volumes at the most.")
@click.option("--max-bytes", metavar="SIZE", callback=_bytes, help="Move so much at the most, as 10TiB.")
@click.option("--per-source", type=COUNT, metavar="N", help="Moves from one pool at the most.")
@click.option("--per-target", type=COUNT, metavar="N", help="Moves to one pool at the most.")
@click.option(
    "--window",
    "window_seconds",
    metavar="TIME",
    default="12h",
    callback=seconds_of,
    show_default=True,
    help="With a ledger, what moved so long before counts for --max-moves and --max-bytes; 0h: nothing.",
)
@click.option("--pin", "pinned", metavar="VOLUME", multiple=True, help="It stays where it is; repeat it for more.")
@click.option(
    "--worthwhile",
    metavar="SHARE",
    default="0.5%",
    callback=_share,
    show_default=True,
    help="What a move that mends nothing must take off a place's load above the policy's thresholds.",
)
@click.option(
    "--at-once", type=click.IntRange(1), default=16, show_default=True, metavar="N", help="Moves in one wave."
)
@click.option("--rate", metavar="RATE", callback=_rate, help="What copying may take, as 200MiB/s: tells how long.")
@click.option("-o", "--output", metavar="PLAN", type=click.Path(path_type=Path), help="Write the moves, for `apply`.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=1, show_default=True, help="The solver's.")
@click.option("--work", type=float, default=20.0, callback=finite, show_default=True, help="How hard to solve.")
@click.option(
    "--deadline", "seconds", type=float, metavar="SECONDS", callback=finite, help="Stop after this, with the best."
)
@fleet()
def rebalance(
    given: Given,
    drain: tuple[str, ...],
    repair: bool,
    gain: str | None,
    max_moves: int | None,
    max_bytes: int | None,
    per_source: int | None,
    per_target: int | None,
    window_seconds: int,
    pinned: tuple[str, ...],
    worthwhile: int,
    at_once: int,
    rate: int | None,
    output: Path | None,
    seed: int,
    work: float,
    seconds: float | None,
) -> int:
    """Propose few moves that mend what is broken.

    Or that even out load, or empty pools: each with why.

    A dry run: nothing is reserved and nothing moves, until `apply` carries out what -o wrote. What is broken comes
    first, by the fewest bytes; healthy volumes move only to make room. No rule that holds is broken, nor on the way,
    and nothing that is broken gets worse. Without --drain, --repair, --balance or --pack it repairs and balances.

    Run again right after its moves were made, it proposes nothing. With --max-moves or --max-bytes and a ledger, that
    is so until --window is over: a job that is started twice in a night moves no more than one. The next night goes on.

    A VM on a host that is drained is named for the control plane, which moves VMs; the host's local pools are emptied
    here. A volume whose request names its pool is pinned to it. What lies on a pool that is down is never moved.

    \b
      allocator rebalance -f fleet.yaml --ledger sqlite:///ledger.db -o moves.json
      allocator apply moves.json -f fleet.yaml --ledger sqlite:///ledger.db
      allocator rebalance -f fleet.yaml --drain sf-1 --max-moves 50
      allocator rebalance -f fleet.yaml --balance --max-bytes 10TiB --per-target 4 --pin db-data

    Exit code 0: nothing to mend, or all of it is mended; 1: something stays broken, or a VM must leave.

    JSON: {version, status: nothing | mended | partly, goals, broken: {before, after}, moves: [{volume, from, to, bytes,
    purpose: mends | makes_room | gains, why, alone, without, makes_room_for}], waves: [{moves, bytes, seconds}], order,
    staged, blocked, pools, usable, staying, made, vms}.
    """
    from allocator.cli.rebalancing import rebalance
    from allocator.domain.policy import Effort
    from allocator.domain.rebalance import Aim, Budget
    from allocator.planning.waves import AtOnce

    budget = Budget(max_moves, max_bytes, per_source, per_target)
    aim = Aim(drain, repair, gain, budget, window_seconds, frozenset(pinned), worthwhile)  # type: ignore[arg-type]
    together = AtOnce(at_once, bytes_per_second=rate)
    return rebalance(given, output, aim, Effort(work=work, seed=seed, seconds=seconds), together)

"""The options that commands share."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

Command = Callable[..., int]

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, whose shape is stable.")


log_level = click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    envvar="ALLOCATOR_LOG_LEVEL",
    show_envvar=True,
    help="Log what is done to standard error; with --log-format alone, from info on.",
)
log_format = click.option(
    "--log-format",
    type=click.Choice(["plain", "json"]),
    envvar="ALLOCATOR_LOG_FORMAT",
    show_envvar=True,
    help="With json, all of standard error is one object a line: time, level, event, plan, step, volume, text.",
)


def ledger(*, required: bool) -> Callable[[Command], Command]:
    return click.option(
        "--ledger",
        metavar="URL",
        envvar="ALLOCATOR_LEDGER",
        required=required,
        show_envvar=True,
        help="What is reserved and made: sqlite:///ledger.db, or postgresql://user@host/database.",
    )


def documents(*, required: bool) -> Callable[[Command], Command]:
    return click.option(
        "-f",
        "--file",
        "files",
        metavar="FILE",
        type=click.Path(path_type=Path),
        multiple=True,
        required=required,
        envvar="ALLOCATOR_FILES",
        show_envvar=True,
        help="A document; repeat it for more. Later ones override earlier ones by name.",
    )


policy = click.option(
    "--policy",
    metavar="NAME_OR_PATH",
    default="default",
    show_default=True,
    envvar="ALLOCATOR_POLICY",
    show_envvar=True,
    help="Which rules and goals: one that ships, or a file.",
)


actor = click.option(
    "--actor",
    metavar="NAME",
    envvar="ALLOCATOR_ACTOR",
    show_envvar=True,
    help="Who the ledger's history says it was.  [default: user@host/process]",
)


def fleet(*, with_ledger: bool = False, with_files: bool = True, acting: bool = False) -> Callable[[Command], Command]:
    """-f, --policy, --ledger and --json, for what changes the ledger --actor; the command gets them as `given`."""

    def decorate(command: Command) -> Command:
        @documents(required=with_files)
        @policy
        @ledger(required=with_ledger)
        @as_json
        @functools.wraps(command)
        def asked(
            files: tuple[Path, ...],
            policy: str,
            ledger: str | None,
            as_json: bool,
            actor: str | None = None,
            **rest: Any,
        ) -> int:
            from allocator.cli.session import Given

            return command(Given(files, policy, ledger, as_json, actor), **rest)

        return actor(asked) if acting else asked

    return decorate


def solving(command: Command) -> Command:
    """How hard and where to solve; the command gets it as `effort` and `executor`."""

    @click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=1, show_default=True, help="The solver's.")
    @click.option(
        "--work",
        type=float,
        default=20.0,
        callback=finite,
        show_default=True,
        help="How hard to solve: in seconds of one core, about, but counted alike on every machine.",
    )
    @click.option(
        "--deadline",
        "--seconds",
        "seconds",
        type=float,
        metavar="SECONDS",
        callback=finite,
        help="Stop solving after this, with the best so far.",
    )
    @click.option(
        "--gap",
        "gap_millionths",
        default="0%",
        metavar="SHARE",
        callback=millionths,
        show_default=True,
        help="Good enough: how far the first goal may lie above its proven bound.",
    )
    @click.option(
        "--workers",
        type=click.IntRange(1, 1000),
        default=1,
        show_default=True,
        help="Zones, or what else shares nothing, that are solved at a time, each in a process.",
    )
    @click.option(
        "--executor",
        metavar="NAME",
        help="Where they are solved: threads:2, processes:2, dask or dask://HOST:PORT.",
    )
    @click.option("--throughput", is_flag=True, help="All cores work on one zone: faster, and not repeatable.")
    @functools.wraps(command)
    def asked(*given: Any, executor: str | None, throughput: bool, **rest: Any) -> int:
        from allocator.domain.policy import Effort

        figures = {name: rest.pop(name) for name in ("seed", "work", "seconds", "gap_millionths", "workers")}
        return command(*given, effort=Effort(**figures, deterministic=not throughput), executor=executor, **rest)

    return asked


def millionths(ctx: click.Context, parameter: click.Parameter, value: str) -> int:
    """A share such as 0.1%, in millionths rounded down."""
    from allocator.domain.sizes import QuantityError, parse_share

    try:
        return int(parse_share(value) * 1_000_000)
    except QuantityError as error:
        raise click.BadParameter(str(error)) from error


def days(ctx: click.Context, parameter: click.Parameter, value: str) -> int:
    """A length of time such as `90d`, `12w` or `1y`, in days."""
    unit = {"d": 1, "w": 7, "y": 365}.get(value[-1:])
    if unit is None or not (value[:-1].isascii() and value[:-1].isdigit() and len(value) < 8):
        raise click.BadParameter(f"{value!r} is no number of days, weeks or years. Maybe 90d.")
    return int(value[:-1]) * unit


def seconds_of(ctx: click.Context, parameter: click.Parameter, value: str) -> int:
    """A length of time such as `90s`, `30m`, `12h` or `2d`, in seconds."""
    unit = {"s": 1, "m": 60, "h": 3600, "d": 86_400}.get(value[-1:])
    if unit is None or not (value[:-1].isascii() and value[:-1].isdigit() and len(value) < 8):
        raise click.BadParameter(f"{value!r} is no number of seconds, minutes, hours or days. Maybe 12h.")
    return int(value[:-1]) * unit


def finite(ctx: click.Context, parameter: click.Parameter, value: float | None) -> float | None:
    """A number above 0; a range of click's own lets `nan` through."""
    if value is not None and not (math.isfinite(value) and value > 0):
        raise click.BadParameter(f"{value} is no number above 0.")
    return value

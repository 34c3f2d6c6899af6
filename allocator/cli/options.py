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


def ledger(*, required: bool) -> Callable[[Command], Command]:
    return click.option(
        "--ledger",
        metavar="URL",
        envvar="ALLOCATOR_LEDGER",
        required=required,
        show_envvar=True,
        help="What is reserved and made: sqlite:///ledger.db, or any URL of SQLAlchemy.",
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


def fleet(*, with_ledger: bool = False, with_files: bool = True) -> Callable[[Command], Command]:
    """-f, --policy, --ledger and --json; the command gets them as `given`."""

    def decorate(command: Command) -> Command:
        @documents(required=with_files)
        @policy
        @ledger(required=with_ledger)
        @as_json
        @functools.wraps(command)
        def asked(files: tuple[Path, ...], policy: str, ledger: str | None, as_json: bool, **rest: Any) -> int:
            from allocator.cli.session import Given

            return command(Given(files, policy, ledger, as_json), **rest)

        return asked

    return decorate


def finite(ctx: click.Context, parameter: click.Parameter, value: float | None) -> float | None:
    """A number above 0; a range of click's own lets `nan` through."""
    if value is not None and not (math.isfinite(value) and value > 0):
        raise click.BadParameter(f"{value} is no number above 0.")
    return value

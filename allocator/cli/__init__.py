"""The command line of the engine; `main` is what the installed `allocator` runs."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from contextlib import ExitStack

import click

from allocator.cli.codes import BAD_INPUT, STOPPED
from allocator.cli.moving import cli
from allocator.cli.show import complain
from allocator.cli.stopping import ending_in_order


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line (None: this process's) and give back its exit code."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by the shell, as `>&-` does
            setattr(sys, name, io.StringIO())
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    with ending_in_order(), ExitStack() as logs:
        try:
            return cli.main(arguments, "allocator", standalone_mode=False, obj=logs) or 0
        except click.Abort:
            complain("Stopped.")
            return STOPPED
        except click.ClickException as error:
            complain(_told(error))
            return BAD_INPUT


def _told(error: click.ClickException) -> str:
    """A mistyped command line, and where its help is."""
    message = error.format_message()
    path = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else None
    return message if path is None else f"{message} Maybe see `{path} --help`."

"""Exit codes, and how whatever a command raises becomes one line on standard error and one of them."""

from __future__ import annotations

import os
import sys
import traceback
from typing import Any, Final

import click

from allocator.cli.show import complain

DONE: Final = 0
FOUND: Final = 1
"""Something was refused or found, or failed on the way."""
BAD_INPUT: Final = 2
OUR_FAULT: Final = 3
STOPPED: Final = 130
"""128 + SIGINT, as shells count; SIGTERM too ends a command in order."""
UNHEARD: Final = 141
"""128 + SIGPIPE: whoever read the output has left."""


class BadInput(click.ClickException):
    """What the command line names cannot be used; the text says what might help."""


class Commands(click.Group):
    """Commands that give back an exit code, listed in the order in which they are needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            status = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            # Python flushes once more when it ends, and would complain.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return UNHEARD
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            if ctx.params["debug"]:
                for line in traceback.format_exc().splitlines():
                    complain(line)
            if isinstance(error, OSError):
                complain(f"{error}. Maybe the disk is full, or access is denied.")
                return BAD_INPUT
            if _is_bad_input(error):
                complain(str(error))
                return BAD_INPUT
            complain(f"{type(error).__name__}: {error}. This is a bug. Maybe `allocator --debug ...` shows where.")
            return OUR_FAULT
        return status


def _is_bad_input(error: Exception) -> bool:
    """Imported here, since help needs none of it. A bare LookupError is raised on purpose, its subclasses are not."""
    from allocator.documents import DocumentError
    from allocator.execution.connect import PluginError
    from allocator.execution.secrets import SecretError
    from allocator.ledger import LedgerError
    from allocator.planning.trust import PlanError
    from allocator.service.standing import Contended

    expected = (DocumentError, PlanError, LedgerError, PluginError, SecretError, Contended)
    return isinstance(error, expected) or type(error) is LookupError

"""Nothing but the answer on standard output: what a compiled library prints of its own accord is not heard."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def libraries_unheard() -> Iterator[None]:
    """While it lasts, what is written past Python's `sys.stdout` is dropped: HiGHS prints in some repairs."""
    if not _is_standard_output():
        yield
        return
    sys.stdout.flush()
    heard = os.dup(1)
    try:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        os.close(nothing)
        yield
    finally:
        os.dup2(heard, 1)
        os.close(heard)


def _is_standard_output() -> bool:
    """Whether descriptor 1 is standard output: where the shell closed that, it may be a file of ours by now."""
    try:
        return sys.stdout.fileno() == 1
    except (AttributeError, OSError, ValueError):
        return False

"""What a command line comes to, run in this process as the installed command would."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Run(NamedTuple):
    """An exit code, and what was printed."""

    code: int
    out: str
    err: str


Allocator = Callable[..., Run]

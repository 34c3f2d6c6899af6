"""Who writes into the history: a name that the embedding program gives, or the process by its user."""

from __future__ import annotations

import os
import pwd
import socket
from functools import cache
from typing import Final

from allocator.ledger.errors import LedgerError

LONGEST: Final = 200


def this_process() -> str:
    """`user@host/process`, as of now: a process that was forked off is another."""
    return f"{_user(os.geteuid())}@{socket.gethostname()}/{os.getpid()}"


def checked(name: str) -> str:
    """A name that can be told. Raises LedgerError for one that is empty, too long or not printable."""
    if not 0 < len(name) <= LONGEST or not name.isprintable():
        raise LedgerError(
            f"The actor {name[:LONGEST]!r} cannot be told: it must have 1 to {LONGEST} printable characters. "
            "Maybe write who decides, such as alice@example.org."
        )
    return name


@cache
def _user(number: int) -> str:
    """Looked up once: a directory server may be asked for it."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)

"""What most commands begin with: the documents, the policy and the ledger that the options name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import mkstemp
from typing import IO

from allocator import Allocator
from allocator.cli.codes import BadInput


@dataclass(frozen=True, slots=True)
class Given:
    """The options that say what there is."""

    files: tuple[Path, ...]
    policy: str
    ledger: str | None
    as_json: bool = False

    def open(self, *, new: bool = False) -> Allocator:
        """The fleet; a ledger is made, where there is none, only with `new`. Raises as Allocator.open, and BadInput."""
        if self.ledger is not None and not new:
            check_ledger(self.ledger)
        return Allocator.open(*self.files, policy=self.policy, ledger=self.ledger)

    def unbound(self) -> Allocator:
        """The same facts as of now, without the ledger: nothing that is decided on them is reserved."""
        with self.open() as allocator:
            return Allocator(replace(allocator.world, inventory=allocator.inventory), allocator.policy)


def check_ledger(url: str) -> None:
    """Raises BadInput for a ledger's file that is not there, since whoever only looks must not make one."""
    scheme, _, path = url.partition(":///")
    if scheme.startswith("sqlite") and path and not Path(path).exists():
        raise BadInput(f"There is no ledger {path}. Maybe the path is mistyped: `place` and `apply` make new ones.")


@contextmanager
def whole_file(path: Path | None) -> Iterator[IO[str] | None]:
    """A file that is there when all of it is written, or not at all; None where none is wanted.

    Raises BadInput for a place that cannot be written, before anything has been decided.
    """
    if path is None:
        yield None
        return
    target = path.resolve()
    fresh = None
    try:
        if target.exists() and not target.is_file():
            descriptor = os.open(target, os.O_WRONLY)  # a pipe or /dev/null is written, never replaced
        else:
            descriptor, fresh = mkstemp(dir=target.parent, prefix=f".{target.name}.")
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}. Maybe choose another place.") from error
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            yield file
        if fresh is not None:
            os.replace(fresh, target)
    except BaseException:
        if fresh is not None:
            os.unlink(fresh)
        raise

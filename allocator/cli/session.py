"""What most commands begin with: the documents, the policy and the ledger that the options name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import mkstemp
from typing import IO, TYPE_CHECKING

from allocator import Allocator
from allocator.cli.codes import BadInput
from allocator.cli.show import remark

if TYPE_CHECKING:
    from allocator.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Given:
    """The options that say what there is."""

    files: tuple[Path, ...]
    policy: str
    ledger: str | None
    as_json: bool = False
    actor: str | None = None

    def open(self, *, new: bool = False) -> Allocator:
        """The fleet. Only with `new` a ledger is made where there is none, which is said. Raises as Allocator.open."""
        found = Allocator.open(*self.files, policy=self.policy, ledger=self.ledger, make=new, actor=self.actor)
        if found.ledger is not None and found.ledger.origin != "found":
            remark(f"Ledger {found.ledger.name} was {found.ledger.origin}.")
        return found

    def look(self) -> Ledger:
        """The ledger by itself. Raises LedgerError."""
        from allocator.ledger import Ledger

        return Ledger.open(self.ledger or "", make=False, actor=self.actor)

    def unbound(self) -> Allocator:
        """The same facts as of now, without the ledger: nothing that is decided on them is reserved."""
        with self.open() as allocator:
            return Allocator(replace(allocator.world, inventory=allocator.inventory), allocator.policy)


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

"""What happened: told line by line, asked for, taken away when it is old, and written down whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from allocator.ledger import history, pruning, whole
from allocator.ledger.base import Base
from allocator.ledger.form import Whole
from allocator.ledger.history import Line
from allocator.ledger.pruning import Pruned
from allocator.ledger.records import Document, Event
from allocator.ledger.story import Story, story


class Remembering(Base):
    """The history, and all of a ledger as plain data."""

    def event(
        self, kind: str, subject: str, text: str, *, plan: str | None = None, details: Document | None = None
    ) -> None:
        """Append a line to the history. Never put a secret in it."""
        with self._store.writing() as connection:
            self._tell(connection, Line(kind, subject, text, plan, details))

    def events(self, subject: str | None = None, *, last: int = 1000) -> list[Event]:
        """The newest `last` lines of the history, oldest first: of one volume or plan, or of all."""
        with self._store.reading() as connection:
            return history.told(connection, subject, last)

    def moved(self, within_seconds: int) -> list[str]:
        """The names of volumes that went to another pool within so many seconds; some may be gone since."""
        with self._store.reading() as connection:
            return history.switched(connection, self._now() - within_seconds)

    def story(self, volume: str) -> Story:
        """Why a volume is where it is, or was: every life of that name. Raises LookupError where none is known."""
        with self._store.reading() as connection:
            return story(connection, volume)

    def prune(self, days: int, *, dry_run: bool = True) -> Pruned:
        """What of the history and of plans' steps is older than this and not needed; unless `dry_run` it is taken away.

        Never what an unfinished plan needs, nor what is told of a volume that is there and of how it came to be.
        """
        before = self._now() - days * 24 * 60 * 60
        with self._store.reading() as connection:
            found = pruning.prunable(connection, before)
        if not dry_run and (found.events or found.steps):
            more = True
            while more:
                with self._store.writing() as connection:
                    taken = pruning.prune_portion(connection, before)
                more = bool(taken.events or taken.steps)
            text = f"{found.events:,} lines and {found.steps:,} steps from more than {days:,} days ago"
            with self._store.writing() as connection:
                self._tell(connection, Line("pruned", "history", text))
        return found

    @contextmanager
    def whole(self) -> Iterator[Whole]:
        """All of it as plain data, as of one moment, read as it is gone through: `become` makes the same of it."""
        with self._store.reading() as connection:
            yield whole.told(connection)

    def become(self, data: Whole) -> None:
        """Turn from an empty ledger into the one that `whole` told. Raises LedgerError for another, and wrong data."""
        with self._store.writing() as connection:
            whole.load(connection, self._store.naming, data)
        self._id = ""

"""What devices really hold, as they showed it, and what of that the ledger takes over."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from allocator.domain.qos import Qos
from allocator.ledger import facts, mending, observations, volumes
from allocator.ledger.base import Base
from allocator.ledger.history import Line
from allocator.ledger.records import Document, Observation, Origin, StoredVolume


class Comparing(Base):
    """For whoever holds the ledger against devices."""

    def foreign(self, pool: str, documents: Iterable[Document]) -> None:
        """Replace the volumes found on a pool that the engine did not make (R07)."""
        with self._store.writing() as connection:
            observations.replace_foreign(connection, pool, documents)

    def foreign_documents(self) -> list[Document]:
        """The documents of all foreign volumes."""
        with self._store.reading() as connection:
            return observations.foreign_documents(connection)

    def observed(self, pool: str, used_bytes: int | None, default_qos: Qos) -> None:
        """Record what a pool's device showed; None where it cannot tell how many bytes are used."""
        with self._store.writing() as connection:
            seen = Observation(used_bytes, default_qos, self._now())
            observations.replace_observation(connection, pool, seen)

    def observations(self) -> dict[str, Observation]:
        """What each pool's device showed last."""
        with self._store.reading() as connection:
            return observations.observations(connection)

    def origins(self, ids: Collection[str]) -> dict[str, Origin]:
        """Which of these volume ids this ledger gave, and for what; what is not in the answer is somebody else's."""
        with self._store.reading() as connection:
            return mending.origins(connection, facts.ledger_id(connection), ids)

    def volumes_bound(self) -> tuple[list[StoredVolume], set[str]]:
        """Every volume, and those of the plans they are bound to that nobody can go on with, as of one moment."""
        with self._store.reading() as connection:
            found = volumes.stored_volumes(connection)
            return found, mending.plans_over(connection, {one.plan for one in found if one.plan is not None})

    def condemn(self, name: str, volume_id: str, pool: str, document: Document) -> None:
        """Hold what is to be deleted: an orphan, or what a plan that is over left half-made. Raises AlreadyHeld."""
        with self._store.writing() as connection:
            mending.condemn(connection, name, volume_id, pool, document)
            self._tell(connection, Line("condemned", name, f"{volume_id} on {pool} belongs to nobody"))

    def let_go(self, name: str) -> None:
        """Free a volume from a plan that is over; one that may still go on keeps it."""
        with self._store.writing() as connection:
            if mending.let_go(connection, name):
                self._tell(connection, Line("let go", name, "its plan is over"))

    def mark_gone(self, ids: Mapping[str, str], *, back: bool = False) -> None:
        """Mark volumes, by name and id, as no longer on their pools, or as back there."""
        with self._store.writing() as connection:
            marked = mending.mark_gone(connection, ids, None if back else self._now())
            word, text = ("back", "found on its pool") if back else ("gone", "not found on its pool")
            self._tell(connection, *(Line(word, name, text) for name in marked))

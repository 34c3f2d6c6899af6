"""What the ledger says of volumes, read before and after the devices are asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from allocator.execution.look import Seen
from allocator.ledger import Ledger, Origin, StoredVolume
from allocator.ledger.records import Document
from allocator.reconcile.findings import Skipped


@dataclass(frozen=True, slots=True)
class Records:
    """The volumes that nobody worked on while the devices were asked, and what else there is to know.

    Volumes come and go meanwhile: what was not recorded alike before and after is not compared.
    """

    steady: tuple[StoredVolume, ...]
    known: frozenset[str]
    """The ids of all volumes that were recorded before or after, by whatever pools and hosts call them."""
    over: frozenset[str]
    """Plans that volumes are bound to and nobody can go on with."""
    skipped: tuple[Skipped, ...]
    foreign: Mapping[str, tuple[Document, ...]]
    """The documents of the volumes of others that are counted, by pool."""
    origins: Mapping[str, Origin]
    """For what this ledger gave those of the ids on devices that it does not hold."""

    def strays(self) -> Iterator[tuple[str, Origin]]:
        """Those of them that no plan can make any more."""
        return ((identity, origin) for identity, origin in sorted(self.origins.items()) if origin.over)


def records(ledger: Ledger, before: Iterable[StoredVolume], seen: Seen) -> Records:
    """What is recorded now, beside what was recorded before the devices were asked."""
    earlier = {volume.volume_id: volume for volume in before}
    now, over = ledger.volumes_bound()
    known = frozenset[str]().union(*(volume.ids for volume in (*earlier.values(), *now)))
    busy = {volume.name: volume.plan for volume in now if volume.plan is not None and volume.plan not in over}
    foreign: dict[str, tuple[Document, ...]] = {}
    for document in ledger.foreign_documents():
        pool = str(document["pool"])
        foreign[pool] = (*foreign.get(pool, ()), document)
    return Records(
        steady=tuple(volume for volume in now if volume.name not in busy and earlier.get(volume.volume_id) == volume),
        known=known,
        over=frozenset(over),
        skipped=tuple(Skipped(name, plan) for name, plan in busy.items()),
        foreign=foreign,
        origins=ledger.origins({*seen.ours, *seen.attached} - known),
    )

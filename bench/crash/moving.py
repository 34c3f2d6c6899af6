"""A pool that is drained while others place, detach and delete: which moves, and whether the bytes came along."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from random import Random

from allocator import Allocator
from allocator.domain.move import Move
from allocator.domain.placement import Volume
from allocator.ledger import StoredVolume
from allocator.planning.waves import AtOnce, waves
from bench.crash.site import Site


@dataclass(frozen=True, slots=True)
class Moving:
    """Moves in their order, and what was on each volume that is to stay somewhere."""

    waves: Sequence[Sequence[Move]] = ()
    sums: Mapping[str, str] = field(default_factory=dict)

    def wrong(self, site: Site, stored: Mapping[str, StoredVolume], *, all_done: bool) -> list[str]:
        """What is not where it should be, or not what it was; where something failed it may have stayed."""
        sums = _sums(site, [stored[name] for name in self.sums if name in stored])
        found = [f"{name} has other bytes" for name, found in sums.items() if found != self.sums[name]]
        found += [f"{volume.name} is on two pools" for volume in stored.values() if volume.copy is not None]
        goals = {move.volume: move.target for wave in self.waves for move in wave} if all_done else {}
        return found + [f"{name} is not on {pool}" for name, pool in goals.items() if stored[name].pool != pool]


def drained(allocator: Allocator, site: Site, random: Random) -> Moving:
    """Everything leaves the pool that has most volumes, a few at a time; all volumes get bytes of their own first."""
    assert allocator.ledger is not None, "opened with one"
    inventory, stored = allocator.inventory, allocator.ledger.volumes()
    fullest = max(sorted(Counter(volume.pool for volume in stored).items()), key=lambda each: each[1])[0]
    others = [pool for name, pool in inventory.pools.items() if name != fullest]
    moves = [
        Move(now, Volume.on(random.choice(others), now.request, now.asked, now.hosts))
        for now in (inventory.volumes[volume.name] for volume in stored if volume.pool == fullest)
    ]
    ordered = waves(moves, inventory, allocator.rules, at_once=AtOnce(moves=2, per_source=2, per_target=2))
    assert not ordered.blocked, "the other pools have room"
    for volume in stored:
        with site.file(volume).open("r+b") as file:
            file.write(random.randbytes(site.file(volume).stat().st_size))
    return Moving([wave.moves for wave in ordered.waves], _sums(site, stored))


def _sums(site: Site, volumes: Iterable[StoredVolume]) -> dict[str, str]:
    return {volume.name: sha256(site.file(volume).read_bytes()).hexdigest() for volume in volumes}

"""Where a volume would go if it were placed now: whether what was decided once would be decided again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from allocator import Allocator
from allocator.cli.session import Given
from allocator.domain.outcome import Count, Placed
from allocator.domain.placement import Volume
from allocator.explain import histogram_json, histogram_lines, placed_json
from allocator.refusal import Refusing


@dataclass(frozen=True, slots=True)
class Again:
    """What would become of it on the facts as of now, of which it is no part, with what closes how many places."""

    volume: Volume
    placed: Placed | None
    histogram: tuple[Count, ...]
    pools: int

    def lines(self) -> Iterator[str]:
        """For people."""
        if self.placed is None:
            where = "nowhere"
        elif self.placed.pool == self.volume.pool and self.placed.host in (None, *self.volume.hosts):
            where = "where it is"
        else:
            where = " ".join([f"to {self.placed.pool}", *([f"for {self.placed.host}"] if self.placed.host else [])])
        yield f"Placed now, it would go {where}."
        yield from histogram_lines(self.histogram, self.pools)

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        placed = None if self.placed is None else placed_json(self.placed)
        return {"placed": placed, "histogram": histogram_json(self.histogram)}


def again(given: Given, name: str) -> Again | None:
    """None without documents, and for a volume that is gone."""
    if not given.files:
        return None
    allocator = given.unbound()
    volume = allocator.inventory.find(name)
    if volume is None or volume.foreign:
        return None
    rest = allocator.inventory.copy(without=[name])
    without = Allocator(replace(allocator.world, inventory=rest), allocator.policy)
    outcome = without.place([volume.request], explain=False)
    histogram = Refusing(rest, without.rules, without.tiers).histogram(volume.request, [volume.request])
    return Again(volume, outcome.placed[0] if outcome.placed else None, tuple(histogram), len(rest.pools))

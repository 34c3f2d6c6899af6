"""The shape of rules about one volume and one place: it fits or it does not, whatever else lies there.

Such a rule states its meaning once, for one place, in plain Python; masks, check and reasons are the same for all.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from allocator.arrays.kinds import Kinds
from allocator.domain.inventory import Inventory
from allocator.domain.outcome import Reason
from allocator.domain.placement import Touched, Volume
from allocator.domain.places import Host, Pool
from allocator.fleet import Ask, BoolArray, Fleet, IntArray, Sees
from allocator.rule import Rows, Rule, Violation, checked, singular, subject_volume


class FitRule(Rule):
    """One volume fits one place or it does not, whatever else lies there: a volume that does not counts 1."""

    static = True

    @staticmethod
    def sees_pool(pool: Pool) -> Hashable:
        """What the rule reads of a pool: pools that look alike are asked once."""
        return pool.name

    @staticmethod
    def sees_host(host: Host) -> Hashable:
        """What the rule reads of a host."""
        return host.name

    def view(self, ask: Ask, over: str) -> Sees:
        """What the rule reads for this ask: less than `sees_pool` and `sees_host` where the ask leaves things out."""
        return self.sees_pool if over == "pool" else self.sees_host

    def concerns(self, ask: Ask, over: str) -> bool:
        """False where every pool (or host) fits this ask, so that none needs to be asked."""
        return True

    def pool_complaint(self, ask: Ask, pool: Pool) -> str | None:
        """Why the pool does not fit, to be read after a number of pools; None where it fits."""
        return None

    def host_complaint(self, ask: Ask, host: Host) -> str | None:
        """Why the host does not fit; None where it does."""
        return None

    def pool_complaints(self, ask: Ask, pool: Pool) -> Iterator[str]:
        """Everything that is wrong with the pool; a rule that finds one thing at the most need not say more."""
        found = self.pool_complaint(ask, pool)
        yield from [] if found is None else [found]

    def host_complaints(self, ask: Ask, host: Host) -> Iterator[str]:
        """Everything that is wrong with the host."""
        found = self.host_complaint(ask, host)
        yield from [] if found is None else [found]

    def open_pools(self, ask: Ask, fleet: Fleet, only: Rows = None) -> BoolArray | None:
        if not self.concerns(ask, "pool"):
            return None
        return self._mask("pool", ask, self.pool_complaint, fleet, only)

    def open_hosts(self, asks: Sequence[Ask], fleet: Fleet, only: Rows = None) -> BoolArray | None:
        masks = [
            self._mask("host", ask, self.host_complaint, fleet, only) for ask in asks if self.concerns(ask, "host")
        ]
        if len(masks) == 1:
            return masks[0]
        return np.logical_and.reduce(masks) if masks else None

    def _mask(
        self, over: str, ask: Ask, complaint: Callable[[Ask, Any], str | None], fleet: Fleet, only: Rows
    ) -> BoolArray:
        kinds = fleet.kinds(over, self.view(ask, over))
        fits = fleet.remember((self, over, "fits"), ask, partial(self._fits, kinds, ask, complaint))
        return kinds.where(fits, only)

    @staticmethod
    def _fits(kinds: Kinds, ask: Ask, complaint: Callable[[Ask, Any], str | None]) -> BoolArray:
        """Whether each kind of place fits."""
        return np.array([complaint(ask, place) is None for place in kinds.examples], dtype=np.bool_)

    def violations(self, inventory: Inventory, touched: Touched | None = None) -> Iterator[Violation]:
        for volume in checked(inventory, touched):
            if volume.foreign:
                continue
            ask = Ask.of(volume)
            complaint = self.pool_complaint(ask, inventory.pools[volume.pool])
            if complaint is not None:
                yield Violation(self.name, subject_volume(volume.name, f"pool {volume.pool}"), 1, complaint)
            for name in volume.hosts:
                complaint = self.host_complaint(ask, inventory.hosts[name])
                if complaint is not None:
                    yield Violation(self.name, subject_volume(volume.name, f"host {name}"), 1, complaint)

    def clears(self, arrivals: Sequence[Volume], inventory: Inventory) -> bool:
        for volume in arrivals:
            ask = Ask.of(volume)
            if self.pool_complaint(ask, inventory.pools[volume.pool]) is not None:
                return False
            for host in volume.hosts:
                if self.host_complaint(ask, inventory.hosts[host]) is not None:
                    return False
        return True

    def reason(self, violation: Violation, inventory: Inventory) -> Reason:
        _, volume, place = violation.subject
        text = f"{volume}: {place} {singular(str(violation.cause))}"
        return Reason(self.name, volume, {"place": place, "amount": violation.amount}, text)

    def phrase(self, asks: Sequence[Ask], fleet: Fleet, rows: IntArray, over: str) -> str:
        counts: dict[str, int] = {}
        for ask in asks:
            if not len(rows):
                break
            kinds = fleet.kinds(over, self.view(ask, over))
            numbers, sizes = np.unique(kinds.codes[rows], return_counts=True)
            complaint = self.pool_complaint if over == "pool" else self.host_complaint
            fitting = []
            for kind, size in zip(numbers, sizes, strict=True):
                found = complaint(ask, kinds.examples[kind])
                if found is None:
                    fitting.append(kind)
                else:
                    counts[found] = counts.get(found, 0) + int(size)
            rows = rows[np.isin(kinds.codes[rows], fitting)]
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        if len(ranked) == 1:
            return ranked[0][0]
        return ", ".join(f"{complaint} ({number:,})" for complaint, number in ranked[:3])

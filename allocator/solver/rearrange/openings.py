"""Where each volume may go, as far as that rests on documents."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from allocator.domain.placement import Volume
from allocator.fleet import Ask, BoolArray, IntArray
from allocator.limits import UNLIMITED
from allocator.screen import Screen
from allocator.solver.rearrange.words import Forbidden, Total, Unsaid


class Openings:
    """Masks of pools, one for all volumes that may go to the same."""

    def __init__(self, movable: Sequence[Volume], screen: Screen) -> None:
        self._movable, self._screen = movable, screen
        self._rules = [rule for rule in screen.rules if rule.static]
        self._closed: list[tuple[BoolArray, BoolArray]] = []
        """(volumes, pools): these do not move to those."""

    def forbid(self, said: Forbidden) -> None:
        whom = np.array([said.whom(volume) for volume in self._movable], dtype=np.bool_)
        if whom.any():
            where = np.array([said.where(pool) for pool in self._screen.fleet.pools], dtype=np.bool_)
            self._closed.append((whom, where))

    def limit(self, total: Total, limits: IntArray, *, gated: bool) -> None:
        """A limit on newcomers closes a pool to all that count, or to none of them. Unsaid where it does neither."""
        charge, fleet = total.charge, self._screen.fleet
        if charge.over == "host" or (limits >= UNLIMITED).all():
            return
        whom = np.array([charge.counts(volume.request) for volume in self._movable], dtype=np.bool_)
        if charge.over != "pool" or gated or ((limits > 0) & (limits < UNLIMITED)).any():
            raise Unsaid(f"Some newcomers of {charge.name} are welcome, and not all of them.")
        for pool in fleet.kinds("pool", charge.sees).examples:
            if any(charge.of(volume.request, volume.alternative, pool) < 1 for volume in self._movable):
                raise Unsaid(f"Some newcomers of {charge.name} count for nothing.")
        self._closed.append((whom, limits < 1))

    def arrays(self, home: IntArray) -> tuple[IntArray, BoolArray]:
        """The row of each volume, and what is open by row. Home is always open."""
        fleet = self._screen.fleet
        masks: dict[Hashable, BoolArray] = {}
        rows: dict[bytes, int] = {}
        found: list[BoolArray] = []
        screen = np.zeros(len(home), dtype=np.int64)
        alike = not self._rules and len({pool.manifest for pool in fleet.pools}) == 1
        for number, volume in enumerate(self._movable):
            key: Hashable = volume.hosts
            if not alike:
                request = volume.request
                key = request.wishes, request.pins, volume.hosts, volume.alternative, volume.asked
            if key not in masks:
                masks[key] = self._mask(volume)
            mask = masks[key]
            closed = [where for whom, where in self._closed if whom[number]]
            if closed or not mask[home[number]]:
                mask = mask & ~np.logical_or.reduce([np.zeros_like(mask), *closed])
                mask[home[number]] = True
            text = mask.tobytes()
            if text not in rows:
                rows[text] = len(found)
                found.append(mask)
            screen[number] = rows[text]
        return screen, np.stack(found) if found else np.zeros((0, len(fleet.pools)), dtype=np.bool_)

    def _mask(self, volume: Volume) -> BoolArray:
        links, fleet = self._screen.links, self._screen.fleet
        mask = np.ones(len(fleet.pools), dtype=np.bool_)
        mask = self._screen.narrowed(mask, Ask.of(volume), self._rules)
        for host in volume.hosts:
            row = fleet.host_row[host]
            shared = links.table[:, links.host_group[row]].take(links.pool_group)
            mask &= np.where(links.only_host >= 0, links.only_host == row, shared)
        return mask

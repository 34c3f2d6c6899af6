"""The check of sums, all at once: of which rules nothing lies above a limit after a change.

Limits that every request meets are looked at together, place by place. What a volume adds to them rests on what it
wishes for and on what the place is like, and is worked out once for both.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import add, neg
from typing import Final

from allocator.domain.inventory import Inventory
from allocator.domain.placement import Charge, Volume
from allocator.domain.places import Place
from allocator.domain.qos import Alternative
from allocator.domain.request import Request
from allocator.excess import excess
from allocator.limits import Limit, LimitRule
from allocator.rule import Rule
from allocator.slack import ENDLESS

MOST_KNOWN: Final = 10_000
"""Wishes of which is kept what they add at places of one kind; beyond it all are forgotten."""
Spot = tuple[str, str]
"""`pool` or `host`, and its name."""
Stated = tuple[LimitRule, Limit, Charge, bool]
"""A rule's limit, what it sums, and whether more than the sum itself decides."""


def in_order(
    rules: Sequence[Rule], before: Inventory, after: Inventory, came: Sequence[Volume], gone: Sequence[Volume]
) -> set[Rule]:
    """Rules of whose sums a change leaves none above a limit, or none that has grown; others must be asked."""
    requests = [volume.request for volume in (*came, *gone)]
    if not requests:
        return set()
    known = before.figures(tuple(rules))
    if "sums" not in known:
        known["sums"] = _Sums(rules, requests[0], before)
    sums: _Sums = known["sums"]
    fine = sums.met_by(requests, after)
    for spot, moves in _moves(came, gone).items():
        kind, limits = sums.at(spot)
        more = kind.added(moves, sums.place(spot))
        for (rule, limit, charge, gated), grown, most in zip(kind.stated, more, limits, strict=True):
            if grown <= 0 and not gated:
                continue
            if before.total(charge, spot[1]) + grown > most and _is_broken(limit, most, spot[1], after):
                fine.discard(rule)
    return fine


def _is_broken(limit: Limit, most: int, label: str, after: Inventory) -> bool:
    """Where the sum is above the limit: its gate may be shut. Limits for newcomers are left to their rule."""
    return limit.arrivals or excess(limit, most, label, after) > 0


@dataclass(slots=True, eq=False)
class _Kind:
    """Places at which the same limits are stated, and to which equal volumes add the same."""

    stated: tuple[Stated, ...]
    known: dict[tuple[object, Alternative], tuple[int, ...]] = field(default_factory=dict)

    def added(self, moves: Sequence[tuple[Volume, bool]], place: Place) -> Sequence[int]:
        """How much the sums grow by what came (True) and what left."""
        total: Sequence[int] | None = None
        for volume, is_here in moves:
            amounts = self._amounts(volume, place)
            more = amounts if is_here else tuple(map(neg, amounts))
            total = more if total is None else tuple(map(add, total, more))
        return total or ()

    def _amounts(self, volume: Volume, place: Place) -> tuple[int, ...]:
        key = volume.request.wishes, volume.alternative
        found = self.known.get(key)
        if found is None:
            if len(self.known) >= MOST_KNOWN:
                self.known.clear()
            found = tuple(charge.of(volume.request, volume.alternative, place) for _, _, charge, _ in self.stated)
            self.known[key] = found
        return found


class _Sums:
    """The limits that every request meets, over the places of one inventory."""

    def __init__(self, rules: Sequence[Rule], request: Request, inventory: Inventory) -> None:
        self._pools, self._hosts = inventory.pools, inventory.hosts
        self._limits = {
            rule: limits
            for rule in rules
            if isinstance(rule, LimitRule) and rule.reads == "wishes" and type(rule).violations is LimitRule.violations
            if isinstance(limits := rule.limits(request, inventory), tuple)
            and all(limit.charge.over in ("pool", "host") for limit in limits)
        }
        self._stated: dict[str, list[Stated]] = {"pool": [], "host": []}
        for rule, limits in self._limits.items():
            for limit in limits:
                gated = limit.arrivals or limit.gate is not None
                self._stated[limit.charge.over].append((rule, limit, limit.charge, gated))
        self._kinds: dict[object, _Kind] = {}
        self._at: dict[Spot, tuple[_Kind, tuple[int, ...]]] = {}

    def met_by(self, requests: Iterable[Request], inventory: Inventory) -> set[Rule]:
        """The rules whose limits are the same for these requests as for any."""
        found: set[Rule] = set(self._limits)
        for request in requests:
            for rule, limits in self._limits.items():
                if rule.limits(request, inventory) is not limits:
                    found.discard(rule)
        return found

    def place(self, spot: Spot) -> Place:
        over, name = spot
        return self._pools[name] if over == "pool" else self._hosts[name]

    def at(self, spot: Spot) -> tuple[_Kind, tuple[int, ...]]:
        """The kind of a place, and its limits."""
        found = self._at.get(spot)
        if found is None:
            place, stated, limits, seen = self.place(spot), [], [], []
            for one in self._stated[spot[0]]:
                most = one[1].of(place)
                if most < ENDLESS:
                    stated.append(one)
                    limits.append(most)
                    seen.append(one[2].sees(place))
            key = tuple(stated), tuple(seen)
            kind = self._kinds.get(key)
            if kind is None:
                kind = self._kinds[key] = _Kind(key[0])
            found = self._at[spot] = kind, tuple(limits)
        return found


def _moves(came: Iterable[Volume], gone: Iterable[Volume]) -> dict[Spot, list[tuple[Volume, bool]]]:
    """What came to each place (True) and what left it."""
    found: dict[Spot, list[tuple[Volume, bool]]] = defaultdict(list)
    for volumes, is_here in ((came, True), (gone, False)):
        for volume in volumes:
            found["pool", volume.pool].append((volume, is_here))
            for host in volume.hosts:
                found["host", host].append((volume, is_here))
    return found

"""What a move adds to sums that have limits while it lasts, and what it leaves free once it is done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from allocator.domain.inventory import Inventory
from allocator.domain.move import Move
from allocator.domain.placement import Charge
from allocator.domain.places import Place
from allocator.limits import UNLIMITED, Limit, LimitRule
from allocator.rule import Rule

Spot = tuple[Charge, str]
"""A sum: what is summed, and the label of the place."""
Between = tuple[str, Place | None, Place | None]
"""A label, and the place by which a volume counts there before and after a move."""


@dataclass(slots=True, eq=False)
class Need:
    """What a move that begins adds to a sum that has a limit."""

    rule: LimitRule
    limit: Limit
    spots: tuple[Spot, ...]
    """The sum, and behind it the one that says whether the limit holds: less of either may let the move go."""
    most: int
    more: int
    opens: int
    """What it adds to that other sum."""

    @property
    def label(self) -> str:
        return self.spots[0][1]


@dataclass(slots=True, eq=False)
class Way:
    """One move, with what it adds to sums when it begins and takes from them when it is done."""

    move: Move
    needs: tuple[Need, ...]
    adds: tuple[tuple[Spot, int], ...]
    leaves: tuple[tuple[Spot, int], ...]
    frees: tuple[tuple[Spot, int], ...]
    """The sums that are smaller after the move than before, and by how much."""
    minded: tuple[Rule, ...]
    """Rules that say more than their limits, or that others may mend: each state on the way is put to their check."""
    company: frozenset[str]
    """Moves that have one of these in common are not under way together, since those rules mind who is done first."""


class Needs:
    """Finds what moves need, by the rules of which all is said in sums."""

    def __init__(self, inventory: Inventory, rules: Sequence[Rule]) -> None:
        self.inventory = inventory
        self._sums = tuple(rule for rule in rules if says_all_in_sums(rule))
        self._limits: dict[tuple[Limit, str], int] = {}

    def way(self, move: Move, minded: tuple[Rule, ...]) -> Way:
        """What a move needs and leaves; `minded` are the rules that are asked of each state on its way."""
        changes: dict[Spot, tuple[int, int]] = {}
        needs: list[Need] = []
        spots: dict[str, Sequence[Between]] = {}
        for rule in self._sums:
            for limit in rule.limits(move.now.request, self.inventory):
                if limit.unless is not None:
                    continue
                over = limit.charge.over
                if over not in spots:
                    spots[over] = self._between(over, move)
                for between in spots[over]:
                    most = self._most(limit, between[0])
                    if most < UNLIMITED:
                        needs += self._needs(rule, limit, most, between, move, changes)
        return Way(
            move,
            tuple(needs),
            tuple((spot, more) for spot, (more, _) in changes.items() if more),
            tuple((spot, less) for spot, (_, less) in changes.items() if less),
            tuple((spot, -more - less) for spot, (more, less) in changes.items() if more + less < 0),
            minded,
            _company(move) if any(not rule.monotone for rule in minded) else frozenset(),
        )

    def _between(self, over: str, move: Move) -> Sequence[Between]:
        """Each label at which the volume counts before, afterwards or both, with the places it counts by."""
        if over == "host" and move.now.alternative == move.then.alternative:
            return ()
        now, then = (dict(self.inventory.places(form, over)) for form in (move.now, move.then))
        return [(label, now.get(label), then.get(label)) for label in {**now, **then}]

    def _needs(
        self,
        rule: LimitRule,
        limit: Limit,
        most: int,
        between: Between,
        move: Move,
        changes: dict[Spot, tuple[int, int]],
    ) -> Iterator[Need]:
        label, was, _ = between
        more = _changed(limit.charge, between, move, changes)
        opens = 0 if limit.gate is None else _changed(limit.gate, between, move, changes)
        if (more > 0 or opens > 0) and not (limit.arrivals and was is not None):
            spots = tuple((charge, label) for charge in (limit.charge, limit.gate) if charge is not None)
            yield Need(rule, limit, spots, most, more, opens)

    def _most(self, limit: Limit, label: str) -> int:
        found = self._limits.get((limit, label))
        if found is None:
            over = limit.charge.over
            places: Mapping[str, Place] = self.inventory.hosts if over == "host" else self.inventory.pools
            found = limit.of(places[label] if over in ("pool", "host") else None)
            self._limits[limit, label] = found
        return found


def says_all_in_sums(rule: Rule) -> TypeGuard[LimitRule]:
    """Whether its limits say what its check does, where no other sum mends them."""
    return isinstance(rule, LimitRule) and type(rule).violations is LimitRule.violations


def _changed(charge: Charge, between: Between, move: Move, changes: dict[Spot, tuple[int, int]]) -> int:
    """By how much a sum grows when a move begins; noted together with how much it grows when the move is done."""
    label, was, will = between
    spot = charge, label
    known = changes.get(spot)
    if known is None:
        now, then = move.now, move.then
        before = 0 if was is None else charge.of(now.request, now.alternative, was)
        after = 0 if will is None else charge.of(then.request, then.alternative, will)
        during = max(before, after) if was is not None and will is not None else before + after
        known = changes[spot] = during - before, after - during
    return known[0]


def _company(move: Move) -> frozenset[str]:
    names = frozenset(name for kind, name in move.now.request.marks if kind != "tenant")
    return names or frozenset({""})

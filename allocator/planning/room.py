"""The room that moves need to begin and leave when they are done, limit by limit, as sums that follow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from allocator.domain.inventory import Inventory
from allocator.domain.move import Move
from allocator.domain.outcome import Reason
from allocator.domain.placement import Charge, Touched, Volume
from allocator.domain.places import Place
from allocator.limits import UNLIMITED, Limit, LimitRule
from allocator.planning.replay import begun
from allocator.rule import Rule, Violation

Spot = tuple[Charge, str]
"""A sum: what is summed, and the label of the place."""
Between = tuple[str, Place | None, Place | None]
"""A label, and the place by which a volume counts there before and after a move."""
Check = Callable[[Inventory, Touched], Iterable[Violation]]


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


class Room:
    """The sums of one inventory, as moves begin and are done. The inventory is left as it is."""

    def __init__(self, inventory: Inventory, rules: Sequence[Rule]) -> None:
        self.inventory, self.rules = inventory, rules
        self._sums = tuple(rule for rule in rules if _has_sums(rule))
        self._fixed = tuple(rule for rule in rules if rule.static and not isinstance(rule, LimitRule))
        self._checks = {
            rule: check for rule in rules if rule not in self._fixed and (check := _check(rule)) is not None
        }
        self._totals: dict[Spot, int] = {}
        self._limits: dict[tuple[Limit, str], int] = {}
        self._state: Inventory | None = None
        self._events: list[Volume] = []
        self._fitting: set[object] = set()
        """Of volumes by what rules see of them: that nothing is wrong with them on a pool."""

    @property
    def state(self) -> Inventory:
        """The volumes as they lie now."""
        if self._state is None:
            self._state = self.inventory.copy()
        self._state.settle(self._events)
        self._events = []
        return self._state

    def total(self, spot: Spot) -> int:
        found = self._totals.get(spot)
        if found is None:
            found = self._totals[spot] = self.inventory.total(*spot)
        return found

    def way(self, move: Move) -> Way:
        """What a move needs and leaves."""
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
        minded = tuple(rule for rule in self._checks if rule.concerned(move.now.request, self.inventory))
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

    def never(self, move: Move) -> str | None:
        """Why no room would let the move begin: a rule that looks at one volume and its place."""
        then = move.then
        key = then.request.shape, then.request.vm, then.hosts, then.pool, then.asked
        if key in self._fitting:
            return None
        touched = Touched.by([move.now, then])
        after = self.inventory.plus([then])
        found = [violation for rule in self._fixed for violation in rule.violations(after, touched)]
        if not found:
            self._fitting.add(key)
            return None
        known = {
            (one.rule, one.subject): one.amount
            for rule in self._fixed
            for one in rule.violations(self.inventory, touched)
        }
        by_name = {rule.name: rule for rule in self._fixed}
        worse = [one for one in found if one.amount > known.get((one.rule, one.subject), 0)]
        return by_name[worse[0].rule].reason(worse[0], after).text if worse else None

    def lacks(self, way: Way) -> Need | None:
        """The first limit that has no room for the move to begin."""
        return next((need for need in way.needs if self.short(need)), None)

    def short(self, need: Need) -> int:
        """By how much a limit would be broken, or broken more, if what needs this began now."""
        limit = need.limit
        if limit.arrivals:
            return max(0, need.more - need.most)
        total = self.total(need.spots[0])
        if len(need.spots) == 1:
            over = total + need.more - need.most
            return 0 if over <= 0 else min(over, need.more)
        grown = max(0, total + need.more - need.most)
        before = max(0, total - need.most)
        gate = self.total(need.spots[1])
        before = before if gate >= 1 else 0
        grown = grown if gate + need.opens >= 1 else 0
        return max(0, grown - before)

    def minds(self, way: Way) -> Reason | None:
        """What a rule with a check of its own finds wrong with the state while the move lasts, or once it is done."""
        if not way.minded:
            return None
        during, then = begun(way.move), way.move.then
        state, touched = self.state, Touched.by([during])
        views = [state.plus([volume]) for volume in (during, then)]
        for rule in way.minded:
            check = self._checks[rule]
            # What only gets better as volumes leave is right afterwards if it is right in between.
            for after in views[:1] if rule.monotone else views:
                broken = list(check(after, touched))
                known = {one.subject: one.amount for one in check(state, touched)} if broken else {}
                for violation in broken:
                    if violation.amount > known.get(violation.subject, 0):
                        return rule.reason(violation, after)
        return None

    def begin(self, way: Way) -> None:
        """The move holds room by both pools from now on."""
        self._add(way.adds)
        self._events.append(begun(way.move))

    def end(self, way: Way) -> None:
        """The move is done."""
        self._add(way.leaves)
        self._events.append(way.move.then)

    def _add(self, changes: Iterable[tuple[Spot, int]]) -> None:
        for spot, more in changes:
            self._totals[spot] = self.total(spot) + more


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


def _has_sums(rule: Rule) -> TypeGuard[LimitRule]:
    """Whether its limits say what its check does, where no other sum mends them."""
    return isinstance(rule, LimitRule) and type(rule).violations is LimitRule.violations


def _check(rule: Rule) -> Check | None:
    """The check of what a rule says beside sums that newcomers only add to; None: they are all of it."""
    if not _has_sums(rule) or not rule.monotone:
        return rule.violations
    return rule.further if type(rule).further is not LimitRule.further else None


def _company(move: Move) -> frozenset[str]:
    names = frozenset(name for kind, name in move.now.request.marks if kind != "tenant")
    return names or frozenset({""})

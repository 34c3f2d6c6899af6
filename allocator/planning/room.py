"""The room that moves need to begin and leave when they are done, limit by limit, as sums that follow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from allocator.domain.inventory import Inventory
from allocator.domain.move import Move
from allocator.domain.outcome import Reason
from allocator.domain.placement import Touched, Volume
from allocator.limits import LimitRule
from allocator.planning.needs import Need, Needs, Spot, Way, says_all_in_sums
from allocator.planning.replay import begun
from allocator.rule import Rule, Violation

Check = Callable[[Inventory, Touched], Iterable[Violation]]


class Room:
    """The sums of one inventory, as moves begin and are done. The inventory is left as it is."""

    def __init__(self, inventory: Inventory, rules: Sequence[Rule]) -> None:
        self.inventory, self.rules = inventory, rules
        self._fixed = tuple(rule for rule in rules if rule.static and not isinstance(rule, LimitRule))
        self._checks = {
            rule: check for rule in rules if rule not in self._fixed and (check := _check(rule)) is not None
        }
        self._needs = Needs(inventory, rules)
        self._totals: dict[Spot, int] = {}
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
        return self._needs.way(move, tuple(r for r in self._checks if r.concerned(move.now.request, self.inventory)))

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


def _check(rule: Rule) -> Check | None:
    """The check of what a rule says beside sums that newcomers only add to; None: they are all of it."""
    if not says_all_in_sums(rule) or not rule.monotone:
        return rule.violations
    return rule.further if type(rule).further is not LimitRule.further else None

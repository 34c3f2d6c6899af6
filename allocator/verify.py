"""Did an answer break anything, or make a broken thing worse? In plain loops, without arrays or solver."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from allocator.domain.inventory import Inventory
from allocator.domain.placement import Touched, Volume
from allocator.limits import LimitRule
from allocator.rule import Rule, Violation
from allocator.sums import in_order


def worsened(
    before: Inventory, rules: Sequence[Rule], arrivals: Iterable[Volume] = (), departures: Iterable[str] = ()
) -> list[Violation]:
    """The violations that a change makes or worsens: none, or the change must not happen.

    Only what the change touches is looked at, so that the check costs what the answer costs and not what the fleet
    costs. An arrival with the name of a volume that is here is a move.
    """
    arrivals, departures = tuple(arrivals), tuple(departures)
    named = (before.find(name) for name in (*departures, *(volume.name for volume in arrivals)))
    gone = [volume for volume in named if volume is not None]
    touched = Touched.by([*arrivals, *gone])
    after = before.plus(arrivals, departures)
    fine = in_order(rules, before, after, arrivals, gone)
    found = []
    for rule in rules:
        violations = rule.further if isinstance(rule, LimitRule) and rule in fine else rule.violations
        broken = list(violations(after, touched))
        if not broken:
            continue
        known = {violation.subject: violation.amount for violation in violations(before, touched)}
        found += [violation for violation in broken if violation.amount > known.get(violation.subject, 0)]
    return found


def broken(inventory: Inventory, rules: Sequence[Rule]) -> list[Violation]:
    """Every violation there is: an audit."""
    return [violation for rule in rules for violation in rule.violations(inventory)]

"""Did an answer break anything, or make a broken thing worse? In plain loops, without arrays or solver."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from allocator.domain.inventory import Inventory
from allocator.domain.placement import Touched, Volume
from allocator.rule import Rule, Violation


def worsened(
    before: Inventory, rules: Sequence[Rule], arrivals: Iterable[Volume] = (), departures: Iterable[str] = ()
) -> list[Violation]:
    """The violations that a change makes or worsens: none, or the change must not happen.

    Only what the change touches is looked at, so that the check costs what the answer costs and not what the fleet
    costs. An arrival with the name of a volume that is here is a move.
    """
    arrivals, departures = tuple(arrivals), tuple(departures)
    gone = [before.find(name) for name in (*departures, *(volume.name for volume in arrivals))]
    touched = Touched.by([*arrivals, *(volume for volume in gone if volume is not None)])
    after = before.plus(arrivals, departures)
    found = []
    for rule in rules:
        broken = list(rule.violations(after, touched))
        if not broken:
            continue
        known = {violation.subject: violation.amount for violation in rule.violations(before, touched)}
        found += [violation for violation in broken if violation.amount > known.get(violation.subject, 0)]
    return found


def broken(inventory: Inventory, rules: Sequence[Rule]) -> list[Violation]:
    """Every violation there is: an audit."""
    return [violation for rule in rules for violation in rule.violations(inventory)]

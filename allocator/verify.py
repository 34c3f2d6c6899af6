"""Did an answer break anything, or make a broken thing worse? In plain loops, without arrays or solver."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from allocator.domain.inventory import Inventory
from allocator.domain.placement import Touched, Volume
from allocator.rule import Rule, Violation
from allocator.sums import left_to_ask


def worsened(
    before: Inventory, rules: Sequence[Rule], arrivals: Iterable[Volume] = (), departures: Iterable[str] = ()
) -> list[Violation]:
    """The violations that a change makes or worsens: none, or the change must not happen.

    Only what the change touches is looked at, so that the check costs what the answer costs and not what the fleet
    costs. An arrival with the name of a volume that is here is a move.
    """
    arrivals, departures = tuple(arrivals), tuple(departures)
    named = [*departures, *[volume.name for volume in arrivals]]
    gone = [volume for name in named if (volume := before.find(name)) is not None]
    questions = left_to_ask(rules, before, arrivals, gone)
    if not questions:
        return []
    touched = Touched.by([*arrivals, *gone])
    after = before.plus(arrivals, departures)
    found = []
    for violations in questions:
        broken = list(violations(after, touched))
        if broken:
            known = {violation.subject: violation.amount for violation in violations(before, touched)}
            found += [violation for violation in broken if violation.amount > known.get(violation.subject, 0)]
    return found


def broken(inventory: Inventory, rules: Sequence[Rule]) -> list[Violation]:
    """Every violation there is: an audit."""
    return [violation for rule in rules for violation in rule.violations(inventory)]

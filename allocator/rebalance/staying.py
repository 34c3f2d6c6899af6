"""What stays broken after all moves, and why: what may not move, what fits nowhere, or what was cut short."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from allocator.domain.inventory import Inventory
from allocator.domain.placement import Volume
from allocator.domain.request import Request
from allocator.explain import histogram_lines
from allocator.goal import Tiers
from allocator.rebalance.outcome import Staying
from allocator.refusal import Refusing
from allocator.rule import Rule, Violation

TOLD = 20
"""Breaches of which it is told what closes each pool: each costs a look at every pool."""


def staying(
    violations: Iterable[Violation],
    after: Inventory,
    rules: Sequence[Rule],
    tiers: Tiers,
    may_move: Callable[[Volume], bool],
    spent: bool,
) -> Iterator[Staying]:
    """`spent`: the budget has no room for another move."""
    by_name = {rule.name: rule for rule in rules}
    refusing = Refusing(after, rules, tiers)
    for number, violation in enumerate(violations):
        reason = by_name[violation.rule].reason(violation, after)
        why = _why(violation, after, may_move, spent, refusing if number < TOLD else None)
        yield Staying(violation.rule, " ".join(violation.subject), violation.amount, reason.text, why)


def _why(
    violation: Violation,
    after: Inventory,
    may_move: Callable[[Volume], bool],
    spent: bool,
    refusing: Refusing | None,
) -> str:
    there = _there(violation, after)
    if not there:
        return "no move of a volume changes it"
    loose = [volume for volume in there if may_move(volume)]
    if not loose:
        return f"none of its {len(there)} volumes may move: pinned, made by others, or on a pool that is down"
    if spent:
        return "the budget is spent"
    if refusing is None:
        return "its volumes fit nowhere else, as things are"
    smallest = min(loose, key=lambda volume: (volume.request.size_bytes, volume.name))
    request = _as_well_kept(smallest)
    histogram = refusing.histogram(request, [request])
    counts = [count for count in histogram if count.pools]
    told = histogram_lines(counts, len(after.pools))[0].strip()
    return (
        told if violation.subject[0] == "volume" else f"of {smallest.name}, its smallest volume that may move, {told}"
    )


def _as_well_kept(volume: Volume) -> Request:
    """What is asked for it without the choices that are worse than its own: no move takes those."""
    choices = tuple(wish for wish in volume.request.alternatives if wish.index <= volume.asked.index)
    return replace(volume.request, alternatives=choices)


def _there(violation: Violation, after: Inventory) -> Sequence[Volume]:
    """The volumes that a breach is about."""
    if violation.subject[0] == "volume":
        volume = after.find(violation.subject[1])
        return [] if volume is None else [volume]
    if len(violation.subject) > 2 and violation.subject[1] == "pool":
        return list(after.volumes_at("pool", violation.subject[2]))
    return []

"""What is broken, and what of it moves could mend: asked of the rules, none of which is known here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from allocator.domain.charging import kept
from allocator.domain.inventory import Inventory
from allocator.domain.placement import Touched, Volume
from allocator.rule import Rule, Violation
from allocator.solver.regroup.mend import Mending
from allocator.verify import broken

MILLION = 1_000_000
Subject = tuple[str, tuple[str, ...]]
"""A rule, and what of it is broken."""


@dataclass(frozen=True, slots=True, eq=False)
class Broken:
    """Everything that is broken at one moment, and on which pools it is to be mended (None: wherever it is)."""

    violations: tuple[Violation, ...]
    pools: frozenset[str] | None = None
    amounts: dict[Subject, int] = field(default_factory=dict)

    @classmethod
    def now(cls, inventory: Inventory, rules: Sequence[Rule], pools: frozenset[str] | None = None) -> Broken:
        found = tuple(broken(inventory, rules))
        return cls(found, pools, {(v.rule, v.subject): v.amount for v in found})

    def wanted(self, inventory: Inventory) -> list[Violation]:
        """What is to be mended."""
        return [violation for violation in self.violations if self.is_wanted(violation, inventory)]

    def cost(self, after: Iterable[Violation]) -> int:
        """What is still broken of what was: each in millionths of what it was, rounded up."""
        return sum(-(-MILLION * v.amount // self.amounts[v.rule, v.subject]) for v in after)

    def is_wanted(self, violation: Violation, inventory: Inventory) -> bool:
        """Whether a breach is to be mended; `inventory` is how all was."""
        if self.pools is None:
            return True
        if violation.subject[0] == "volume":
            volume = inventory.find(violation.subject[1])
            return volume is not None and volume.pool in self.pools
        return violation.subject[1] == "pool" and violation.subject[2] in self.pools


def mending(found: Broken, movable: Sequence[Volume], inventory: Inventory, rules: Sequence[Rule]) -> Mending | None:
    """What moves of these volumes could mend; None where they can mend nothing."""
    wanted = found.wanted(inventory)
    names = {volume.name for volume in movable}
    misplaced: dict[str, int] = {}
    unfit: dict[str, int] = {}
    hurt: set[str] | None = set()
    sums = False
    for violation in wanted:
        if violation.subject[0] == "volume":
            name = violation.subject[1]
            if name not in names:
                continue
            if _ends_with_a_move(violation, inventory, rules):
                misplaced[name] = misplaced.get(name, 0) + violation.amount
            elif _might_change(inventory.volumes[name], inventory):
                unfit[name] = unfit.get(name, 0) + violation.amount
            else:
                continue
            hurt = hurt if hurt is None else hurt | {inventory.volumes[name].pool}
            continue
        over = violation.subject[1] if len(violation.subject) > 2 else ""
        if over == "pool":
            hurt = hurt if hurt is None else hurt | {violation.subject[2]}
            sums = sums or any(volume.name in names for volume in inventory.volumes_at("pool", violation.subject[2]))
        elif over == "host":
            there = [volume for volume in inventory.volumes_at("host", violation.subject[2]) if volume.name in names]
            if any(_might_change(volume, inventory) for volume in there):
                hurt, sums = None, True
        elif over:
            hurt, sums = None, True
    if not misplaced and not unfit and not sums:
        return None
    return Mending(misplaced, unfit, found.pools, None if hurt is None else frozenset(hurt))


def _ends_with_a_move(violation: Violation, inventory: Inventory, rules: Sequence[Rule]) -> bool:
    """Whether a volume is wrong because of its pool, and not of its host: tried on another, since the rule knows."""
    volume = inventory.volumes[violation.subject[1]]
    other = next((pool for pool in inventory.pools.values() if pool.name != volume.pool), None)
    if other is None:
        return False
    there = Volume.on(other, volume.request, volume.asked, volume.hosts)
    rule = next(rule for rule in rules if rule.name == violation.rule)
    found = rule.violations(inventory.plus([there]), Touched.by([volume, there]))
    return all(one.subject != violation.subject for one in found)


def _might_change(volume: Volume, inventory: Inventory) -> bool:
    """Whether some pool would keep it otherwise, so that its host carried another load."""
    choices = [wish for wish in volume.request.alternatives if wish.index <= volume.asked.index]
    return any(kept(wish, pool) != volume.alternative for wish in choices for pool in inventory.pools.values())


def still(found: Broken, after: Inventory, rules: Sequence[Rule], touched: Touched | None = None) -> list[Violation]:
    """What is still broken afterwards of what was."""
    return [
        violation
        for rule in rules
        for violation in rule.violations(after, touched)
        if (violation.rule, violation.subject) in found.amounts
    ]

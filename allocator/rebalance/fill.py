"""How full pools are, and how much the fullest of them leaves usable: before and after."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction

from allocator.domain.inventory import Inventory
from allocator.limits import UNLIMITED, Limit, LimitRule
from allocator.rebalance.outcome import Filled, Usable
from allocator.rule import Rule


def filled(before: Inventory, after: Inventory, rules: Sequence[Rule], pools: Iterable[str]) -> Iterator[Filled]:
    """What these pools have sold of each thing they sell."""
    for name in pools:
        for rule, limit in _sold(rules):
            most = limit.of(before.pools[name])
            sold = before.total(limit.charge, name), after.total(limit.charge, name)
            if most < UNLIMITED and (most or any(sold)):
                yield Filled(name, rule, *sold, most)


def usable(before: Inventory, after: Inventory, rules: Sequence[Rule]) -> Iterator[Usable]:
    """Over the pools that take volumes: the sum of their limits x what the fullest has free of its own, rounded down.

    Load that grows alike everywhere ends where the first pool is full, however empty the others are.
    """
    for rule, limit in _sold(rules):
        limits = {name: limit.of(pool) for name, pool in before.pools.items() if pool.state == "up"}
        limits = {name: most for name, most in limits.items() if 0 < most < UNLIMITED}
        if not limits or not any(before.total(limit.charge, name) for name in limits):
            continue
        then, now = (_fullest(inventory, limit, limits) for inventory in (before, after))
        total = sum(limits.values())
        room = [int(total * max(Fraction(0), 1 - share)) for share, _ in (then, now)]
        yield Usable(rule, room[0], room[1], then[1], now[1])


def _fullest(inventory: Inventory, limit: Limit, limits: dict[str, int]) -> tuple[Fraction, str]:
    return max((Fraction(inventory.total(limit.charge, name), most), name) for name, most in limits.items())


def _sold(rules: Sequence[Rule]) -> Iterator[tuple[str, Limit]]:
    for rule in rules:
        if isinstance(rule, LimitRule) and rule.sold is not None and rule.sold.charge.over == "pool":
            yield rule.name, rule.sold

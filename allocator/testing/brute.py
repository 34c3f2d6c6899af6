"""Every answer there is, tried one by one and judged by full audits: what the laws compare everything else with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from allocator.domain.inventory import Inventory
from allocator.domain.placement import Volume
from allocator.domain.request import Request
from allocator.goal import Answer, Cost, Tiers, tier_costs
from allocator.rule import Rule
from allocator.solver.classes import Unit

Option = tuple[Volume, ...]
"""A place for each volume of a unit."""
Pick = tuple[Option | None, ...]
"""An option for each unit of a batch; None: refused."""
Audit = dict[tuple[str, tuple[str, ...]], int]
"""(rule, subject) -> amount of everything that is broken."""


def options(unit: Unit, inventory: Inventory) -> list[Option]:
    """Every way to place a unit, with no rule asked: one host, and for each volume an alternative and a pool.

    A unit with a home stays on its hosts; a volume that stays where it is, as it is, is the very same volume.
    """
    hosts: list[tuple[str, ...]] = [()]
    if unit.home:
        hosts = [unit.home[0].hosts]
    elif unit.attaches:
        hosts = [(name,) for name in inventory.hosts]
    ways = [[_ways(unit, index, inventory, host) for index in range(len(unit.requests))] for host in hosts]
    return [option for way in ways for option in product(*way)]


def audit(inventory: Inventory, rules: Sequence[Rule]) -> Audit:
    """Everything that is broken in an inventory."""
    return {(v.rule, v.subject): v.amount for rule in rules for v in rule.violations(inventory)}


class Judge:
    """Tells whether answers make anything worse than it was: every rule, every place, nothing left out."""

    def __init__(self, inventory: Inventory, rules: Sequence[Rule]) -> None:
        self.inventory, self.rules = inventory, rules
        self._before = [audit(inventory, (rule,)) for rule in rules]

    def allows(self, volumes: Sequence[Volume], departures: Sequence[str] = ()) -> bool:
        after = self.inventory.plus(arriving(volumes, self.inventory), departures)
        for rule, before in zip(self.rules, self._before, strict=True):
            for violation in rule.violations(after):
                if violation.amount > before.get((violation.rule, violation.subject), 0):
                    return False
        return True


def arriving(volumes: Sequence[Volume], inventory: Inventory) -> list[Volume]:
    """The volumes that are not where they were."""
    return [volume for volume in volumes if inventory.find(volume.name) is not volume]


def picks(units: Sequence[Unit], inventory: Inventory) -> Iterator[Pick]:
    """Every joint answer with no rule asked; what has a home is never refused."""
    yield from product(*([*([] if unit.home else [None]), *options(unit, inventory)] for unit in units))


def answers(units: Sequence[Unit], inventory: Inventory, rules: Sequence[Rule]) -> list[Pick]:
    """Every joint answer that makes nothing worse."""
    judge = Judge(inventory, rules)
    return [pick for pick in picks(units, inventory) if judge.allows(flat(pick))]


def flat(pick: Pick) -> list[Volume]:
    """All volumes of an answer."""
    return [volume for option in pick if option is not None for volume in option]


def refused(units: Sequence[Unit], pick: Pick) -> list[Request]:
    """The requests that an answer leaves out."""
    return [request for unit, option in zip(units, pick, strict=True) if option is None for request in unit.requests]


def cost(units: Sequence[Unit], pick: Pick, inventory: Inventory, tiers: Tiers) -> Cost:
    """What an answer costs, tier by tier."""
    after = inventory.plus(arriving(flat(pick), inventory))
    return tier_costs(tiers, Answer(inventory, after, refused(units, pick)))


def _ways(unit: Unit, index: int, inventory: Inventory, hosts: tuple[str, ...]) -> list[Volume]:
    request = unit.requests[index]
    ways = [
        Volume.on(pool, request, alternative, hosts)
        for alternative in request.alternatives
        for pool in inventory.pools.values()
    ]
    if not unit.home:
        return ways
    home = unit.home[index]
    return [home, *(way for way in ways if (way.pool, way.alternative) != (home.pool, home.alternative))]

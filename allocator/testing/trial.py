"""One world under some rules and goals: what a law looks at, worked out once for all laws."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from functools import cached_property
from math import prod
from typing import Final

from allocator.domain.charging import kept
from allocator.domain.inventory import Inventory
from allocator.domain.placement import Volume
from allocator.domain.places import Pool
from allocator.domain.policy import Policy
from allocator.fitting import FitRule
from allocator.fleet import Ask, Fleet
from allocator.goal import Goal, Tiers
from allocator.goals import GOALS, tiers_of
from allocator.rule import Rule
from allocator.rules import RULES
from allocator.screen import Screen
from allocator.solver.classes import Unit, host_classes, unit_classes, units_of
from allocator.solver.model import Model
from allocator.testing.brute import Judge, Option, Pick, answers, options
from allocator.testing.worlds import World

MOST_PICKS: Final = 60
"""Joint answers that are tried for one world; units that would make them more stay out."""


class KeptAsAsked(FitRule):
    """Rule: a volume's QoS is what its pool makes of what was asked.

    Formula: alternative = kept(asked, pool).

    Why: it is part of `features`; with it, any rule can be tried alone on volumes that can exist.
    """

    name = "kept_as_asked"

    @staticmethod
    def sees_pool(pool: Pool) -> Hashable:
        return pool.manifest, pool.default_qos

    def pool_complaint(self, ask: Ask, pool: Pool) -> str | None:
        return None if kept(ask.asked, pool) == ask.alternative else "keep the volume's QoS in another way"


class Trial:
    """A world, the rules that are tried in it, and the goals by which answers are compared."""

    def __init__(
        self,
        world: World,
        rules: Iterable[type[Rule]] = RULES,
        goals: Iterable[type[Goal]] = GOALS,
        most_picks: int = MOST_PICKS,
    ) -> None:
        self.world = world
        self.most_picks = most_picks
        self.inventory: Inventory = world.inventory
        self.policy: Policy = world.policy
        self.tried = tuple(rule(world.policy) for rule in rules)
        """The rules on trial."""
        self.rules: tuple[Rule, ...] = (KeptAsAsked(world.policy), *self.tried)
        self.goals = tuple(goal(world.policy, self.rules) for goal in goals)
        self.tiers: Tiers = tiers_of(world.policy, self.rules)

    def __str__(self) -> str:
        tried = "all rules" if len(self.tried) == len(RULES) else ", ".join(rule.name for rule in self.tried)
        return f"{self.world.name}, {tried}"

    @cached_property
    def units(self) -> tuple[Unit, ...]:
        """What is asked of the world, unit by unit."""
        return units_of(self.world.requests)

    @cached_property
    def few(self) -> tuple[Unit, ...]:
        """As many of the units as brute force can place jointly."""
        return self._few(self.units)

    @cached_property
    def homes(self) -> tuple[Unit, ...]:
        """Volumes that may be moved, VM by VM, and a newcomer where there is room for one."""
        asked = {request.vm for request in self.world.requests}
        lying: dict[str, list[Volume]] = defaultdict(list)
        for volume in self.inventory.all_volumes():
            if not volume.foreign and (volume.request.vm is None or volume.request.vm not in asked):
                lying[volume.request.vm or volume.name].append(volume)
        whole = [volumes for volumes in lying.values() if len({volume.hosts for volume in volumes}) == 1]
        moving = [Unit(tuple(volume.request for volume in volumes), tuple(volumes)) for volumes in whole]
        return self._few((*moving, *self.units[:1])) if moving else ()

    @cached_property
    def judge(self) -> Judge:
        return Judge(self.inventory, self.rules)

    @cached_property
    def alone(self) -> dict[str, list[tuple[Option, bool]]]:
        """Every option of each unit, and whether it makes nothing worse when nothing else is placed."""
        return {
            unit.name: [(option, self.judge.allows(option)) for option in options(unit, self.inventory)]
            for unit in self.units
        }

    @cached_property
    def together(self) -> list[Pick]:
        """Every joint answer of the few units that makes nothing worse."""
        return answers(self.few, self.inventory, self.rules)

    def screen(self, without: Sequence[str] = ()) -> Screen:
        """A new screen, some volumes left out."""
        return Screen(Fleet(self.inventory.copy(without=without)), self.rules)

    def model(self, units: Sequence[Unit], *, merge: bool = False, ruled: bool = True) -> Model:
        """The encoded model of a batch; with `ruled` off only the rules' filters shape it."""
        screen = self.screen([volume.name for unit in units for volume in unit.home])
        if not ruled:
            screen = Screen(screen.fleet, self.rules[:1])
        classes = unit_classes(units, screen.fleet, merge=merge)
        model = Model(screen, classes, host_classes(units, screen.fleet, merge=merge))
        for rule in screen.rules:
            rule.encode(model)
        return model

    def _few(self, units: Sequence[Unit]) -> tuple[Unit, ...]:
        sizes = [len(options(unit, self.inventory)) + 1 for unit in units]
        most = max((n for n in range(len(units) + 1) if prod(sizes[:n]) <= self.most_picks), default=0)
        return tuple(units[:most])


def shown(volumes: Sequence[Volume]) -> str:
    """A placement in one line, the same for the same placement."""
    told = sorted(
        f"{v.name} by {v.asked.index} ({v.alternative.kind}) on {v.pool}{''.join(f' at {host}' for host in v.hosts)}"
        for v in volumes
    )
    return ", ".join(told) or "nothing"

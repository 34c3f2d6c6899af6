"""A goal's sums, worked out on paper: a tiny world, one VM that is asked for, and what each of its places costs.

Every reader of the goal is asked: the plain loops, the ranking's arrays and the solver.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from allocator.domain.inventory import Inventory
from allocator.domain.placement import Volume
from allocator.domain.places import Host, Pool
from allocator.domain.policy import Policy
from allocator.domain.request import Offering, Request
from allocator.fleet import Ask
from allocator.goal import Goal
from allocator.solver.classes import Unit
from allocator.testing.brute import Option, cost, options
from allocator.testing.solving import fixed
from allocator.testing.trial import Trial
from allocator.testing.worlds import World
from tests.rules.paper import told


@dataclass(frozen=True, slots=True)
class Sum:
    """One line of the paper: what the goal costs at every place that the VM could take, allowed or not.

    With a `home` it is that volume which may move, and `refused` is what refusing a newcomer costs.
    """

    says: str
    asked: Request | tuple[Request, ...]
    costs: Mapping[str, int]
    pools: Sequence[Pool]
    hosts: Sequence[Host] = ()
    placed: Sequence[Volume] = ()
    policy: Policy = Policy()
    offerings: Sequence[Offering] = ()
    home: Volume | None = None
    refused: int = 0

    def __str__(self) -> str:
        return self.says.replace(" ", "_")

    def trial(self, goal: type[Goal]) -> Trial:
        asked = self.asked if isinstance(self.asked, tuple) else (self.asked,)
        placed = [*self.placed, *([] if self.home is None else [self.home])]
        inventory = Inventory(self.pools, self.hosts, placed, offerings=self.offerings)
        return Trial(World(inventory, asked, self.policy, self.says), goals=[goal])


def misadded(line: Sum, goal: type[Goal]) -> Iterator[str]:
    """What readers of the goal say that the paper does not."""
    trial = line.trial(goal)
    units = trial.units if line.home is None else (Unit((line.home.request,), (line.home,)),)
    every: dict[str, Option | None] = {told(option): option for option in options(units[0], trial.inventory)}
    if every.keys() != line.costs.keys():
        yield f"{line.says}: the places are {sorted(every)}, on paper {sorted(line.costs)}"
    if line.home is None:
        every["refused"] = None
    tiers = (((trial.goals[0], 1),),)
    model = trial.model(units, ruled=False)
    expression = trial.goals[0].encode(model)
    model.cp.minimize(expression)
    for place, option in every.items():
        paper = line.refused if option is None else line.costs.get(place)
        solved = fixed(model, units, (option,))
        readings = [
            ("plain loops", cost(units, (option,), trial.inventory, tiers)[0]),
            ("the solver", None if solved is None else int(solved.value(expression))),
        ]
        if option is not None and line.home is None:
            readings.append(("the ranking", _ranked(trial, option)))
        for reader, said in readings:
            if said != paper:
                yield f"{line.says}: {reader} say {said} of {place}, the paper {paper}"


def _ranked(trial: Trial, option: Option) -> int:
    """The sum of what the ranking adds up: volume after volume on pools, all together on the host."""
    (goal,) = trial.goals
    fleet = trial.screen().fleet
    asks = [Ask(volume.request, volume.alternative, volume.asked) for volume in option]
    total = 0
    for ask, volume in zip(asks, option, strict=True):
        costs = goal.pool_cost(ask, fleet, np.array([fleet.pool_row[volume.pool]]))
        total += int(np.broadcast_to(0 if costs is None else costs, 1)[0])
        fleet.add(Volume(volume.request, volume.pool, (), volume.alternative, volume.asked))
    for host in option[0].hosts:
        costs = goal.host_cost(asks, fleet)
        total += int(np.broadcast_to(0 if costs is None else costs, len(fleet.hosts))[fleet.host_row[host]])
    return total

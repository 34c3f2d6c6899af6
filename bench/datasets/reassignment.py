"""Google/ROADEF/EURO 2012 machine reassignment: machines are pools, processes are volumes that lie somewhere already.

Every constraint is a rule of the engine and every cost a goal; the one tier and its weights are what the contest
prescribes. Services are groups, locations and neighbourhoods failure domains, transient resources are `held`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from allocator.domain.inventory import Inventory
from allocator.domain.manifest import Manifest
from allocator.domain.placement import Volume
from allocator.domain.places import Amount, Pool
from allocator.domain.policy import Movement, Policy, Spare
from allocator.domain.qos import alternatives
from allocator.domain.request import Apart, Near, Request
from allocator.goal import Answer, Goal, tier_costs
from allocator.goals import tiers_of
from allocator.goals.proportion import Proportion
from allocator.rules import rules_of

PLAIN: Final = Manifest("machine", "none")
WAYS: Final = alternatives((), 1)


@dataclass(frozen=True, slots=True)
class Service:
    """How many locations it wants, and in whose neighbourhoods."""

    locations: int
    needs: Sequence[int]


@dataclass(frozen=True, slots=True)
class Problem:
    """An instance as the engine sees it: the volumes lie where they lie now, in the processes' order."""

    inventory: Inventory
    volumes: Sequence[Volume]
    policy: Policy


class _Numbers:
    """Numbers that are read one after the other."""

    def __init__(self, text: str) -> None:
        self._left = iter(text.split())
        self._read = 0

    def one(self) -> int:
        return self.many(1)[0]

    def many(self, number: int) -> list[int]:
        found = [int(word) for _, word in zip(range(number), self._left, strict=False)]
        self._read += len(found)
        if len(found) < number:
            raise ValueError(f"The instance ends after {self._read} numbers. Maybe the file was cut off.")
        return found

    def end(self) -> None:
        rest = sum(1 for _ in self._left)
        if rest:
            raise ValueError(f"{rest} numbers follow after the end of the instance. Maybe two files were joined.")


def read(model: str, assignment: str) -> Problem:
    """The contest's two files. ValueError where numbers are missing, left over, or name nothing that is there."""
    numbers = _Numbers(model)
    held, weights = zip(*(numbers.many(2) for _ in range(numbers.one())), strict=True)
    names = [f"r{row:02}" for row in range(len(held))]
    pools, ways = _machines(numbers, names)
    services = _services(numbers)
    processes = [(numbers.one(), numbers.many(len(names)), numbers.one()) for _ in range(numbers.one())]
    triples = [numbers.many(4) for _ in range(numbers.one())]
    process_weight, service_weight, machine_weight = numbers.many(3)
    numbers.end()
    homes = [int(word) for word in assignment.split()]
    if len(homes) != len(processes):
        raise ValueError(f"The assignment is of {len(homes)} processes, the model of {len(processes)}.")
    sizes = Counter(service for service, _, _ in processes)
    volumes = [
        Volume.on(pools[home], _request(row, process, names, services, process_weight, sizes[process[0]] == 1), WAYS[0])
        for row, (process, home) in enumerate(zip(processes, homes, strict=True))
    ]
    pairs = {
        pool.name: {other.name: machine_weight * cost for other, cost in zip(pools, costs, strict=True) if cost}
        for pool, costs in zip(pools, ways, strict=True)
        if machine_weight and any(costs)
    }
    goals = {"overload": 1, "proportion": 1, "movement": 1, "disruption": service_weight}
    policy = Policy(
        name="roadef",
        rules=("resources", "apart", "near"),
        goals=(tuple((goal, weight) for goal, weight in goals.items() if weight),),
        overload=dict(zip(names, weights, strict=True)),
        spare=tuple(Spare(names[of], names[against], ratio, weight) for of, against, ratio, weight in triples),
        movement=Movement(per_gib=0, per_volume=0, per_pair=pairs),
        held=frozenset(name for name, is_held in zip(names, held, strict=True) if is_held),
    )
    return Problem(Inventory(pools, volumes=volumes), volumes, policy)


def written(problem: Problem, placed: Mapping[str, Volume]) -> str:
    """One machine per process, counted from 0; a process that is not among the placed stays."""
    return " ".join(str(_row(placed.get(volume.name, volume).pool)) for volume in problem.volumes) + "\n"


def cost_of(problem: Problem) -> int:
    """What the contest counts where nothing has moved: the engine's costs are changes, 0 at the start.

    That is what the volumes would cost if they were to come to machines that hold nothing.
    """
    empty = Inventory(problem.inventory.pools.values())
    tiers = tiers_of(problem.policy, rules_of(problem.policy))
    nothing = sum(weight * _at_rest(goal, empty) for tier in tiers for goal, weight in tier)
    return sum(tier_costs(tiers, Answer(empty, empty.plus(problem.volumes), ()))) + nothing


def _at_rest(goal: Goal, empty: Inventory) -> int:
    """What empty machines cost: they have all their resources left, in proportion or not."""
    pairs = goal.pairs if isinstance(goal, Proportion) else ()
    return sum(pair.spare.weight * max(0, -pair.even(pool)) for pair in pairs for pool in empty.pools.values())


def _machines(numbers: _Numbers, names: Sequence[str]) -> tuple[list[Pool], list[list[int]]]:
    """The machines, and what a move from each to each other costs."""
    machines = numbers.one()
    pools, ways = [], []
    for row in range(machines):
        neighbourhood, location = numbers.many(2)
        totals, safe = numbers.many(len(names)), numbers.many(len(names))
        amounts = {name: Amount(total, safe=least) for name, total, least in zip(names, totals, safe, strict=True)}
        domains = {"location": str(location), "neighbourhood": str(neighbourhood)}
        pools.append(Pool(f"machine-{row:05}", "machine", PLAIN, "zone", "all", resources=amounts, domains=domains))
        ways.append(numbers.many(machines))
    return pools, ways


def _services(numbers: _Numbers) -> list[Service]:
    return [Service(numbers.one(), numbers.many(numbers.one())) for _ in range(numbers.one())]


def _request(
    row: int,
    process: tuple[int, list[int], int],
    names: Sequence[str],
    services: Sequence[Service],
    weight: int,
    alone: bool,
) -> Request:
    service, needs, move_cost = process
    return Request(
        f"process-{row:06}",
        1,
        WAYS,
        resources=tuple(zip(names, needs, strict=True)),
        group=_group(service),
        apart=None if alone else Apart("pool"),
        also=tuple(_wishes(service, services[service])),
        move_cost=weight * move_cost,
    )


def _wishes(number: int, service: Service) -> Iterator[Apart | Near]:
    if service.locations > 1:
        yield Apart("location", max_per_domain=None, min_domains=service.locations)
    for needed in sorted({*service.needs} - {number}):
        yield Near(_group(needed), "neighbourhood")


def _group(service: int) -> str:
    return f"service-{service}"


def _row(pool: str) -> int:
    return int(pool.removeprefix("machine-"))

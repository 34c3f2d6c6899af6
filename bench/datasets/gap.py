"""Generalised assignment: agents are pools, jobs are volumes, and what a job takes and costs depends on the agent.

The pair is no field of a request, so the two lines that read it are a rule and a goal of their own, built on the public
protocol as anybody's would be: a charge is told the pool, and says that it reads the pool's name.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from allocator.domain.inventory import Inventory
from allocator.domain.manifest import Manifest
from allocator.domain.placement import ALL, Charge, Volume
from allocator.domain.places import Pool
from allocator.domain.policy import Policy
from allocator.domain.qos import Alternative, alternatives
from allocator.domain.request import Request
from allocator.goal import Tiers
from allocator.goals.placed import Placed
from allocator.goals.price import Price
from allocator.limits import Limit, LimitRule
from allocator.rule import Rule

PLAIN: Final = Manifest("agent", "none")


@dataclass(frozen=True, slots=True)
class Assignment:
    """One instance: `costs[agent][job]`, `takes[agent][job]`, and what each agent has."""

    costs: Sequence[Sequence[int]]
    takes: Sequence[Sequence[int]]
    has: Sequence[int]


class Work(LimitRule):
    """Rule: an agent's jobs take no more than it has.

    Formula: sum over its jobs of takes[agent][job] <= has[agent].

    Why: the constraint of generalised assignment (Ross and Soland 1975).
    """

    name = "work"

    def __init__(self, instance: Assignment) -> None:
        super().__init__(Policy())
        taken = Charge("work", "pool", partial(_of_pair, instance.takes), sees=_name)
        self._limits = (Limit("work", "of work", taken, partial(_of_agent, instance.has)),)

    def limits(self, request: Request, inventory: Inventory) -> Iterable[Limit]:
        return self._limits


class Fee(Price):
    """Goal: the cheapest pairs.

    Formula: the sum of costs[agent][job].

    Why: it is the goal `price` where the price is the pair's and not the pool's.
    """

    def __init__(self, instance: Assignment, rules: Sequence[Rule]) -> None:
        super().__init__(Policy(), rules)
        self.paid = Charge("price", ALL, partial(_of_pair, instance.costs), sees=_name)


def read(text: str) -> Assignment:
    """An instance as OR-Library writes it: agents, jobs, costs, takes, has. ValueError where a number is missing."""
    agents, jobs, *numbers = map(int, text.split())
    wanted = 2 * agents * jobs + agents
    if len(numbers) != wanted:
        raise ValueError(
            f"An instance of {agents} agents and {jobs} jobs has {wanted} numbers after the first two, found "
            f"{len(numbers)}. Maybe several instances are in one file."
        )
    rows = tuple(tuple(numbers[start : start + jobs]) for start in range(0, 2 * agents * jobs, jobs))
    return Assignment(rows[:agents], rows[agents:], tuple(numbers[2 * agents * jobs :]))


def problem(instance: Assignment) -> tuple[list[Request], Inventory, list[Rule], Tiers]:
    """The instance as the engine sees it: every job placed comes first, the costs second."""
    pools = [Pool(_agent(agent), PLAIN.name, PLAIN, "zone", "all") for agent in range(len(instance.has))]
    jobs = [
        Request(f"job-{job}", 1, alternatives((), 1), offering=f"job-{job}") for job in range(len(instance.takes[0]))
    ]
    rules: list[Rule] = [Work(instance)]
    tiers = (((Placed(Policy(), rules), 1),), ((Fee(instance, rules), 1),))
    return jobs, Inventory(pools), rules, tiers


def written(instance: Assignment, placed: Mapping[str, tuple[Volume, ...]]) -> str:
    """One agent per job, counted from 0, in the jobs' order; KeyError where a job has none."""
    return " ".join(str(_row(placed[f"job-{job}"][0].pool)) for job in range(len(instance.takes[0]))) + "\n"


def family(name: str) -> str:
    """`c10100` is of Chu and Beasley's type C (or Yagiura's E), `gap7-3` of Cattrysse's; others are of none."""
    if re.fullmatch(r"[a-e]\d+", name):
        return name[0].upper()
    return "Cattrysse" if re.fullmatch(r"gap\d+-\d+", name) else "gap"


def optimum(path: Path) -> int | None:
    """The optimum, or the best value known, by a `data.csv` beside the instance's folder; None: there is none."""
    table = path.resolve().parent.parent / "data.csv"
    if not table.is_file():
        return None
    with table.open(newline="") as lines:
        for row in csv.DictReader(lines):
            if (table.parent / row["Path"]).resolve() == path.resolve():
                return int(row["Optimum"] or row["Best known solution value"])
    return None


def _agent(row: int) -> str:
    return f"agent-{row}"


def _row(name: str) -> int:
    return int(name.removeprefix("agent-"))


def _of_pair(table: Sequence[Sequence[int]], request: Request, alternative: Alternative, pool: Pool) -> int:
    """The number of a job's pair; its offering says which job it is, since equal requests may differ in name only."""
    assert request.offering is not None
    return table[_row(pool.name)][int(request.offering.removeprefix("job-"))]


def _of_agent(has: Sequence[int], pool: Pool) -> int:
    return has[_row(pool.name)]


def _name(pool: Pool) -> str:
    return pool.name

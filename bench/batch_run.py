"""One batch, measured: placed through the public call, checked again, and held against simple schedulers."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

from allocator import Allocator
from allocator.documents import World, build
from allocator.domain.inventory import Inventory
from allocator.domain.outcome import Headway, Outcome
from allocator.domain.placement import Volume
from allocator.domain.policy import Effort, Policy
from allocator.domain.request import Request
from allocator.executors import Opened, open_executor
from allocator.goals.placed import weight
from allocator.policy import read_policy
from allocator.rule import Rule
from allocator.solver.classes import units_of
from allocator.verify import worsened
from bench.baselines import packed
from bench.course import Course
from bench.fleets import batch_case
from bench.killer import Killer
from bench.meter import Meter


@dataclass(frozen=True, slots=True)
class Case:
    """One size of batch, how long it may take, and what it must show."""

    name: str
    zones: int
    pools: int
    hosts: int
    vms: int
    seconds: float
    median: float
    """Of the weight that the best proven bound allows, the share placed in the median of the seeds."""
    least: float
    """And on every seed."""
    tightness: str = "0.85"
    """At which these shares are wanted; at another only time, memory and baselines are judged."""
    memory_mib: int | None = None
    baselines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Task:
    """One run of one case."""

    case: Case
    tightness: str
    effort: Effort
    """Its seed is the fleet's as well."""
    executor: str | None = None
    policy: str = "default"
    baselines: bool = True
    kill: bool = False
    """Whether the executor loses a worker in the middle."""


def measure(task: Task) -> dict[str, Any]:
    """The figures of one run, as plain data. Raises AssertionError for an answer that breaks a rule."""
    case = task.case
    sizes = {"pools": case.pools, "hosts": case.hosts, "vms": case.vms, "zones": case.zones}
    inventory, requests = batch_case(task.effort.seed, **sizes, tightness=task.tightness)
    policy = read_policy(task.policy)
    with _opened(task.executor) as opened, Meter() as meter:
        course, killer = Course("placed"), Killer(task.kill, task.executor)

        def progress(headway: Headway) -> None:
            course(headway)
            killer(headway)

        allocator = Allocator(world_of(inventory, policy), policy)
        effort = task.effort if opened is None else replace(task.effort, workers=opened.workers)
        executor = None if opened is None else opened.executor
        outcome = allocator.place(requests, effort=effort, explain=False, progress=progress, executor=executor)
        course.end()
        began = time.perf_counter()
        plan = outcome.plan
        course.phases["plan"] = time.perf_counter() - began
    began = time.perf_counter()
    volumes = placed_volumes(outcome, requests, inventory)
    wrong = worsened(inventory, allocator.rules, volumes)
    if wrong:
        raise AssertionError(f"The answer breaks {wrong[0].rule} at {' '.join(wrong[0].subject)}.")
    course.phases["verified again"] = time.perf_counter() - began
    whole, goal = sum(map(weight, requests)), outcome.goals[0]
    most = whole - (goal.bound or 0)
    return {
        "case": case.name,
        "seed": task.effort.seed,
        "tightness": task.tightness,
        "vms": case.vms,
        "volumes": len(requests),
        "placed": len(outcome.placed),
        "weight": whole,
        "cost": goal.cost,
        "bound": goal.bound,
        "share": round((whole - goal.cost) / most, 5),
        "status": outcome.status,
        "work": task.effort.work,
        "deadline_seconds": task.effort.seconds,
        "deterministic": outcome.deterministic,
        "plan": plan.id,
        "executor": task.executor,
        "killed": len(killer.killed),
        "steps": len(plan.steps),
        "wall_seconds": round(meter.wall_seconds, 2),
        "cpu_seconds": round(meter.cpu_seconds, 2),
        "peak_mib": meter.peak_mib,
        "phases": {phase: round(seconds, 3) for phase, seconds in course.phases.items()},
        "curve": [(round(at, 2), round((whole - cost) / most, 5)) for at, cost, _ in course.chart()],
        "baselines": _baselines(task, inventory, requests, allocator.rules, most) if task.baselines else {},
    }


def world_of(inventory: Inventory, policy: Policy) -> World:
    """A world that was built and not read from documents."""
    return replace(build({"version": 1}, policy), inventory=inventory)


def placed_volumes(outcome: Outcome, requests: Sequence[Request], inventory: Inventory) -> list[Volume]:
    """What an outcome says was placed, as volumes."""
    asked = {request.name: request for request in requests}
    return [
        Volume.on(
            inventory.pools[placed.pool],
            asked[placed.request],
            asked[placed.request].alternatives[placed.alternative],
            () if placed.host is None else (placed.host,),
        )
        for placed in outcome.placed
    ]


def _baselines(
    task: Task, inventory: Inventory, requests: Sequence[Request], rules: Sequence[Rule], most: int
) -> Mapping[str, Any]:
    """What each of the case's baselines reaches, as a share of the same bound, and the CPU it takes."""
    units, found = units_of(requests), {}
    for name in task.case.baselines:
        began = time.process_time()
        placed = packed(units, inventory, rules, name, task.effort.seed)
        took = time.process_time() - began
        volumes = [volume for members in placed.values() for volume in members]
        if worsened(inventory, rules, volumes):
            raise AssertionError(f"The baseline {name} breaks a rule.")
        share = sum(weight(volume.request) for volume in volumes) / most
        found[name] = {"share": round(share, 5), "cpu_seconds": round(took, 2)}
    return found


def _opened(name: str | None) -> AbstractContextManager[Opened | None]:
    return nullcontext() if name is None else open_executor(name)

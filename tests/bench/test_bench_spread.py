"""The bench of executors compares what can be compared: zones that share nothing, and plans to the last byte."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from allocator.domain.policy import Effort
from allocator.fleet import Fleet
from allocator.policy import read_policy
from allocator.rules import rules_of
from allocator.screen import Screen
from allocator.solver.classes import units_of
from allocator.solver.parts import independent_parts
from bench.fleets import batch_case
from bench.spread import Errand, run, zoned

TINY = Errand(zones=2, pools=20, hosts=16, vms=24, effort=Effort(work=0.3, seed=1))


def test_every_zone_is_a_part() -> None:
    """R22: an application stays in one zone, and all zones are asked for."""
    inventory, requests = batch_case(1, zones=3, pools=60, hosts=60, vms=60)
    asked = list(zoned(requests, ["z0", "z1", "z2"]))
    zones = defaultdict(set)
    for request in asked:
        zones[request.group or request.vm].add(request.zone)
    assert all(len(named) == 1 for named in zones.values())
    parts = independent_parts(units_of(asked), Screen(Fleet(inventory), rules_of(read_policy("default"))))
    assert [{request.zone for unit in part.units for request in unit.requests} for part in parts] == [
        {"z0"},
        {"z1"},
        {"z2"},
    ]


def test_threads_make_the_plan_of_one_process() -> None:
    """R22."""
    here, there = run(TINY), run(replace(TINY, executor="threads:2"))
    assert here["plan"] == there["plan"]
    assert here["placed"] > 0
    assert (here["killed"], there["killed"]) == (0, 0)

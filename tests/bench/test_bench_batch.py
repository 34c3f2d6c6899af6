"""A batch is measured from end to end, and judged by its thresholds. How fast is no test's business."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner
from distributed import default_client

from allocator.domain.outcome import Headway
from allocator.domain.policy import Effort
from allocator.executors import open_executor
from bench import proven
from bench.__main__ import cli
from bench.batch import batch_cases, differences, faults, line, twins
from bench.batch_run import Case, Task, measure
from bench.course import Course
from bench.meter import Meter
from bench.scale import axes, measure_calls

TINY = Case("tiny", zones=1, pools=10, hosts=8, vms=20, seconds=60, median=0.9, least=0.8, baselines=("best-fit",))


def test_R26_a_tiny_batch_is_measured_from_end_to_end() -> None:
    found = measure(Task(TINY, "0.85", Effort(work=0.3, seed=1)))
    assert (found["vms"], found["case"], found["seed"]) == (20, "tiny", 1)
    assert 0 < found["placed"] <= found["volumes"]
    assert found["steps"] == 4 * found["placed"]
    assert 0 <= (found["bound"] or 0) <= found["cost"] < found["weight"]
    assert found["share"] == pytest.approx(
        (found["weight"] - found["cost"]) / (found["weight"] - (found["bound"] or 0)), abs=1e-5
    )
    assert found["peak_mib"] > 10
    assert {"screen", "plan", "verified again"} <= found["phases"].keys()
    assert 0 < found["baselines"]["best-fit"]["share"] <= 1
    assert "seed 1" in line(found)


def test_R22_a_worker_killed_in_the_middle_of_a_batch_costs_no_answer() -> None:
    """On processes and on a Dask cluster, local or by its address, the plan is that of one process."""
    task = Task(replace(TINY, zones=2, pools=20, hosts=16, vms=24), "0.85", Effort(work=0.3, seconds=9), "processes:2")
    here, there = map(measure, twins(task))
    assert (here["killed"], there["killed"], here["plan"]) == (0, 1, there["plan"])
    assert here["deadline_seconds"] is None
    assert "on processes:2, a worker killed" in line(there)
    with open_executor("dask"):
        address = default_client().scheduler.address.removeprefix("tcp://")
        distant = measure(replace(twins(task)[1], executor=f"dask://{address}"))
    assert (distant["killed"], distant["plan"]) == (1, here["plan"])
    assert list(differences([here, there, here, distant])) == []
    assert list(differences([here, distant | {"plan": "other", "killed": 0}])) == [
        f"seed 1: plan other on dask://{address}, {here['plan']} in process",
        f"seed 1: no worker of dask://{address} was there to be killed",
    ]


def test_R22_nobody_is_killed_without_an_executor() -> None:
    told = CliRunner().invoke(cli, ["batch", "--kill-worker"])
    assert told.exit_code == 2
    assert "Maybe --executor dask" in told.output


def figure(**facts: Any) -> dict[str, Any]:
    made = {
        "seed": 1,
        "tightness": "0.85",
        "share": 0.95,
        "wall_seconds": 5.0,
        "peak_mib": 100,
        "executor": None,
        "killed": 0,
        "baselines": {"best-fit": {"share": 0.9}},
    }
    return made | facts


def test_R26_every_threshold_is_judged() -> None:
    case = replace(TINY, memory_mib=100)
    assert list(faults(case, [figure()], 10)) == []
    low = [figure(share=0.85), figure(share=0.79, seed=2)]
    assert [text.split(",")[0] for text in faults(case, low, 10)] == [
        "median 82.00% of what the bound allows", "seed 1: best-fit places 90.00%", "seed 2: 79.00%",
        "seed 2: best-fit places 90.00%",
    ]  # fmt: skip
    assert [text.split(",")[0] for text in faults(case, [figure(share=0.7, tightness="0.95")], 10)] == [
        "seed 1: best-fit places 90.00%"
    ]
    assert list(faults(case, [figure(wall_seconds=11.1)], 10)) == ["seed 1: 11.1 s, above 10 s"]
    assert list(faults(case, [figure(wall_seconds=11.0)], 10)) == []
    assert list(faults(case, [figure(peak_mib=101)], 10)) == ["seed 1: 101 MiB, above 100 MiB"]


def test_R26_cases_are_those_of_the_requirements() -> None:
    assert [(case.name, case.pools, case.hosts, case.vms) for case in batch_cases()] == [
        ("small", 100, 500, 2000), ("medium", 1000, 10_000, 50_000), ("large", 5000, 50_000, 200_000),
    ]  # fmt: skip
    assert [(case.median, case.least) for case in batch_cases()] == [(0.99, 0.975), (0.99, 0.975), (0.985, 0.975)]
    assert {axis.axis for axis in axes() if axis.kind == "call"} == {"pools", "hosts", "vms", "templates"}
    assert all(axis.most == 1.2 for axis in axes() if axis.kind == "call")


def test_R26_a_course_adds_up_what_its_parts_tell() -> None:
    """The first point comes with the second part's first answer; a bound, with the last part's."""
    course = Course("placed")
    for headway in (
        Headway("greedy", "placed", 10, None, part=1, parts=2),
        Headway("greedy", "placed", 7, None, part=2, parts=2),
        Headway("solving", "placed", 6, 5, part=1, parts=2),
        Headway("solving", "balance", 900, 1, part=1, parts=2),
        Headway("improving", "placed", 4, 3, part=2, parts=2),
    ):
        course(headway)
    course.end()
    assert [point[1:] for point in course.points] == [(17, None), (13, None), (10, 8)]
    assert list(course.phases) == ["screen", "greedy", "solving", "improving"]
    assert course.chart() == course.points


def test_R26_the_meter_counts_this_process() -> None:
    with Meter() as meter:
        assert sum(range(10**6)) > 0
    assert meter.wall_seconds > 0
    assert meter.cpu_seconds >= 0
    assert meter.peak_mib > 10


def test_R26_a_planted_batch_is_measured_and_judged() -> None:
    case = proven.Case("tight", seconds=0.2, share=1.0)
    found = proven.measure(case, 1, "default")
    assert (found["case"], found["seed"], found["vms"]) == ("tight", 1, 50)
    whole = {"placed": 5, "asked": 5, "proven": 0, "wall_seconds": 0.2}
    assert proven.reached(whole, "complete", case)
    assert not proven.reached(whole, "proven", case)
    assert not proven.reached(whole | {"wall_seconds": 0.3}, "complete", case)


def test_R26_single_calls_are_measured_at_any_size() -> None:
    found = measure_calls({"zones": 1, "pools": 8, "hosts": 6, "vms": 12, "templates": 4}, 5)
    assert found["call_us"] > 0


def test_R26_an_unknown_case_is_told() -> None:
    found = CliRunner().invoke(cli, ["batch", "--case", "huge"])
    assert found.exit_code == 2
    assert "'huge' is none of small, medium, large" in found.output

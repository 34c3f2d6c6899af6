"""Peers are asked the same as ours, what they answer is read rightly, and Cinder's scheduler answers as it should."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from allocator import Policy
from allocator.documents import World, build
from bench.latency import Case, Latency
from bench.latency_run import latency
from bench.peers.cinder import PeerFigures, Timing, timing
from bench.peers.cinder_planted import judged
from bench.peers.cinder_run import AS_IT_COMES, CINDER, REQUIREMENTS, WITH_IOPS, Answers, drive, parsed, python
from bench.peers.cinder_words import FILTER_FUNCTION, services, volume
from bench.peers.environment import PLACE, PeerError, environment, is_made

GIB = 1024**3


def world(**more: Any) -> World:
    """Eleven arrays in z1, where one volume lies, and files in z2."""
    array = {"driver": "array", "zone": "z1", "tags": ["ssd"], "iops": {"total": 1000, "overcommit": "1.5"}}
    pools: list[dict[str, Any]] = [array | {"name": f"a-{number:02}", "capacity": 100 * GIB} for number in range(11)]
    pools[0]["capacity"] = {"total": 100 * GIB + GIB // 2, "overcommit": "2.5", "reserved": "10%"}
    pools.append({"name": "f", "driver": "files", "zone": "z2", "managed": False, "capacity": 50 * GIB})
    held = {
        "name": "old",
        "pool": "a-00",
        "size": 10 * GIB + 1,
        "qos": {"provisioned": {"min_iops": 100, "max_iops": 200}},
    }
    documents = {
        "version": 1,
        "drivers": {"array": {"driver": "solidfire"}, "files": {"driver": "nfs"}},
        "pools": pools,
        "volumes": [held],
    }
    return build(documents | more, Policy())


def asked(**facts: Any) -> dict[str, Any]:
    """One request in Cinder's words."""
    here = world(
        offerings=[{"name": "gold", "tags": ["ssd"], "qos": {"provisioned": {"min_iops": 500, "max_iops": 900}}}]
    )
    return volume(here.ask([{"name": "v", "size": 10 * GIB} | facts], here.inventory)[0])


def test_R26_ten_pools_of_a_zone_are_reported_by_one_service() -> None:
    found = services(world().inventory, iops=False)
    assert [(each["host"], each["zone"], len(each["pools"])) for each in found] == [
        ("cinder@z1-0", "z1", 10),
        ("cinder@z1-1", "z1", 1),
        ("cinder@z2-0", "z2", 1),
    ]


def test_R26_capacity_is_rounded_down_and_what_is_held_up() -> None:
    first, *_ = services(world().inventory, iops=False)[0]["pools"]
    assert (first["total_capacity_gb"], first["allocated_capacity_gb"], first["free_capacity_gb"]) == (100, 11, 89)
    assert (first["max_over_subscription_ratio"], first["reserved_percentage"]) == ("2.5", 10)
    assert (first["max_iops"], first["free_iops"]) == (1500, 1400)  # 1,000 x 1.5, and 100 are promised
    assert (first["tag_ssd"], first["QoS_support"], first["thick_provisioning_support"]) == (True, True, False)


def test_R26_only_pools_that_guarantee_IOPS_are_asked_for_them() -> None:
    arrays, _, files = services(world().inventory, iops=True)
    assert {pool["filter_function"] for pool in arrays["pools"]} == {FILTER_FUNCTION}
    assert "filter_function" not in files["pools"][0]
    assert not files["pools"][0]["QoS_support"]


def test_R26_a_pool_of_no_zone_is_named() -> None:
    inventory = world().inventory
    inventory.pools["a-03"] = replace(inventory.pools["a-03"], zone=None)
    with pytest.raises(ValueError, match="Pool a-03 lies in no zone"):
        services(inventory, iops=False)


def test_R26_a_request_becomes_a_volume_of_a_type() -> None:
    gold = asked(offering="gold", size=10 * GIB + 1, zone="z1")
    assert (gold["type"], gold["size"], gold["zone"]) == ("gold", 11, "z1")
    assert gold["extra_specs"] == {"tag_ssd": "<is> True", "QoS_support": "<is> True"}
    assert gold["qos"] == {"minIOPS": "500", "maxIOPS": "900"}
    capped = asked(qos={"limit": {"read_iops": 20, "write_iops": 10}}, provisioning="thin")
    assert capped["extra_specs"] == {"thin_provisioning_support": "<is> True"}
    assert (capped["zone"], capped["qos"]) == (None, {"minIOPS": "0", "read_iops_sec": "20", "write_iops_sec": "10"})


def test_R26_answers_are_read() -> None:
    told = {"version": "29.0.0", "places": ["cinder@z1-0#a-00", None], "cpu_us": [7, 9]}
    assert parsed(told) == Answers("29.0.0", ("a-00", None), (7, 9))


def test_R26_a_VM_takes_the_peer_all_calls_for_its_volumes() -> None:
    answers = Answers("29.0.0", ("a", "b", None, "c"), (40, 10, 30, 20))
    # VMs of 1, 2 and 1 volumes take 40, 10 + 30 and 20; calls in order are 10, 20, 30, 40.
    assert timing(answers, [1, 2, 1]) == Timing(samples=4, placed=3, p50=30, p99=40, most=40, vm_p50=40)


def test_R26_the_ratio_is_told_against_the_slower_of_ours() -> None:
    case = Case("tiny", zones=1, pools=1, hosts=1, p50=1, p99=1, aim=1)
    ours = (Latency(case, 10, 10, 100, 300, 400, 10), Latency(case, 10, 10, 110, 200, 400, 15))
    theirs = Timing(10, 10, 11_000, 60_000, 70_000, 27_500)
    figures = PeerFigures(case, "cinder", "29.0.0", ours, theirs, 100, (0.5, 1.0))
    assert figures.times == {"call": 100, "call_p99": 200, "settled": 88, "vm": 250}
    assert figures.within
    assert not replace(figures, wanted=101).within
    assert "faster by call 100 times (p99 200; with settling 88), by VM 250" in "\n".join(figures.lines())


def test_R26_a_pool_is_oversold_by_what_it_guarantees() -> None:
    gold = [asked(offering="gold")] * 7  # of 500 IOPS each, where a pool sells 1,500
    answers = Answers("29.0.0", ("a-01", "a-01", "a-01", "a-01", "a-02", "a-02", None), (1,) * 7)
    figures = judged(1, "Cinder as it comes", answers, world().inventory, gold)
    assert (figures.asked, figures.placed, figures.pools, figures.oversold) == (7, 6, 12, 1)
    assert figures.worst_percent == 134  # 2,000 of 1,500, rounded up


def test_R26_an_environment_is_kept_until_something_else_is_asked(tmp_path: Path) -> None:
    made = tmp_path / "peer"
    made.mkdir()
    (made / "made-of").write_text(f"peer==1\n{sys.version}\n")
    told: list[str] = []
    assert environment("peer", ["peer==1"], told.append, tmp_path) == made / "bin" / "python"
    assert told == []
    assert not is_made(made, ["peer==2"])


def test_R26_a_peer_that_cannot_be_had_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(tell: object) -> Path:
        raise PeerError("cinder==29.0.0 cannot be installed. Maybe PyPI is not reachable.")

    monkeypatch.setattr("bench.peers.cinder.python", unreachable)
    ran = CliRunner().invoke(latency, ["--peer", "cinder"])
    assert (ran.exit_code, ran.output) == (
        1,
        "Error: cinder==29.0.0 cannot be installed. Maybe PyPI is not reachable.\n",
    )


@pytest.fixture(scope="module")
def cinder() -> Path:
    """The Python of Cinder's environment, which this test run does not install unless it is told to."""
    if not is_made(PLACE / f"cinder-{CINDER}", REQUIREMENTS) and os.environ.get("ALLOCATOR_PEERS") != "1":
        pytest.skip(
            f"Cinder {CINDER} is not installed in {PLACE} (130 packages from PyPI). "
            "Maybe set ALLOCATOR_PEERS=1, or run: python3 dev.py bench latency --peer cinder."
        )
    return python(print)


def test_R26_cinder_places_by_zone_tag_and_free_space(cinder: Path) -> None:
    volumes = [
        asked(zone="z2"),
        asked(offering="gold"),
        asked(offering="gold", zone="z2"),
        asked(size=90 * GIB),
        asked(size=120 * GIB, zone="z2"),
    ]
    answers = drive(cinder, AS_IT_COMES, services(world().inventory, iops=False), volumes)
    assert answers.version == CINDER
    # Of a-00 Cinder may sell (100 - 10) x 2.5 - 11 = 214 GiB, more than of any other pool.
    assert answers.pools == ("f", "a-00", None, "a-00", None)
    assert all(took > 0 for took in answers.cpu_us)


def test_R26_cinder_oversells_IOPS_until_it_hears_of_them(cinder: Path) -> None:
    one = services(world().inventory, iops=True)[1:2]
    gold = [asked(offering="gold", size=GIB)] * 4  # of 500 IOPS each, on a pool that sells 1,500
    assert drive(cinder, WITH_IOPS, one, gold).pools == ("a-10",) * 4
    assert drive(cinder, replace(WITH_IOPS, report_every=1), one, gold).pools == ("a-10", "a-10", "a-10", None)


def test_R26_cinder_prefers_the_pool_with_more_IOPS_left(cinder: Path) -> None:
    service = services(world().inventory, iops=True)[1]
    full = service["pools"][0]
    half = full | {"pool_name": "half", "free_iops": 750}
    answers = drive(cinder, WITH_IOPS, [service | {"pools": [half, full]}], [asked(offering="gold", size=GIB)])
    assert answers.pools == ("a-10",)

"""Fleets of the bench come from their seed alone, break nothing, and are as tight as is asked."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter

import pytest

from allocator.domain.inventory import Inventory
from allocator.domain.policy import Policy
from allocator.domain.qos import Kind
from allocator.domain.request import Request
from allocator.rules import rules_of
from allocator.verify import broken
from bench.fleets import batch_case
from bench.offers import PLAN

SIZES = {"pools": 100, "hosts": 500, "vms": 2000, "zones": 2}
MB = 1_000_000
DIGEST = """
import hashlib
from bench.fleets import batch_case
inventory, requests = batch_case(3, pools=12, hosts=10, vms=40, zones=2)
told = [(r.name, r.size_bytes, sorted(r.tags), r.alternatives, r.zone, r.group, r.priority) for r in requests]
told += [(p.name, p.scope, p.capacity, p.iops, dict(p.domains)) for p in inventory.pools.values()]
told += [(h.name, h.iops, dict(h.resources), sorted(h.tags)) for h in inventory.hosts.values()]
told += [(v.name, v.pool, v.hosts, v.alternative) for v in inventory.volumes.values()]
print(hashlib.sha256(repr(told).encode()).hexdigest())
"""


def test_R26_the_same_seed_gives_the_same_fleet_whatever_the_hash_seed() -> None:
    found = {
        subprocess.run(
            [sys.executable, "-c", DIGEST],
            env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(found) == 1


def test_R26_another_seed_gives_another_batch() -> None:
    first, second = (batch_case(seed, pools=12, hosts=10, vms=40)[1] for seed in (1, 2))
    assert [request.shape for request in first] != [request.shape for request in second]


@pytest.mark.parametrize("tightness", ["0.6", "0.85", "0.95"])
def test_R26_a_fleet_is_as_tight_as_is_asked(tightness: str) -> None:
    inventory, requests = batch_case(1, **SIZES, tightness=tightness)
    asked, left = demand(requests), sellable(inventory)
    assert asked.keys() == left.keys()
    for dimension, amount in asked.items():
        assert amount / left[dimension] == pytest.approx(float(tightness), rel=0.02), dimension


def test_R26_what_lies_on_a_fleet_breaks_no_rule() -> None:
    inventory, _ = batch_case(1, **SIZES)
    assert len(inventory.volumes) > 400
    assert broken(inventory, rules_of(Policy())) == []


def test_R26_a_batch_has_the_structure_that_it_promises() -> None:
    inventory, requests = batch_case(1, **SIZES)
    assert {pool.scope for pool in inventory.pools.values()} == {"zone", "cluster", "host"}
    groups = Counter(request.group for request in requests if request.group and request.name.endswith("-0"))
    assert groups
    assert all(2 <= members <= 5 for members in groups.values())
    assert {request.apart.over for request in requests if request.apart} == {"pool", "rack", "host"}
    assert {request.zone for request in requests} == {None, "z0", "z1"}
    assert any("gpu" in request.host_tags for request in requests)
    assert any("local" in request.tags for request in requests)
    legacy = [volume for volume in inventory.volumes.values() if volume.alternative.kind is Kind.NONE]
    assert legacy
    assert not any(volume.hosts for volume in legacy)


def test_R26_a_zone_without_room_for_every_type_of_pool_is_told() -> None:
    with pytest.raises(ValueError, match="each zone needs 5 pools"):
        batch_case(1, pools=8, hosts=10, vms=10, zones=2)


def demand(requests: list[Request]) -> Counter[str]:
    """Recounted from the requests: each volume where its offering's plan means it to go."""
    total: Counter[str] = Counter()
    for request in requests:
        for name, amount in request.host_resources:
            total[f"host {name}"] += amount
        for meant in PLAN[request.offering or ""]:
            way, share = request.alternatives[meant.alternative], meant.share
            array = meant.pool_type in ("ssd", "sealed", "shared")
            size = -(-request.size_bytes // MB) * MB if array else request.size_bytes
            floor = way.qos.iops.total.floor or 0
            ceiling = way.qos.iops.total.ceiling or 0
            default = 100 if meant.pool_type in ("ssd", "sealed") and way.kind is Kind.NONE else 0
            total[f"{meant.pool_type} bytes"] += size * share // 100
            if array:
                total[f"{meant.pool_type} iops"] += (floor + default) * share // 100
            total["host iops"] += (ceiling if way.kind is Kind.THROTTLED else floor) * share // 100
    return total


def sellable(inventory: Inventory) -> Counter[str]:
    """Recounted from the places and what lies on them; arrays that hold unlimited volumes sell no IOPS."""
    left: Counter[str] = Counter()
    unlimited = {volume.pool for volume in inventory.volumes.values() if volume.alternative.kind is Kind.NONE}
    for pool in inventory.pools.values():
        left[f"{pool.driver} bytes"] += int((pool.capacity.total_bytes or 0) * pool.capacity.overcommit)
        if pool.iops.total is not None and pool.name not in unlimited:
            left[f"{pool.driver} iops"] += int(pool.iops.total * pool.iops.overcommit)
    for host in inventory.hosts.values():
        left["host iops"] += host.iops.total or 0
        for name, sold in host.resources.items():
            left[f"host {name}"] += int((sold.total or 0) * sold.overcommit)
    for volume in inventory.volumes.values():
        driver, way = inventory.pools[volume.pool].driver, volume.alternative
        array = driver in ("ssd", "sealed", "shared")
        size = volume.request.size_bytes
        left[f"{driver} bytes"] -= -(-size // MB) * MB if array else size
        floor = way.qos.iops.total.floor or 0
        if array and volume.pool not in unlimited:
            left[f"{driver} iops"] -= floor
        if volume.hosts:
            throttled = way.qos.iops.total.ceiling or 0
            carried = {Kind.THROTTLED: throttled, Kind.PROVISIONED: floor}
            left["host iops"] -= carried.get(way.kind, 0)
            for name, amount in volume.request.host_resources:
                left[f"host {name}"] -= amount
    return left

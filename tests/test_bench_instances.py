"""The instances that batches are measured on: planted answers break nothing and fill the fleet as they promise."""

from __future__ import annotations

from fractions import Fraction

import pytest

from allocator import Policy
from allocator.documents import build
from allocator.domain.placement import Volume
from allocator.rules import rules_of
from allocator.verify import worsened
from bench.planted import Planted, Tight, planted, tight
from bench.small import small

POLICY = Policy()
RULES = rules_of(POLICY)


def placed(instance: Planted) -> dict[str, tuple[int, int]]:
    """What the planted answer leaves of each pool's bytes and IOPS; it places everything and breaks nothing."""
    world = build({**instance.documents, "requests": instance.requests}, POLICY)
    pools = world.inventory.pools
    volumes = [
        Volume.on(pools[instance.pools[r.name]], r, r.alternatives[0], (instance.hosts[r.vm],) if r.vm else ())
        for r in world.requests
    ]
    assert worsened(world.inventory, RULES, volumes) == []
    left = {name: (pool.capacity.total_bytes or 0, pool.iops.total or 0) for name, pool in pools.items()}
    for volume in volumes:
        size, floor = left[volume.pool]
        left[volume.pool] = size - volume.request.size_bytes, floor - (volume.alternative.qos.iops.floor() or 0)
    return left


def test_a_planted_fleet_is_full_in_both_dimensions() -> None:
    """R06, R22: 97 % of each pool's space and IOPS are taken, and seven volumes in ten need a tier."""
    instance = planted(1, pools=9, volumes=90)
    totals = {pool["name"]: (pool["capacity"], pool["iops"]) for pool in instance.documents["pools"]}
    for name, left in placed(instance).items():
        for amount, total in zip(left, totals[name], strict=True):
            assert Fraction(amount, total) == pytest.approx(0.03, abs=0.001)
    tiered = [request for request in instance.requests if {"gold", "silver", "bronze"} & set(request["tags"])]
    assert 50 <= len(tiered) <= 76


@pytest.mark.parametrize(("full", "part"), [("capacity", 0), ("iops", 1)])
def test_a_tight_fleet_is_full_in_one_dimension(full: Tight, part: int) -> None:
    """R22: not a byte, or not one IOPS, is left; of the other there is a tenth at least."""
    instance = tight(2, full, vms=12, pools=4, hosts=4)
    totals = {pool["name"]: (pool["capacity"], pool["iops"]) for pool in instance.documents["pools"]}
    for name, left in placed(instance).items():
        assert left[part] == 0
        assert left[1 - part] * 11 >= totals[name][1 - part] - 11


def test_a_tight_fleet_may_be_full_of_vcpus() -> None:
    """R08, R22: the hosts' CPUs are gone, their IOPS are not."""
    instance = tight(3, "vcpu", vms=12, pools=4, hosts=4)
    placed(instance)
    asked = sum(machine["resources"]["vcpu"] for machine in instance.documents["vms"])
    assert asked == sum(host["resources"]["vcpu"] for host in instance.documents["hosts"])


def test_a_small_batch_asks_for_its_share() -> None:
    """R22: three quarters of the space and of the arrays' IOPS are asked for."""
    documents, requests = small(4, vms=60, pools=12, hosts=20, tightness=Fraction(3, 4))
    world = build({**documents, "requests": requests}, POLICY)
    pools = world.inventory.pools.values()
    assert (len(pools), len(world.inventory.hosts), len({request["vm"] for request in requests})) == (12, 20, 60)
    space = sum(pool.capacity.total_bytes or 0 for pool in pools)
    assert sum(request.size_bytes for request in world.requests) / space == pytest.approx(0.75, abs=0.01)
    assert small(4) == small(4) != small(5)

"""The policies of other schedulers choose as they say, break no rule, and see the fleet as the rules do."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from allocator.domain.inventory import Inventory
from allocator.domain.placement import Volume
from allocator.domain.places import Amount, Capacity, Host, Pool
from allocator.domain.policy import Policy
from allocator.domain.request import Apart, Request
from allocator.fleet import Fleet
from allocator.rules import rules_of
from allocator.screen import Screen
from allocator.solver.classes import Unit, units_of
from allocator.verify import worsened
from bench.baselines import POLICIES, packed
from bench.fleets import batch_case
from bench.masks import Masks
from bench.offers import POOL_TYPES, agent_manifest, ways
from bench.room import Room

GIB = 2**30
RULES = rules_of(Policy())


def files(name: str, gib: int) -> Pool:
    return Pool(name, "files", POOL_TYPES["files"].manifest, "zone", "z", managed=False, capacity=Capacity(gib * GIB))


def host(name: str, vcpu: int) -> Host:
    return Host(name, "z", manifest=agent_manifest(), protocols=frozenset({"nfs"}), iops=Amount(10_000),
                bandwidth=Amount(GIB), resources={"vcpu": Amount(vcpu)})  # fmt: skip


def bulk(vm: str, gib: int, **facts: object) -> Request:
    made = {"host_resources": (("vcpu", 1),)} | facts
    return Request(f"{vm}-0", gib * GIB, ways("bulk", gib), vm=vm, **made)  # type: ignore[arg-type]


def lying(pool: Pool, gib: int) -> Volume:
    request = Request(f"on-{pool.name}", gib * GIB, ways("bulk", gib))
    return Volume.on(pool, request, request.alternatives[0])


@pytest.mark.parametrize(("policy", "pool", "at"), [("first-fit", "a", "h1"), ("best-fit", "b", "h1"),
                                                    ("most-free", "c", "h2")])  # fmt: skip
def test_R26_each_policy_chooses_by_its_own_order(policy: str, pool: str, at: str) -> None:
    """Of 100 GiB each, a has 50 left, b 20 and c 90; h1 has 4 of 4 CPUs free and h2 8 of 8: equal shares."""
    pools = [files("a", 100), files("b", 100), files("c", 100)]
    volumes = [lying(pools[0], 50), lying(pools[1], 80), lying(pools[2], 10)]
    hosts = [host("h1", 4), host("h2", 8)]
    busy = Request("busy-0", GIB, ways("bulk", 1), vm="busy", host_resources=(("vcpu", 1),))
    volumes.append(Volume.on(pools[0], busy, busy.alternatives[0], ("h1",)))
    found = packed(units_of([bulk("vm", 10)]), Inventory(pools, hosts, volumes), RULES, policy)
    assert [(volume.pool, volume.hosts) for volume in found["vm"]] == [(pool, (at,))]


def test_R26_a_vm_that_finds_no_pool_leaves_nothing_behind() -> None:
    """The first volume fits and the second does not; the VM after it finds all 100 GiB free."""
    two = Unit((bulk("big", 60), Request("big-1", 60 * GIB, ways("bulk", 60), vm="big")))
    inventory = Inventory([files("a", 100)], [host("h", 4)])
    found = packed([two, *units_of([bulk("next", 100)])], inventory, RULES, "best-fit")
    assert list(found) == ["next"]


@pytest.mark.parametrize("over", ["pool", "host"])
def test_R26_members_of_a_group_stay_apart(over: str) -> None:
    """Three members on two pools and two hosts: one finds no place."""
    inventory = Inventory([files("a", 100), files("b", 100)], [host("h1", 4), host("h2", 4)])
    asked = [bulk(f"vm-{number}", 1, group="g", apart=Apart(over)) for number in range(3)]
    found = packed(units_of(asked), inventory, RULES, "first-fit")
    assert sorted(found) == ["vm-0", "vm-1"]
    assert len({volume.pool if over == "pool" else volume.hosts for (volume,) in found.values()}) == 2


def test_R26_an_unknown_policy_is_told() -> None:
    with pytest.raises(ValueError, match="'worst-fit' is no baseline"):
        packed([], Inventory(), RULES, "worst-fit")


@pytest.mark.parametrize("policy", POLICIES)
def test_R26_answers_break_no_rule_and_are_the_same_again(policy: str) -> None:
    inventory, requests = batch_case(2, pools=20, hosts=30, vms=120, tightness="0.95")
    units = units_of(requests)
    found = packed(units, inventory, RULES, policy, seed=7)
    volumes = [volume for members in found.values() for volume in members]
    assert 60 < len(found) < 120
    assert worsened(inventory, RULES, volumes) == []
    again = packed(units, inventory, RULES, policy, seed=7)
    assert [(v.name, v.pool, v.hosts) for members in again.values() for v in members] == [
        (v.name, v.pool, v.hosts) for v in volumes
    ]


def test_R26_mended_masks_are_those_of_a_fresh_screen() -> None:
    """Volumes come and go at random; every mask that was worked out before them must follow."""
    inventory, requests = batch_case(3, pools=15, hosts=20, vms=60)
    fleet = Fleet(inventory)
    screen, rng = Screen(fleet, RULES), Random(1)
    masks = Masks(screen)
    asks = [ask for request in requests[:40] if request.group is None for ask in fleet.asks(request)]
    there: list[Volume] = []
    came = 0
    for _ in range(25):
        for ask in asks:
            assert np.array_equal(masks.pools(ask), screen.pools(ask))
            assert np.array_equal(masks.hosts((ask,)), screen.hosts((ask,)))
        ask = rng.choice(asks)
        pools, hosts = np.flatnonzero(masks.pools(ask)), np.flatnonzero(masks.hosts((ask,)))
        if there and rng.random() < 0.3:
            masks.remove(there.pop())
        elif len(pools) and len(hosts) and ask.request.name not in [volume.name for volume in there]:
            at = (fleet.hosts[rng.choice(list(hosts))].name,)
            row = fleet.pools[rng.choice(list(pools))]
            there.append(Volume(ask.request, row.name, at, ask.alternative, ask.asked))
            masks.add(there[-1])
            came += 1
    assert came > 5


def test_R26_room_is_the_mean_share_that_is_left() -> None:
    """Of 100 GiB 40 are taken: 0.6 left. Of 4 CPUs one, of 10,000 IOPS 300: (0.75 + 0.97) / 2."""
    pool = files("a", 100)
    asked = bulk("vm", 40)
    room = Room(Fleet(Inventory([pool], [host("h", 4)], [Volume.on(pool, asked, asked.alternatives[0], ("h",))])))
    assert room.pools.tolist() == pytest.approx([0.6])
    assert room.hosts.tolist() == pytest.approx([0.86])

"""Batches of thousands, on paper: what is merged, what is counted, who goes to which zone, and what fits where."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pytest

from allocator.domain.inventory import Inventory
from allocator.domain.placement import Volume
from allocator.domain.policy import Effort, Policy
from allocator.domain.request import Apart, Request
from allocator.fleet import Fleet
from allocator.goal import Tiers
from allocator.goals import tiers_of
from allocator.rules import rules_of
from allocator.screen import Screen
from allocator.solver import search
from allocator.solver.bulk.checked import checked
from allocator.solver.bulk.counted import EVEN, HINT, Counted
from allocator.solver.bulk.dealing import dealt, shares
from allocator.solver.bulk.many import place_many
from allocator.solver.bulk.merging import Merged, Zones, by_cluster
from allocator.solver.bulk.programme import Programme
from allocator.solver.bulk.seating import Seating
from allocator.solver.bulk.shapes import Shapes
from allocator.solver.classes import units_of
from allocator.solver.search import Solution
from allocator.testing.made import ISOLATING, amount, host, pool, provisioned, request, sized, throttled, volume
from allocator.verify import worsened
from bench.fleets import batch_case

POLICY = Policy()
RULES = rules_of(POLICY)
TIERS: Tiers = tiers_of(POLICY, RULES)
CORES = {"vcpu": amount(4)}
"""Four of them on each host."""


def vm(name: str, cores: int, size: int = 1, **facts: object) -> Request:
    """A VM of one volume."""
    return request(f"{name}-root", size, vm=name, host_resources=(("vcpu", cores),), **facts)


def cluster(zone: str, hosts: int, room: int) -> Inventory:
    """Equal hosts of four cores, and one pool that they all reach."""
    made = [host(f"{zone}-{number}", zone=zone, resources=CORES) for number in range(hosts)]
    return Inventory([pool(f"p-{zone}", zone=zone, capacity=sized(room))], made)


def shapes(inventory: Inventory, *asked: Request) -> Shapes:
    return Shapes(units_of(asked), Screen(Fleet(inventory.copy()), RULES))


def least_refused(found: Shapes) -> int:
    counted = Counted(found, *by_cluster(found), even=0.0)
    optimum = counted.programme.solve()
    assert optimum is not None
    return counted.refused_at_least(optimum)


def placed_all(inventory: Inventory, *asked: Request, work: float = 1.0) -> Solution:
    screen = Screen(Fleet(inventory.copy()), RULES)
    return place_many(units_of(asked), screen, inventory, TIERS, Effort(work=work))


def test_a_programme_on_paper() -> None:
    """max 3x + 2y, x + y <= 4, x <= 3: 11 with x = 3 and y = 1; and 12 is proven by a price of 3 for the row.

    Where the only x is at most 0, nothing is gained; a price below nothing proves no less.
    """
    made = Programme()
    columns = np.concatenate([made.variables(1, 3.0, 3.0), made.variables(1, 9.0, 2.0)])
    made.at_most(columns, 1.0, 4.0)
    found = made.solve()
    assert found is not None
    assert found.values.round(6).tolist() == [3, 1]
    assert made.ceiling(found.duals) == pytest.approx(11)
    assert made.ceiling(np.array([3.0])) == pytest.approx(12)
    assert Programme().solve() is not None
    made = Programme()
    made.at_most(made.variables(1, 0.0, 3.0), 1.0, 4.0)
    assert made.ceiling(np.array([-1.0])) >= 0


def test_new_groups_do_not_tell_vms_apart() -> None:
    """Six VMs in two new groups are one shape; those of a group with a member on the fleet are another."""
    fleet = cluster("a", 4, 100)
    old = volume(fleet.pools["p-a"], request("old", group="there", apart=Apart("host")))
    with_old = Inventory(fleet.pools.values(), fleet.hosts.values(), [old])
    asked = [vm(f"{group}{n}", 1, group=group, apart=Apart("host")) for group in ("g", "h", "there") for n in range(3)]
    assert [len(shape.units) for shape in shapes(with_old, *asked).all] == [6, 3]


def test_members_of_a_group_are_kept_apart_while_they_are_seated() -> None:
    """R22: three members on two hosts: two are seated; three of another group find room for two as well."""
    found = shapes(
        cluster("a", 2, 100), *[vm(f"{g}{n}", 1, group=g, apart=Apart("host")) for g in "gh" for n in range(3)]
    )
    seating = Seating(found)
    (shape,) = found.all
    assert [seating.seat(unit, shape) for unit in shape.units] == [True, True, False] * 2
    seating.leave("g0")
    assert seating.seat(shape.units[2], shape)


def test_old_members_of_a_group_count() -> None:
    """R22: at most two on the only host, where one lies: of two more one is seated."""
    fleet, apart = cluster("a", 1, 100), Apart("host", 2)
    lying = volume(fleet.pools["p-a"], vm("old", 1, group="g", apart=apart), fleet.hosts["a-0"])
    with_old = Inventory(fleet.pools.values(), fleet.hosts.values(), [lying])
    found = shapes(with_old, *[vm(f"m{n}", 1, group="g", apart=apart) for n in range(2)])
    seating = Seating(found)
    (shape,) = found.all
    assert [seating.seat(unit, shape) for unit in shape.units] == [True, False]


def test_what_is_above_its_limit_takes_no_room_from_others() -> None:
    """Six of four cores are taken on one host; the other carries four more VMs, of five."""
    fleet = cluster("a", 2, 100)
    lying = volume(fleet.pools["p-a"], vm("old", 6), fleet.hosts["a-0"])
    broken = Inventory(fleet.pools.values(), fleet.hosts.values(), [lying])
    assert least_refused(shapes(broken, *[vm(f"m{n}", 1) for n in range(4)])) == 0
    assert least_refused(shapes(broken, *[vm(f"m{n}", 1) for n in range(5)])) == 1


def test_each_way_is_counted_where_it_takes_least() -> None:
    """A floor of 10 or a throttle of 50, on hosts of 20 IOPS: two VMs fit each host by their floors."""
    made = [host(f"h{number}", iops=amount(20)) for number in range(2)]
    inventory = Inventory([pool("p", ISOLATING, capacity=sized(100), iops=amount(100))], made)
    asked = [request(f"r{n}", 1, provisioned(10, 20), throttled(50), vm=f"m{n}") for n in range(5)]
    assert least_refused(shapes(inventory, *asked[:4])) == 0


def test_a_volume_is_counted_where_it_takes_least() -> None:
    """Of 10 bytes, and of 10 sold twice: a thick volume of 4 takes 4 of the one and 8 of the 20; two fit on each."""
    pools = [pool("once", capacity=sized(10)), pool("twice", capacity=sized(10, "2"))]
    asked = [request(f"r{n}", 4, provisioning="thick") for n in range(4)]
    assert len(placed_all(Inventory(pools), *asked).placed) == 4
    found = shapes(Inventory(pools), *asked)
    zones = Zones.of(found)
    assert len(zones.pools.rows) == 1
    optimum = (counted := Counted(found, zones.hosts, zones.pools, even=0.0)).programme.solve()
    assert optimum is not None
    assert counted.refused_at_least(optimum) == 0


def test_a_pool_of_one_host_is_reached_by_it() -> None:
    """Local pools of 4 bytes on two hosts, and no other: two VMs of 3 bytes fit, a third does not."""
    made = [host(f"h{number}", resources=CORES) for number in range(2)]
    pools = [pool(f"l{number}", scope="host", host=f"h{number}", capacity=sized(4)) for number in range(2)]
    asked = [vm(f"m{n}", 1, 3) for n in range(3)]
    assert least_refused(shapes(Inventory(pools, made), *asked[:2])) == 0
    assert len(placed_all(Inventory(pools, made), *asked).placed) == 2


def test_hosts_of_a_cluster_are_counted_as_one() -> None:
    """Two hosts of four cores carry four VMs of two, not five; and two of three cores, by the sum and one by one."""
    five = shapes(cluster("a", 2, 100), *[vm(f"m{n}", 2) for n in range(5)])
    assert [len(part.rows) for part in by_cluster(five)] == [1, 1]
    assert least_refused(five) == 1
    three = [vm(f"m{n}", 3) for n in range(3)]
    assert least_refused(shapes(cluster("a", 2, 100), *three)) == 1
    assert len(placed_all(cluster("a", 2, 100), *three).placed) == 2


def test_what_is_refused_weighs_what_it_is_worth() -> None:
    """Room for ten bytes: the VM of priority 4 and one of the others; refusing the other costs 1."""
    asked = vm("a", 1, 5), vm("b", 1, 5), vm("c", 1, 5, priority=4)
    found = placed_all(cluster("a", 2, 10), *asked)
    assert "c" in found.placed
    assert (found.goals[0].cost, found.goals[0].bound, found.status) == (1, 1, "feasible")


def test_units_are_dealt_to_zones_by_their_room() -> None:
    """R22: two hosts carry eight of twelve cores, one carries four; who names a zone gets it."""
    fleets = cluster("a", 2, 100), cluster("b", 1, 100)
    both = Inventory(
        [p for fleet in fleets for p in fleet.pools.values()], [h for fleet in fleets for h in fleet.hosts.values()]
    )
    found = shapes(both, *[vm(f"m{n}", 1) for n in range(10)], *[vm(f"b{n}", 1, zone="b") for n in range(2)])
    zones = Zones.of(found)
    counted = Counted(found, zones.hosts, zones.pools, even=HINT)
    parts = dealt(found, zones, counted, counted.programme.solve())
    assert [(part.pools, part.hosts, len(part.units)) for part in parts] == [
        (("p-a",), ("a-0", "a-1"), 8),
        (("p-b",), ("b-0",), 4),
    ]
    assert len(placed_all(both, *[unit.requests[0] for shape in found.all for unit in shape.units]).placed) == 12


def test_shares_are_whole_and_add_up() -> None:
    """Ten in proportion 1 : 1 : 1 is 4, 3, 3; in proportion 1 : 0 all of it."""
    assert shares(10, {0: 1.0, 1: 1.0, 2: 1.0}) == {0: 4, 1: 3, 2: 3}
    assert shares(3, {5: 2.0, 6: 0.0}) == {5: 3, 6: 0}


def test_an_even_programme_spares_what_it_can() -> None:
    """Six VMs of one core, two clusters of one host with four: four and two would do; evenly it is three and three.

    Eight fill both, which costs something and refuses nobody.
    """
    made = [host(f"h-{name}", zone="z", cluster=name, resources=CORES) for name in "xy"]
    found = shapes(Inventory([pool("p", zone="z", capacity=sized(100))], made), *[vm(f"m{n}", 1) for n in range(6)])
    counted = Counted(found, *by_cluster(found), even=EVEN)
    optimum = counted.programme.solve()
    assert optimum is not None
    assert [round(optimum.values[column], 1) for column in counted.seats.values()] == pytest.approx([3, 3], abs=0.41)
    assert counted.refused_at_least(optimum) == 0
    full = shapes(Inventory([pool("p", zone="z", capacity=sized(100))], made), *[vm(f"m{n}", 1) for n in range(8)])
    uneven = Counted(full, *by_cluster(full), even=EVEN)
    crowded = uneven.programme.solve()
    assert crowded is not None
    assert uneven.refused_at_least(crowded) == 0


def test_a_limit_that_cannot_bind_has_no_row() -> None:
    """A volume with a floor on an array that isolates, beside one that nobody limits: no limit but the figures'."""
    isolating = pool("p", ISOLATING, capacity=sized(100), iops=amount(100))
    old = volume(isolating, request("old", 5))
    found = shapes(Inventory([isolating], [], [old]), request("r", 1, provisioned(10)))
    assert {charge.name: left.tolist() for charge, left in zip(found.pools.charges, found.pools.left, strict=True)} == {
        "bytes": [95],
        "guaranteed IOPS": [100],
    }
    assert found.pools.gates == []


def test_a_gate_that_nobody_opens_is_a_limit_or_none() -> None:
    """R12: on shared storage an old volume that nobody limits leaves no room for a floor; the empty pool has some."""
    shared = [pool(name, capacity=sized(100), iops=amount(100)) for name in "pq"]
    found = shapes(Inventory(shared, [], [volume(shared[0], request("old", 5))]), request("r", 1, provisioned(10)))
    assert found.pools.gates == []
    ((way,),) = found.all[0].ways
    assert found.pools.fits(way.need).tolist() == [False, True]


def test_gates_hold_while_volumes_come() -> None:
    """R12: a floor and a volume that nobody limits never share a pool, whichever comes first."""
    inventory = Inventory([pool("p", capacity=sized(10), iops=amount(100))], [])
    promised, plain = request("promised", 1, provisioned(10)), request("plain", 1)
    for first, second in ((promised, plain), (plain, promised)):
        found = shapes(inventory, first, second)
        seating = Seating(found)
        seats = {unit.name: (unit, shape) for shape in found.all for unit in shape.units}
        assert seating.seat(*seats[first.name])
        assert not seating.seat(*seats[second.name])
        seating.leave(first.name)
        assert seating.seat(*seats[second.name])


def test_a_seat_that_is_left_is_as_it_was() -> None:
    """What is left on the shelves is the same before and after."""
    found = shapes(cluster("a", 2, 100), vm("m", 2, 7))
    seating, (shape,) = Seating(found), found.all
    before = found.pools.left.copy(), found.hosts.left.copy()
    assert seating.seat(shape.units[0], shape)
    cores = [charge.name for charge in found.hosts.charges].index("vcpu")
    assert sorted(found.hosts.left[cores].tolist()) == [2, 4]
    seat = seating.leave("m")
    assert (found.pools.left == before[0]).all()
    assert (found.hosts.left == before[1]).all()
    seating.back(seat)
    assert sorted(found.hosts.left[cores].tolist()) == [2, 4]
    assert [volume.hosts for volume in seating.volumes(seat)] == [(f"a-{seat.host}",)]


def test_what_breaks_a_rule_is_not_kept() -> None:
    """R22: three volumes of four bytes on a pool of ten: the last is not kept, wherever the mistake came from."""
    inventory = cluster("a", 1, 10)
    placed = {
        f"r{n}": (Volume.on(inventory.pools["p-a"], (r := request(f"r{n}", 4)), r.alternatives[0]),) for n in range(3)
    }
    kept, after = checked(placed, inventory, RULES)
    assert (list(kept), sorted(after.volumes)) == (["r0", "r1"], ["r0", "r1"])
    assert not inventory.volumes


def test_places_that_count_as_one() -> None:
    """Rows by their keys, in the order in which these are met."""
    merged = Merged.by("abacb")
    assert merged.of.tolist() == [0, 1, 0, 2, 1]
    assert [rows.tolist() for rows in merged.rows] == [[0, 2], [1, 4], [3]]


@pytest.mark.parametrize("zones", [1, 2])
def test_a_seeded_batch(zones: int) -> None:
    """R22: the answer breaks nothing, keeps its bound, is no worse than one VM after the other, and always the same."""
    inventory, requests = batch_case(3, pools=16, hosts=24, vms=80, zones=zones, tightness="0.9")
    effort, units = Effort(work=0.5), units_of(requests)
    with patch.object(search, "MANY", 0):
        found, again = (search.solve(units, inventory, RULES, TIERS, effort) for _ in range(2))
    volumes = [volume for members in found.placed.values() for volume in members]
    assert worsened(inventory, RULES, volumes) == []
    goal = found.goals[0]
    assert goal.bound is not None
    assert (
        goal.bound <= goal.cost == sum(1 + r.priority for u in units if u.name not in found.placed for r in u.requests)
    )
    one_by_one = shapes(inventory, *requests)
    seating = Seating(one_by_one)
    alone = [seating.seat(unit, shape) for shape in one_by_one.all for unit in shape.units]
    assert goal.cost <= sum(
        shape.weight
        for (shape, _), seated in zip(((s, u) for s in one_by_one.all for u in s.units), alone, strict=True)
        if not seated
    )
    assert [(name, [(v.pool, v.hosts) for v in members]) for name, members in found.placed.items()] == [
        (name, [(v.pool, v.hosts) for v in members]) for name, members in again.placed.items()
    ]
    assert found.deterministic

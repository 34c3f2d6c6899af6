"""A batch is cut where its parts cannot influence each other."""

from __future__ import annotations

from allocator.domain.inventory import Inventory
from allocator.domain.places import Quota, Tenant
from allocator.domain.policy import Effort, Policy
from allocator.domain.request import Near, Request
from allocator.fleet import Fleet
from allocator.goals import tiers_of
from allocator.rules import rules_of
from allocator.screen import Screen
from allocator.solver.classes import Unit, units_of
from allocator.solver.parts import independent_parts
from allocator.solver.search import solve
from allocator.testing.made import host, manifest, pool, request, sized, volume

POOLS = [pool(f"p-{zone}", zone=zone, capacity=sized(10)) for zone in "xyz"]
HOSTS = [host(f"h-{zone}", zone=zone) for zone in "xyz"]
LOCAL = pool("local", zone="x", scope="host", host="h-x", capacity=sized(10))


def parts(*asked: Request, homes: tuple[Unit, ...] = ()) -> list[list[str]]:
    inventory = Inventory([*POOLS, LOCAL], HOSTS, tenants=[Tenant("t", (Quota(capacity_bytes=9),))])
    screen = Screen(Fleet(inventory), rules_of(Policy()))
    return [[unit.name for unit in part.units] for part in independent_parts([*homes, *units_of(asked)], screen)]


def test_zones_are_parts() -> None:
    """R22: a volume of any zone would join them."""
    pinned = [request(f"r{number}", zone=zone, vm=f"m{number}") for number, zone in enumerate("xyx")]
    assert parts(*pinned) == [["m0", "m2"], ["m1"]]
    assert parts(*pinned, request("any")) == [["m0", "m1", "m2", "any"]]


def test_a_local_pool_lies_with_its_host() -> None:
    """R17."""
    assert parts(request("a", pool="local"), request("b", vm="m", zone="x"), request("c", zone="y")) == [
        ["a", "m"],
        ["c"],
    ]


def test_groups_and_tenants_join() -> None:
    """A quota is one for all zones, and so are a group and what wants to be near it."""
    assert parts(request("a", zone="x", tenant="t"), request("b", zone="y", tenant="t")) == [["a", "b"]]
    assert parts(request("a", zone="x", group="g"), request("b", zone="y", near=Near("g", "zone"))) == [["a", "b"]]


def test_what_moves_is_where_it_lies() -> None:
    """R25: out of a zone in which it may not be."""
    lying = volume(POOLS[1], request("v", zone="x"))
    assert parts(request("a", zone="y"), request("b", zone="z"), homes=(Unit((lying.request,), (lying,)),)) == [
        ["v", "a"],
        ["b"],
    ]


def test_costs_and_bounds_of_parts_add_up() -> None:
    """R22: two of three in each of two zones."""
    asked = [request(f"r{number}{zone}", 5, zone=zone) for number in range(3) for zone in "yz"]
    rules = rules_of(Policy())
    found = solve(units_of(asked), Inventory(POOLS), rules, tiers_of(Policy(), rules), Effort())
    assert (len(found.placed), found.status) == (4, "optimal")
    assert (found.goals[0].cost, found.goals[0].bound) == (2, 2)


def test_what_is_near_a_newcomer_may_meet_others_there() -> None:
    """R22: `b` opens p to `a`, where `c` wants to be as well: p has room for one of them."""
    spoken = [manifest(name, protocols=frozenset({name})) for name in ("iscsi", "nbd")]
    q, p = (pool(name, driver, capacity=sized(1)) for name, driver in zip("qp", spoken, strict=True))
    asked = [
        request("a", pool="p", near=Near("g", "zone")),
        request("b", pool="q", group="g"),
        request("c", pool="p"),
    ]
    rules = rules_of(Policy())
    found = solve(units_of(asked), Inventory([p, q]), rules, tiers_of(Policy(), rules), Effort())
    assert (len(found.placed), found.goals[0].cost, found.goals[0].bound) == (2, 1, 1)


def test_who_is_coming_opens_what_was_closed() -> None:
    """R22: the group has a volume far away, where `c` goes by itself; `b` opens p to `a` as well."""
    spoken = [manifest(name, protocols=frozenset({name})) for name in ("iscsi", "nbd")]
    q, p = (pool(name, driver, capacity=sized(1)) for name, driver in zip("qp", spoken, strict=True))
    far = pool("far", zone="w", capacity=sized(2))
    lying = volume(far, request("old", group="g"))
    asked = [
        request("a", pool="p", near=Near("g", "zone")),
        request("b", pool="q", group="g"),
        request("c", pool="far"),
    ]
    rules, inventory = rules_of(Policy()), Inventory([p, q, far], [], [lying])
    parts = independent_parts(units_of(asked), Screen(Fleet(inventory), rules))
    assert [part.pools for part in parts] == [("p", "q"), ("far",)]
    assert len(solve(units_of(asked), inventory, rules, tiers_of(Policy(), rules), Effort()).placed) == 3

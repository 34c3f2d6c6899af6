"""What is equal is counted: units of requests, and hosts."""

from __future__ import annotations

from allocator.domain.inventory import Inventory
from allocator.fleet import Fleet
from allocator.solver.classes import Unit, host_classes, unit_classes, units_of
from allocator.testing.made import amount, host, pool, provisioned, request, volume

P = pool()
TWINS = units_of(
    [request(f"{vm}-{disk}", size, vm=vm) for vm in ("a", "b", "c") for disk, size in (("x", 1), ("y", 2))]
)


def test_a_unit_is_a_vm_or_a_request_without_one() -> None:
    """R23: in the order in which they were given."""
    asked = [request("r1", vm="m"), request("r2"), request("r3", vm="m"), request("m")]
    assert [[one.name for one in unit.requests] for unit in units_of(asked)] == [["r1", "r3"], ["r2"], ["m"]]
    assert [unit.name for unit in units_of(asked)] == ["m", "r2", "m"]
    assert [unit.attaches for unit in units_of(asked)] == [True, False, False]


def test_equal_units_are_one_class() -> None:
    """Names apart, everything counts: a third VM with another size or a floor is another class."""
    fleet = Fleet(Inventory([P]))
    other = units_of([request("d", 1, provisioned(1), vm="d"), request("e", 1, vm="e"), request("f", 1)])
    assert [len(one) for one in unit_classes([*TWINS, *other], fleet, merge=True)] == [3, 1, 1, 1]
    assert [len(one) for one in unit_classes(TWINS, fleet, merge=False)] == [1, 1, 1]


def test_what_lies_somewhere_stays_single() -> None:
    """A unit that moves, and one whose VM has a volume already."""
    lying = volume(P, request("v", vm="a"), host())
    fleet = Fleet(Inventory([P], [host()], [lying]))
    moving = [Unit((request(name),), (volume(P, request(name)),)) for name in ("p", "q")]
    assert [len(one) for one in unit_classes([*TWINS, *moving], fleet, merge=True)] == [1, 2, 1, 1]


def test_equal_hosts_are_one_class() -> None:
    """But for those with a pool of their own, and those that a request, a VM or a move names."""
    hosts = [host(f"h{number}") for number in range(6)] + [host("large", iops=amount(9))]
    local, lying = pool("local", scope="host", host="h0"), volume(P, request("v", vm="a"), hosts[1])
    fleet = Fleet(Inventory([P, local], hosts, [lying]))
    units = [*TWINS[:1], *units_of([request("r", vm="r", host="h2")])]
    units.append(Unit((request("s", vm="s"),), (volume(P, request("s", vm="s"), hosts[3]),)))
    rows = [one.rows for one in host_classes(units, fleet, merge=True)]
    assert rows == [(0,), (1,), (2,), (3,), (4, 5), (6,)]
    assert len(host_classes(units, fleet, merge=False)) == 7

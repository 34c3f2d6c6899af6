"""The host of one VM: what is kept of hosts decides how much is worked out, never the answer."""

from __future__ import annotations

from allocator.domain.inventory import Inventory
from allocator.domain.policy import Policy
from allocator.domain.request import Request
from allocator.fleet import Fleet
from allocator.goals import tiers_of
from allocator.rank import rank
from allocator.rules import rules_of
from allocator.screen import Screen
from allocator.testing.made import amount, host, pool, request, sized, throttled

P = pool("p", capacity=sized(999))


def hosts_of(screen: Screen, policy: Policy, *vms: Request) -> list[str | None]:
    """Where VMs of one volume go, each settled before the next is asked for."""
    tiers = tiers_of(policy, screen.rules)
    found: list[str | None] = []
    for asked in vms:
        choice = rank([asked], screen, tiers)
        found.append(None if choice is None else choice.volumes[0].hosts[0])
        screen.fleet.settle(() if choice is None else choice.volumes)
    return found


def test_the_cheapest_of_all_hosts_where_each_costs_something() -> None:
    """R24: 80 of 100 IOPS cost 100,000 millionths above 70 %; on h-69, the last of 70, 80 of 110 cost 27,273."""
    policy = Policy(unknown_total="unlimited")
    hosts = [host(f"h-{number:02}", iops=amount(110 if number == 69 else 100)) for number in range(70)]
    screen = Screen(Fleet(Inventory([P], hosts)), rules_of(policy))
    assert hosts_of(screen, policy, *(request(f"r{n}", 1, throttled(80), vm=f"m{n}") for n in range(2))) == [
        "h-69",
        "h-00",
    ]


def test_what_a_vm_demands_of_its_host_is_heard_each_time() -> None:
    """R08: h has 2 CPUs and i has 8: one goes to h, four to i, one to h, four to i, and then one to neither."""
    policy = Policy(unknown_total="unlimited")
    hosts = [host("h", resources={"vcpu": amount(2)}), host("i", resources={"vcpu": amount(8)})]
    screen = Screen(Fleet(Inventory([P], hosts)), rules_of(policy))
    vms = [request(f"r{n}", 1, vm=f"m{n}", host_resources=(("vcpu", cpus),)) for n, cpus in enumerate((1, 4, 1, 4, 1))]
    assert hosts_of(screen, policy, *vms) == ["h", "i", "h", "i", None]


def test_volumes_that_load_a_host_differently_are_not_one_to_it() -> None:
    """R08: h carries 20 IOPS and i 100: ten go to h and ninety to i, ten to h, ten to i, and ten to neither."""
    policy = Policy(unknown_total="unlimited", goals=((("placed", 1),),))
    screen = Screen(Fleet(Inventory([P], [host("h", iops=amount(20)), host("i", iops=amount(100))])), rules_of(policy))
    vms = [request(f"r{n}", 1, throttled(iops), vm=f"m{n}") for n, iops in enumerate((10, 90, 10, 10, 10))]
    assert hosts_of(screen, policy, *vms) == ["h", "i", "h", "i", None]

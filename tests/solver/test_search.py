"""Joint placement: better than one after the other, bounded, verified, and nothing placed is ever forgotten."""

from __future__ import annotations

import pytest

from allocator import rank as ranking
from allocator.domain.inventory import Inventory
from allocator.domain.policy import Effort, Policy
from allocator.domain.request import Apart, Request
from allocator.goals import tiers_of
from allocator.rules import rules_of
from allocator.solver import tiers
from allocator.solver.classes import Unit, units_of
from allocator.solver.search import Solution, solve
from allocator.testing.made import ANY, ISOLATING, amount, host, pool, provisioned, request, sized, throttled, volume
from allocator.verify import worsened

POLICY = Policy(goals=((("placed", 1),), (("price", 1),)))
RULES = rules_of(POLICY)


def solved(inventory: Inventory, *asked: Request | Unit, effort: Effort = Effort()) -> Solution:  # noqa: B008
    homes = [one for one in asked if isinstance(one, Unit)]
    units = [*homes, *units_of(one for one in asked if isinstance(one, Request))]
    return solve(units, inventory, RULES, tiers_of(POLICY, RULES), effort)


def pools_of(found: Solution) -> dict[str, str]:
    return {volume.name: volume.pool for volumes in found.placed.values() for volume in volumes}


def test_a_batch_is_placed_jointly() -> None:
    """R22: one after the other the larger takes the only pool of the smaller; jointly both fit."""
    pools = [pool("a", capacity=sized(6)), pool("b", ISOLATING, capacity=sized(6), iops=amount(0))]
    found = solved(Inventory(pools), request("large", 6), request("small", 5, pool="a"))
    assert pools_of(found) == {"large": "b", "small": "a"}
    assert (found.status, [(goal.cost, goal.bound) for goal in found.goals]) == ("optimal", [(0, 0), (0, 0)])


def test_tags_capabilities_capacities_exclusivity_and_hosts_together() -> None:
    """R22, R04, R06, R08, R12, R23: each forces one choice.

    The floor of 80 fits `fast` only (100 IOPS); the unbounded volume must then keep away from it and from its host; two
    throttles of 30 do not fit one host of 50.
    """
    pools = [
        pool("fast", ANY, capacity=sized(9), iops=amount(100), tags=frozenset({"ssd"})),
        pool("slow", ANY, capacity=sized(9)),
    ]
    hosts = [host(name, iops=amount(total)) for name, total in (("h0", 80), ("h1", 50), ("h2", 50))]
    asked = [
        request("kept", 1, provisioned(80, 90), vm="m0", tags=frozenset({"ssd"})),
        request("held", 1, throttled(30), vm="m1"),
        request("held-too", 1, throttled(30), vm="m2", pool="slow"),
    ]
    found = solved(Inventory(pools, hosts), *asked)
    where = {name: volumes[0].hosts[0] for name, volumes in found.placed.items()}
    assert (len(where), where["m0"], {where["m1"], where["m2"]}) == (3, "h0", {"h1", "h2"})
    more = solved(Inventory(pools, hosts), *asked, request("free", vm="m3"))
    assert more.goals[0].cost == more.goals[0].bound == 1


def test_what_lies_there_makes_room_by_moving() -> None:
    """R25: `v` lies on the only pool of `r` and moves to the other."""
    pools = [pool("a", capacity=sized(6)), pool("b", capacity=sized(6), price=1)]
    lying = volume(pools[0], request("v", 4))
    found = solved(Inventory(pools, [], [lying]), Unit((lying.request,), (lying,)), request("r", 6, pool="a"))
    assert pools_of(found) == {"v": "b", "r": "a"}
    assert [(goal.cost, goal.bound) for goal in found.goals] == [(0, 0), (1, 1)]


def test_no_time_is_an_answer_without_a_proof() -> None:
    """R22: one after the other it is then, the one with fewest pools first; nobody proved that b must be paid for."""
    pools = [pool("a", capacity=sized(6)), pool("b", capacity=sized(6), price=1)]
    asked = [request("large", 6), request("small", 5, pool="a")]
    found = solved(Inventory(pools), *asked, effort=Effort(work=0.0))
    assert found.status == "feasible"
    assert worsened(Inventory(pools), RULES, [one for volumes in found.placed.values() for one in volumes]) == []
    assert [(goal.cost, goal.bound) for goal in found.goals] == [(0, 0), (1, 0)]


def test_nothing_asked() -> None:
    """An empty batch is placed at no cost."""
    found = solved(Inventory([pool()]))
    assert (found.placed, found.status) == ({}, "optimal")


def test_merged_hosts_and_twins_are_told_apart_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """R22: six equal VMs on three equal hosts of two each; two replicas of each of three groups in two racks."""
    monkeypatch.setattr(tiers, "WHOLE", -1)
    racks = [pool(f"p{rack}{n}", domains={"rack": rack}, capacity=sized(2)) for rack in "xy" for n in range(2)]
    hosts = [host(f"h{number}", max_volumes=2) for number in range(3)]
    asked = [
        request(f"r{group}{number}", vm=f"m{group}{number}", group=f"g{group}", apart=Apart("rack"))
        for group in range(3)
        for number in range(2)
    ]
    inventory = Inventory(racks, hosts)
    found = solved(inventory, *asked)
    volumes = [volume for unit in found.placed.values() for volume in unit]
    assert len(volumes) == 6
    assert worsened(inventory, RULES, volumes) == []
    assert sorted(volume.hosts[0] for volume in volumes) == ["h0", "h0", "h1", "h1", "h2", "h2"]


def test_a_search_that_gives_up_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """R22: where ranking may try nothing at all, merged or not, the solver's own answer is left."""
    pools = [pool("a", capacity=sized(6)), pool("b", capacity=sized(6))]
    asked = [request(f"r{number}", 3, vm=f"m{number}") for number in range(4)]
    monkeypatch.setattr(ranking, "LIMIT", 0)
    for merge_from in (tiers.WHOLE, -1):
        monkeypatch.setattr(tiers, "WHOLE", merge_from)
        assert len(solved(Inventory(pools, [host("h0"), host("h1")]), *asked).placed) == 4

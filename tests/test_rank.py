"""Ranking: the best target of one VM, exact, with no solver loaded."""

from __future__ import annotations

import subprocess
import sys

import pytest

from allocator import rank as ranking
from allocator.domain.inventory import Inventory
from allocator.domain.policy import Policy
from allocator.domain.request import Apart, Near, Request
from allocator.fleet import Fleet
from allocator.goals import tiers_of
from allocator.rank import Beyond, Choice, rank
from allocator.rules import rules_of
from allocator.screen import Screen
from allocator.testing.made import amount, host, pool, provisioned, request, sized, volume

PRICED = Policy(goals=((("price", 1),),))
PAIR = (request("a", 2, vm="m"), request("b", 2, vm="m"))


def screened(inventory: Inventory, policy: Policy = PRICED) -> Screen:
    return Screen(Fleet(inventory), rules_of(policy))


def ranked(inventory: Inventory, *asked: Request, policy: Policy = PRICED) -> Choice | None:
    screen = screened(inventory, policy)
    return rank(asked, screen, tiers_of(policy, screen.rules))


def where(choice: Choice | None) -> list[str] | None:
    return None if choice is None else [volume.pool for volume in choice.volumes]


def test_the_cheapest_pool_and_of_equals_the_first_by_name() -> None:
    """R24: b and c cost 2, a costs 3."""
    pools = [pool(name, price=price, capacity=sized(9)) for name, price in (("c", 2), ("a", 3), ("b", 2))]
    choice = ranked(Inventory(pools), request())
    assert choice is not None
    assert (where(choice), choice.cost) == (["b"], (2,))


def test_goals_are_compared_in_their_order() -> None:
    """R27: preferred tags before price, or price before preferred tags."""
    pools = [pool("dear", price=9, tags=frozenset({"x"}), capacity=sized(9)), pool("cheap", price=1, capacity=sized(9))]
    asked = request(preferred_tags=frozenset({"x"}))
    first, second = (("preference", 1),), (("price", 1),)
    assert where(ranked(Inventory(pools), asked, policy=Policy(goals=(first, second)))) == ["dear"]
    assert where(ranked(Inventory(pools), asked, policy=Policy(goals=(second, first)))) == ["cheap"]
    assert where(ranked(Inventory(pools), asked, policy=Policy(goals=((("preference", 9), ("price", 1)),)))) == ["dear"]
    assert where(ranked(Inventory(pools), asked, policy=Policy(goals=((("preference", 7), ("price", 1)),)))) == [
        "cheap"
    ]


def test_two_volumes_that_compete_for_one_place() -> None:
    """R23: the cheap pool holds one of them; 2 x 1 GiB at 1 and 5 are 6, not 2 and not 10."""
    pools = [pool("cheap", price=1, capacity=sized(3)), pool("dear", price=5, capacity=sized(9))]
    choice = ranked(Inventory(pools, [host()]), *PAIR)
    assert choice is not None
    assert (where(choice), choice.cost) == (["cheap", "dear"], (6,))


def test_the_first_choice_of_one_may_be_the_only_one_of_another() -> None:
    """R23: `a` would take p, but `b` fits nowhere else."""
    pools = [pool("p", price=1, capacity=sized(2)), pool("q", price=5, capacity=sized(2))]
    asked = (request("a", 2, vm="m"), request("b", 2, vm="m", pool="p"))
    assert where(ranked(Inventory(pools, [host()]), *asked)) == ["q", "p"]
    assert where(ranked(Inventory(pools[:1], [host()]), *asked)) is None


def test_the_host_reaches_all_pools() -> None:
    """R17, R23: the cheap local pools lie on two hosts; either with the shared pool costs 1 + 5."""
    h0, h1 = host("h0"), host("h1")
    local = [pool(f"on-{at.name}", scope="host", host=at.name, price=1, capacity=sized(2)) for at in (h0, h1)]
    shared = pool("shared", price=5, capacity=sized(9))
    choice = ranked(Inventory([*local, shared], [h0, h1]), *PAIR)
    assert choice is not None
    assert (where(choice), choice.cost) == (["on-h0", "shared"], (6,))
    assert {volume.hosts for volume in choice.volumes} == {("h0",)}
    assert ranked(Inventory(local, [h0, h1]), *PAIR) is None


def test_a_seat_is_not_judged_by_its_dearest_pool() -> None:
    """R24: a pool at 1 beside one at 9, in one zone, is cheaper than one at 5 in the other."""
    pools = [
        pool(name, zone=zone, price=price, capacity=sized(9))
        for name, zone, price in (("p", "x", 5), ("q", "y", 1), ("r", "y", 9))
    ]
    hosts = [host("h", zone="x"), host("i", zone="y")]
    assert where(ranked(Inventory(pools, hosts), request(vm="m"))) == ["q"]


def test_volumes_that_share_a_pool_cost_less_than_each_alone() -> None:
    """R23, R27: two empty pools of one volume each in one zone, and one for both in the other, by any name."""
    hosts = [host("h", zone="x"), host("i", zone="y")]
    for both in "az":
        pools = [pool(name, zone="x", capacity=sized(2)) for name in ("p", "q")]
        inventory = Inventory([*pools, pool(both, zone="y", capacity=sized(4))], hosts)
        choice = ranked(inventory, *PAIR, policy=Policy(goals=((("packing", 1),),)))
        assert choice is not None
        assert (where(choice), choice.cost) == ([both, both], (1,))


def test_rules_that_only_a_complete_vm_keeps() -> None:
    """`apart` over at least two racks, and `near` what comes with it."""
    racks = [
        pool(name, price=price, domains={"rack": rack}, capacity=sized(9))
        for name, price, rack in (("p", 1, "x"), ("q", 1, "x"), ("r", 7, "y"))
    ]
    spread = Apart("rack", None, 2)
    wide = (request("a", vm="m", group="g", apart=spread), request("b", vm="m", group="g", apart=spread))
    assert where(ranked(Inventory(racks, [host()]), *wide)) == ["p", "r"]
    near = (request("a", vm="m", near=Near("g", "rack")), request("b", vm="m", group="g", pool="r"))
    assert where(ranked(Inventory(racks, [host()]), *near)) == ["r", "r"]


def test_a_search_that_is_given_up_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """R24: beyond its bound the ranking says so, and the arrays are as they were."""
    screen = screened(Inventory([pool(name, capacity=sized(3)) for name in "pqrs"], [host()]))
    tiers = tiers_of(PRICED, screen.rules)
    asked = [request(f"r{number}", 2, vm="m") for number in range(4)]
    assert rank(asked, screen, tiers) is not None
    monkeypatch.setattr(ranking, "LIMIT", 3)
    with pytest.raises(Beyond):
        rank(asked, screen, tiers)
    assert screen.fleet.placed == {}
    monkeypatch.undo()
    assert where(rank(asked, screen, tiers)) == ["p", "q", "r", "s"]


def test_what_is_settled_counts_at_the_next_call() -> None:
    """R06, R24: 100,000 x 1.5, 10,000 at a time: fifteen times, and no more."""
    screen = screened(Inventory([pool(iops=amount(100_000, "1.5"), capacity=sized(99))]))
    tiers = tiers_of(PRICED, screen.rules)
    for number in range(15):
        choice = rank([request(f"r{number}", 1, provisioned(10_000, 20_000))], screen, tiers)
        assert choice is not None
        screen.fleet.settle(choice.volumes)
    assert rank([request("r15", 1, provisioned(1, 20_000))], screen, tiers) is None
    screen.fleet.settle(departures=["r3"])
    assert rank([request("r15", 1, provisioned(10_000, 20_000))], screen, tiers) is not None


def test_a_full_world_is_left_as_it_is() -> None:
    """R02: nothing fits, nothing is placed."""
    full = pool(capacity=sized(1))
    assert ranked(Inventory([full], [host()], [volume(full, request("v"))]), request()) is None
    assert ranked(Inventory(), request()) is None


def test_no_solver_is_loaded() -> None:
    """R24: neither OR-Tools nor pandas."""
    program = (
        "import sys\n"
        "from tests.test_rank import test_two_volumes_that_compete_for_one_place as test\n"
        "import allocator\n"
        "test()\n"
        "print(sorted({'ortools', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

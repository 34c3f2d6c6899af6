"""Rebalances worked out on paper: who moves, why, and what stays."""

from __future__ import annotations

from dataclasses import replace

import pytest

from allocator.domain.inventory import Inventory
from allocator.domain.placement import Volume
from allocator.domain.places import Pool
from allocator.domain.policy import Effort, Movement, Policy
from allocator.domain.rebalance import Aim, Budget
from allocator.goals import tiers_of
from allocator.rebalance.job import rebalance
from allocator.rebalance.outcome import Rebalance
from allocator.rules import rules_of
from allocator.testing.made import CAPPING, host, limit, pool, provisioned, request, sized, volume

POLICY = Policy(unknown_total="unlimited")
SSD = frozenset({"ssd"})


def rebalanced(pools: list[Pool], volumes: list[Volume], aim: Aim, *hosts: str, policy: Policy = POLICY) -> Rebalance:
    inventory = Inventory(pools, [host(name) for name in hosts], volumes)
    rules = rules_of(policy)
    return rebalance(inventory, rules, tiers_of(policy, rules), policy, aim, Effort(work=2))


def shown(found: Rebalance) -> list[tuple[str, str, str, str]]:
    return [(one.move.volume, one.move.source, one.move.target, one.purpose) for one in found.moves]


def test_an_oversold_pool_sheds_as_little_as_mends_it() -> None:
    """12 bytes on a pool of 10: the volume of 2 is enough, those of 3 and 7 stay."""
    full, empty = pool("full", capacity=sized(10)), pool("empty", capacity=sized(10))
    held = [volume(full, request(f"v{size}", size)) for size in (2, 3, 7)]
    found = rebalanced([full, empty], held, Aim(repair=True))
    assert shown(found) == [("v2", "full", "empty", "mends")]
    (why,) = found.moves
    assert [(effect.what, effect.before, effect.after) for effect in why.alone] == [("capacity", 2, 0)]
    assert why.alone[0].text == "capacity at pool full: 2 B too much, then none"
    assert found.broken == (1_000_000, 0)
    assert not found.staying


def test_a_healthy_volume_makes_room() -> None:
    """`lost` asks for an ssd; the only one is full, of a volume that may lie anywhere: that goes to the hdd's place."""
    ssd, hdd = pool("ssd", tags=SSD, capacity=sized(10)), pool("hdd", capacity=sized(16))
    lost = volume(hdd, request("lost", 8, tags=SSD))
    plain = volume(ssd, request("plain", 6))
    found = rebalanced([ssd, hdd], [lost, plain], Aim(repair=True))
    assert shown(found) == [("lost", "hdd", "ssd", "mends"), ("plain", "ssd", "hdd", "makes_room")]
    room = found.moves[1]
    assert room.companions == ("lost",)
    assert [effect.text for effect in room.missing] == ["capacity at pool ssd: 4 B too much"]
    assert [[move.volume for move in wave.moves] for wave in found.order.waves] == [["plain"], ["lost"]]


def test_dear_ways_are_left_to_those_that_have_no_other() -> None:
    """Of two alike, one has to go to `d`: from `a` that costs 9 more, from `b` 1 more. A move costs 1, and 1 a GiB."""
    drains, takes = ("a", "b"), ("c", "d")
    pools = [pool(name, state="draining") for name in drains] + [pool(name, capacity=sized(1)) for name in takes]
    held = [volume(pools[0], request("from-a")), volume(pools[1], request("from-b"))]
    policy = replace(POLICY, movement=Movement(per_pair={"a": {"d": 9}, "b": {"d": 1}}))
    found = rebalanced(pools, held, Aim(repair=True), policy=policy)
    assert [(one.move.volume, one.move.target) for one in found.moves] == [("from-a", "c"), ("from-b", "d")]
    assert found.goals["movement"] == (2 * (1 + 1) + 1, 2 * (1 + 1) + 1)


def test_an_even_load_is_not_worth_a_dearer_way() -> None:
    """`near` is at 95 % then and `far` would be at 20 %, but the way there costs 5 more; without that it is taken."""
    old = pool("old", state="draining")
    near, far = pool("near", capacity=sized(100)), pool("far", capacity=sized(100))
    held = [volume(old, request("goes", 20)), volume(near, request("lies", 75))]
    policy = replace(POLICY, movement=Movement(per_pair={"old": {"far": 5}}))
    assert shown(rebalanced([old, near, far], held, Aim(repair=True), policy=policy)) == [
        ("goes", "old", "near", "mends")
    ]
    assert shown(rebalanced([old, near, far], held, Aim(repair=True))) == [("goes", "old", "far", "mends")]


def test_what_cannot_be_mended_says_why() -> None:
    """Nothing carries the tag; the same volume, pinned, says so instead."""
    hdd = pool("hdd")
    lost = volume(hdd, request("lost", tags=SSD))
    (left,) = rebalanced([hdd, pool("other")], [lost], Aim(repair=True)).staying
    assert (left.rule, left.amount, left.text) == ("tags", 1, "lost: pool hdd lacks tag ssd")
    assert left.why == "0 of 2 pools fit: 2 lack tag ssd"
    ssd = pool("ssd", tags=SSD)
    (left,) = rebalanced([hdd, ssd], [lost], Aim(repair=True, pinned=frozenset({"lost"}))).staying
    assert left.why == "none of its 1 volumes may move: pinned, made by others, or on a pool that is down"
    (left,) = rebalanced([hdd, ssd], [lost], Aim(repair=True, budget=Budget(moves=0))).staying
    assert left.why == "the budget is spent"


def test_a_worse_choice_than_the_own_is_no_place_to_go() -> None:
    """An array that drains promises 100 IOPS to `lost`; the other pool keeps its second choice only, a mere limit."""
    array, capping = pool("array", state="draining"), pool("capping", CAPPING)
    asked = request("lost", 1, provisioned(100, 200), limit(100))
    (left,) = rebalanced([array, capping], [volume(array, asked)], Aim(repair=True)).staying
    assert left.why == (
        "of lost, its smallest volume that may move, 0 of 2 pools fit: 1 offers no minimum IOPS (driver capping), "
        "1 takes nothing new (state not up)"
    )


def test_a_drained_host_names_its_vms_and_empties_its_own_pools() -> None:
    """The VM's volume on the shared pool stays; the detached one on the host's own disk leaves."""
    h1 = host("h1")
    shared, own = pool("shared"), pool("own", scope="host", host="h1")
    held = [volume(shared, request("root", vm="web"), h1), volume(own, request("old"))]
    found = rebalanced([shared, own], held, Aim(drain=("h1",)), "h1")
    assert shown(found) == [("old", "own", "shared", "mends")]
    assert found.vms == (("web", "h1"),)


def test_only_what_is_drained_is_mended_when_only_that_is_asked() -> None:
    a, b, full = pool("a"), pool("b"), pool("full", capacity=sized(1))
    held = [volume(a, request("x")), volume(full, request("y", 1)), volume(full, request("z", 1))]
    found = rebalanced([a, b, full], held, Aim(drain=("a",)))
    assert shown(found) == [("x", "a", "b", "mends")]
    assert not found.staying


def test_balance_moves_what_is_worth_it_and_tells_what_becomes_usable() -> None:
    """90 % and 10 % of 100: a volume of 40 leaves 50 % on each, so that 100 of 200 are usable and not 20."""
    hot, cold = pool("hot", capacity=sized(100)), pool("cold", capacity=sized(100))
    held = [volume(hot, request("v40", 40)), volume(hot, request("v50", 50)), volume(cold, request("v10", 10))]
    found = rebalanced([hot, cold], held, Aim(gain="balance"))
    assert shown(found) == [("v40", "hot", "cold", "gains")]
    assert [(one.what, one.before, one.after) for one in found.usable] == [("capacity", 20, 100)]
    # 90 % lies 20 % above the threshold of 70 % and 5 % above that of 85 %: 250,000 millionths are gained at the most.
    assert found.goals["balance"] == (-250_000, None)
    assert not rebalanced([hot, cold], held, Aim(gain="balance", worthwhile=250_001)).moves


def test_packing_empties_a_pool_or_leaves_it() -> None:
    """`few` holds less, and fits into `many` wholly; with one move only, the one volume of `many` fits into `few`."""
    few, many, unused = (pool(name, capacity=sized(10)) for name in ("few", "many", "unused"))
    held = [volume(few, request("a", 2)), volume(few, request("b", 2)), volume(many, request("c", 6))]
    found = rebalanced([few, many, unused], held, Aim(gain="packing"))
    assert [one.move.target for one in found.moves] == ["many", "many"]
    assert found.goals["packing"] == (-1, None)
    found = rebalanced([few, many, unused], held, Aim(gain="packing", budget=Budget(moves=1)))
    assert shown(found) == [("c", "many", "few", "gains")]


@pytest.mark.parametrize(
    ("aim", "text"),
    [
        (Aim(drain=("nowhere",)), "There is no pool or host nowhere to drain. Maybe"),
        (Aim(pinned=frozenset({"nobody"})), "There is no volume nobody to pin. Maybe"),
    ],
)
def test_names_that_are_not_there(aim: Aim, text: str) -> None:
    with pytest.raises(LookupError, match=text):
        rebalanced([pool("p")], [], aim)


def test_the_same_again() -> None:
    """The same facts give the same moves, in whatever order they are read."""
    pools = [pool(f"p{number}", capacity=sized(20)) for number in range(4)]
    held = [volume(pools[0], request(f"v{number}", 1 + number % 5)) for number in range(12)]
    first = rebalanced(pools, held, Aim())
    second = rebalanced(list(reversed(pools)), list(reversed(held)), Aim())
    assert shown(first) == shown(second)
    assert first.moves

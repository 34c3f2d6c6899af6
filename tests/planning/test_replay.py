"""Moves on paper: the check in plain loops finds what is wrong with an order, and agrees with how moves are ordered."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from allocator.domain.inventory import Inventory
from allocator.domain.move import Move
from allocator.domain.placement import ALL, Charge, Volume, one_each
from allocator.fleet import Fleet
from allocator.planning.replay import begun, replay
from allocator.planning.waves import AtOnce, waves
from allocator.rules import rules_of
from allocator.testing.made import host, pool, request, sized, volume
from allocator.testing.worlds import random_world
from bench.ordering import trade
from bench.ordering_run import measure
from tests.planning.moving import RULES, move, told

WORLDS = range(300)


def two() -> Inventory:
    made = [pool(name, capacity=sized(10)) for name in ("p1", "p2", "p3")]
    return Inventory(made, (), [volume(made[0], request("a", 6)), volume(made[1], request("b", 5))])


def test_an_order_that_holds_has_no_fault() -> None:
    inventory = two()
    assert replay([[move(inventory, "b", "p3")], [move(inventory, "a", "p2")]], inventory, RULES) is None
    assert inventory.volumes["a"].pool == "p1"


def test_a_move_before_its_room_is_a_fault() -> None:
    """11 of 10 bytes would lie on p2 while b is still there."""
    inventory = two()
    for order in ([["a"], ["b"]], [["b", "a"]]):
        moves = {"a": move(inventory, "a", "p2"), "b": move(inventory, "b", "p3")}
        fault = replay([[moves[name] for name in wave] for wave in order], inventory, RULES)
        assert fault is not None
        assert (fault.wave, fault.move.volume) == (1, "a")
        assert fault.text == "pool p2 has 11 B of space, at most 10 B"


def test_a_volume_that_is_not_where_it_was_is_a_fault() -> None:
    """Drift: a was moved by somebody else, is on the move, or is gone."""
    inventory = two()
    planned = move(inventory, "a", "p3")
    for drifted, said in (
        ([planned.then], "lies on p3 now, not on p1"),
        ([begun(planned)], "is on the move already"),
        ([replace(planned.now, foreign=True)], "is none of this engine's"),
    ):
        after = inventory.copy()
        after.settle(drifted)
        fault = replay([[replace(planned, now=drifted[0]) if drifted[0].foreign else planned]], after, RULES)
        assert fault is not None
        assert said in fault.text
    fault = replay([[planned]], inventory.copy(without=["a"]), RULES)
    assert fault is not None
    assert "none of this engine's" in fault.text


def test_a_volume_on_the_move_counts_in_every_sum() -> None:
    """On both pools; once on its host, in its zone and of its tenant. Arrays and plain loops count the same."""
    made, attached = [pool("p1"), pool("p2")], host("h")
    asked = request("a", 6, vm="m", tenant="acme", group="g")
    inventory = Inventory(made, [attached], [volume(made[0], asked, attached)])
    now = inventory.volumes["a"]
    between = inventory.plus([begun(Move(now, replace(now, pool="p2")))])
    charges = [Charge("volumes", over, one_each) for over in ("pool", "host", "zone", ALL)]
    charges.append(Charge("of g", "pool", one_each, mark=("group", "g")))
    expected: list[dict[str, int]] = [{"p1": 1, "p2": 1}, {"h": 1}, {"z": 1}, {ALL: 1}, {"p1": 1, "p2": 1}]
    settled = inventory.copy()
    assert [settled.totals(charge) for charge in charges[:1]] == [{"p1": 1}]
    settled.settle([begun(Move(now, replace(now, pool="p2")))])
    fleet = Fleet(settled)
    for charge, sums in zip(charges, expected, strict=True):
        assert dict(between.totals(charge)) == sums
        assert dict(settled.totals(charge)) == sums
        assert {label: fleet.tally(charge)[row] for label, row in fleet.labels(charge.over)[1].items()} == sums
    for name in ("p1", "p2"):
        assert [each.name for each in between.volumes_at("pool", name)] == ["a"]
    settled.settle([replace(now, pool="p2")])
    assert [dict(settled.totals(charge)) for charge in charges[:1]] == [{"p1": 0, "p2": 1}]
    assert [*settled.volumes_at("pool", "p1")] == []


@pytest.mark.parametrize("seeds", [WORLDS[start::10] for start in range(10)], ids=str)
def test_no_state_on_the_way_breaks_a_rule(seeds: range) -> None:
    """In random worlds, broken starts included: moves anywhere, ordered, then replayed with each wave shuffled."""
    ways = 0
    for seed in seeds:
        world = random_world(seed, pools=4, hosts=2, units=1, volumes=6)
        rules = rules_of(world.policy)
        rng = Random(seed)
        moves = [
            Move(now, Volume.on(target, now.request, rng.choice(now.request.alternatives), now.hosts))
            for now in world.inventory.all_volumes()
            for target in rng.sample(list(world.inventory.pools.values()), 1)
            if target.name != now.pool
        ]
        found = waves(moves, world.inventory, rules, at_once=AtOnce(moves=rng.choice([1, 2, 16])))
        for _ in range(3):
            shuffled = [rng.sample(wave.moves, len(wave.moves)) for wave in found.waves]
            assert replay(shuffled, world.inventory, rules) is None, f"seed {seed}"
        done = {each.volume for wave in found.waves for each in wave.moves}
        left = {each.move.volume for each in found.blocked}
        assert done | left == {each.volume for each in moves}, f"seed {seed}"
        assert done & left <= set(found.staged), f"seed {seed}"
        ways += len(done)
    assert ways > len(seeds) // 3


def test_the_same_moves_give_the_same_order() -> None:
    inventory, moves = trade(1, 200, 10, 0)
    first, second = (told(waves(moves, inventory, RULES)) for _ in range(2))
    assert first == second


def test_where_nothing_is_free_but_one_pool_few_are_staged() -> None:
    """Exactly full pools trade 1,000 volumes through one spare pool: all arrive, under 2 % of moves are extra."""
    inventory, moves = trade(1, 1000, 10, 0)
    found = waves(moves, inventory, RULES)
    assert found.blocked == ()
    assert 0 < len(found.staged) <= len(moves) * 2 // 100
    assert replay([wave.moves for wave in found.waves], inventory, RULES) is None
    last = {each.volume: each.target for wave in found.waves for each in wave.moves}
    assert last == {each.volume: each.target for each in moves}


def test_the_bench_measures_and_judges_an_order() -> None:
    """R26: how fast is no test's business."""
    figures = measure("tiny", 1, moves=40, pools=4, slack_permille=10)
    assert (figures.blocked, figures.fault) == (0, None)
    assert figures.missed(1.0, 60.0) == []
    assert figures.missed(1.0, -1.0) == [f"tiny seed 1: {figures.cpu_seconds:.2f} s CPU, at most -1.0"]


def test_at_one_per_cent_of_slack_none_is_staged() -> None:
    inventory, moves = trade(1, 500, 10, 10)
    found = waves(moves, inventory, RULES)
    assert (found.staged, found.blocked) == ((), ())

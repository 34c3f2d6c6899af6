"""Local search over volumes that lie somewhere: it keeps to every rule, counts the engine's costs, and never loses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest

from allocator.domain import policy as numbers
from allocator.domain.inventory import Inventory
from allocator.domain.placement import Volume
from allocator.domain.places import Pool
from allocator.domain.policy import Effort, Policy, Spare
from allocator.domain.request import Apart, Near
from allocator.goal import Answer, Tiers, tier_costs
from allocator.goals import tiers_of
from allocator.goals.packing import Packing
from allocator.rule import Rule
from allocator.rules import rules_of
from allocator.rules.resources import Resources
from allocator.solver.classes import Unit
from allocator.solver.model import Model
from allocator.solver.rearrange.compile import compiled
from allocator.solver.rearrange.course import AGAIN, ROUND, Pace, highest, hottest, rounds
from allocator.solver.rearrange.rearrange import Rearranged, rearrange
from allocator.solver.rearrange.state import BAD, BEST, COST, TOLL, WRONG
from allocator.solver.search import solve
from allocator.testing.made import amount, pool, request, volume
from allocator.verify import worsened

pytest.importorskip("numba", reason="the search is compiled by numba")

POLICY = Policy(
    rules=("resources", "apart", "near", "state", "tags"),
    goals=((("overload", 1), ("proportion", 1), ("movement", 1), ("disruption", 7)),),
    overload={"cpu": 3},
    spare=(Spare("cpu", "ram", ratio=2, weight=2),),
    movement=numbers.Movement(per_gib=0, per_volume=2, per_pair={"p0": {"p1": 5}, "p2": {"p0": 1}}),
    held=frozenset({"ram"}),
)


def world(seed: int) -> Inventory:
    """Six pools in three racks and two rows; thirty volumes in groups, some apart, some near, some too much."""
    rng = Random(seed)
    pools = [
        pool(f"p{n}", resources={"cpu": replace(amount(60), safe=rng.randint(10, 40)), "ram": amount(90)},
             domains={"rack": f"k{n % 3}", "row": f"w{n % 2}"}, tags=frozenset({"ssd"}) if n < 4 else frozenset(),
             state="draining" if n == 5 else "up")
        for n in range(6)
    ]  # fmt: skip
    volumes = []
    for number in range(30):
        group = rng.randrange(8)
        asked = request(
            f"v{number:02}",
            group=f"g{group}",
            resources=(("cpu", rng.randint(0, 9)), ("ram", rng.randint(0, 12))),
            apart=(None, Apart("pool"), Apart("rack", 2), Apart("row", None, 2))[group % 4],
            also=(Apart("rack", None, 2), Near(f"g{(group + 1) % 8}", "row")) if group % 2 else (),
            tags=frozenset({"ssd"}) if rng.random() < 0.2 else frozenset(),
            move_cost=rng.randint(0, 3),
        )
        volumes.append(volume(rng.choice(pools), asked))
    return Inventory(pools, volumes=volumes)


def asked(seed: int, policy: Policy = POLICY) -> tuple[Inventory, Sequence[Volume], Sequence[Rule], Tiers]:
    inventory = world(seed)
    rules = rules_of(policy)
    movable = [one for number, one in enumerate(inventory.all_volumes()) if number % 10]
    return inventory, movable, rules, tiers_of(policy, rules)


def moved(movable: Sequence[Volume], rows: Sequence[int], pools: Sequence[Pool]) -> Iterator[Volume]:
    for one, row in zip(movable, rows, strict=True):
        if pools[row].name != one.pool:
            yield Volume.on(pools[row], one.request, one.asked, one.hosts)


def costs(inventory: Inventory, tiers: Tiers, came: Sequence[Volume]) -> tuple[int, ...]:
    return tier_costs(tiers, Answer(inventory, inventory.plus(came), ()))


@pytest.mark.parametrize("seed", range(12))
def test_what_the_search_counts_is_what_the_rules_and_goals_say(seed: int) -> None:
    """R25: after any walk its cost is the goals' cost, and it counts nothing as broken exactly where nothing is."""
    from allocator.solver.rearrange.kernel.making import become
    from allocator.solver.rearrange.walker import Walker

    inventory, movable, rules, tiers = asked(seed)
    walker = Walker.of(compiled(movable, inventory, rules, tiers), seed)
    state, start = walker.state, int(walker.state.figures[COST])
    pools = list(inventory.pools.values())
    fine = 0
    for heat, tries in ((3.0, 7), (3.0, 4_000), (1.0, 7), (0.3, 4_000), (0.1, 7), (0.0, 7)):
        for _ in range(20):
            walker.walk(tries, Pace(heat, 3.0, toll=heat, rise=1.5, fall=0.9))
            now = list(moved(movable, state.at.tolist(), pools))
            broken = worsened(inventory, rules, now)
            assert bool(broken) == bool(state.figures[BAD] or state.figures[WRONG]), broken
            if not broken:
                fine += 1
                assert (int(state.figures[COST] - state.figures[TOLL]) - start,) == costs(inventory, tiers, now)
    walker.walk(0, Pace(0.0, 3.0))
    become(state, state.best.copy())
    assert [state.figures[COST], state.figures[BAD], state.figures[WRONG]] == [state.figures[BEST], 0, 0]
    best = list(moved(movable, state.best.tolist(), pools))
    assert worsened(inventory, rules, best) == []
    assert (int(state.figures[BEST]) - start,) == costs(inventory, tiers, best)
    assert state.figures[BEST] <= start
    assert fine


def test_being_away_is_tolled_by_the_root_of_the_room_that_it_takes() -> None:
    """Of 130 free on both pools v0 takes 10 and v1 40, 25 on average: 2 times the toll for 4 times the room."""
    from allocator.solver.rearrange.kernel.making import become
    from allocator.solver.rearrange.walker import Walker, scale

    pools = [pool(name, resources={"ram": replace(amount(90), safe=0)}) for name in ("p", "q")]
    lying = [volume(pools[0], request(f"v{n}", resources=(("ram", size),))) for n, size in enumerate((10, 40))]
    policy = replace(POLICY, rules=("resources",), overload={"ram": 7}, goals=((("overload", 1),),))
    rules = rules_of(policy)
    state = compiled(lying, Inventory(pools, volumes=lying), rules, tiers_of(policy, rules))
    walker = Walker.of(state, 1)
    assert scale(state) == 7 * 50
    walker.restart(1.0)
    assert walker.fares.tolist() == pytest.approx([350 * 10 / 130, 350 * 40 / 130])
    walker.restart(0.0)
    assert walker.fares.tolist() == pytest.approx([350 * 25 / 130, 350 * 25 / 130])
    walker.restart(0.5)
    assert walker.fares.tolist() == pytest.approx([350 * 250**0.5 / 130, 350 * 1000**0.5 / 130])
    become(walker.state, np.array([0, 1]))
    walker.walk(0, Pace(1.0, 1.0, toll=2.0))
    assert walker.state.toll.tolist() == [85, 170]
    assert walker.state.figures[[COST, TOLL]].tolist() == [350 + 170, 170]


def test_the_search_cools_down_and_the_toll_is_dropped() -> None:
    """With a quarter of the moves that it takes to cool down from 2 it begins at an eighth of that; after the square
    root of a hundredth it is at a tenth; the toll falls from 1 to 0.005 within 0.8 of a round and then is gone."""
    assert hottest(1e9) == 2.0
    assert hottest(5_000) == 0.25
    assert [highest(tries) for tries in (1e9, 1_500.0, 150.0)] == [1.0, 1.0, 0.1]
    assert [rounds(tries) for tries in (10.0, 360_000.0, 1e9)] == [1, 3, 10]
    first = ROUND[0]
    assert [first.pace(share, 1.0).heat for share in (0.0, 0.5, 1.0)] == pytest.approx([1.0, 0.1, 0.01])
    assert [first.pace(share, 1.0).toll for share in (0.0, 0.4, 0.8)] == pytest.approx([1.0, 0.005**0.5, 0.0])
    assert [part.pace(1.0, 2.0).toll for part in AGAIN[0]] == [0.0, 0.0]
    assert AGAIN[0][-1].pace(1.0, 2.0).heat == 1e-5


def test_the_same_seed_and_work_give_the_same_answer() -> None:
    """R25: no clock has a say without a deadline."""
    inventory, movable, rules, tiers = asked(3)

    def placed(seed: int) -> list[tuple[str, str]]:
        found = rearrange(movable, inventory, rules, tiers, Effort(work=0.05, seed=seed))
        assert found is not None
        assert found.deterministic
        return [(name, volume.pool) for name, volume in found.moved.items()]

    assert placed(1) == placed(1)


def test_where_no_time_is_left_everything_stays() -> None:
    """R25: all of the deadline went into reading what rules and goals say."""
    inventory, movable, rules, tiers = asked(3)
    found = rearrange(movable, inventory, rules, tiers, Effort(work=1e9, seconds=0.0))
    assert found == Rearranged({}, (0,), deterministic=False)


def test_tiers_are_kept_in_their_order() -> None:
    """R25: 3 CPUs above what is safe on p; whatever the moves cost, they are worth it, and the cheapest are made."""
    facts: dict[str, Any] = {"resources": {"cpu": replace(amount(20), safe=7)}}
    pools = [pool("p", **facts), pool("q", **facts)]
    lying = [
        volume(pools[0], request(f"v{n}", move_cost=cost, resources=(("cpu", 2),)))
        for n, cost in enumerate([900, 500, 700, 800, 600])
    ]
    policy = replace(POLICY, rules=("resources",), overload={}, goals=((("overload", 1),), (("movement", 1),)))
    rules = rules_of(policy)
    found = rearrange(lying, Inventory(pools, volumes=lying), rules, tiers_of(policy, rules), Effort(work=0.1))
    assert found is not None
    assert [name for name, volume in found.moved.items() if volume.pool == "q"] == ["v1", "v4"]
    assert found.costs == (-3, 1_104)


class Crowding(Packing):
    """A goal of somebody's own, which says to the solver what the search has no word for."""

    def encode(self, model: Model) -> Any:
        return sum(model.targets.values())


class Hostile(Resources):
    """A rule of somebody's own, which closes pools by what lies there and says nothing to the solver."""

    encode = Rule.encode


def test_what_the_search_cannot_keep_to_is_left_to_others() -> None:
    """R26: a goal or a rule that has no words for it is never ignored."""
    inventory, movable, rules, tiers = asked(1)
    crowding = (((Crowding(POLICY, rules), 1),),)
    assert rearrange(movable, inventory, rules, crowding, Effort(work=0.01)) is None
    assert rearrange(movable, inventory, [*rules, Hostile(POLICY)], tiers, Effort(work=0.01)) is None


def test_many_volumes_that_lie_somewhere_are_searched() -> None:
    """R25: 2,100 volumes on one pool of five; each of the others takes 420, and nothing lies above what is safe."""
    facts: dict[str, Any] = {"resources": {"cpu": replace(amount(2_100), safe=420)}}
    pools = [pool(f"p{n}", **facts) for n in range(5)]
    lying = [volume(pools[0], request(f"v{n}", resources=(("cpu", 1),))) for n in range(2_100)]
    movement = numbers.Movement(per_gib=0, per_volume=2)
    goals = ((("overload", 1),), (("movement", 1),))
    policy = replace(POLICY, rules=("resources",), overload={}, goals=goals, movement=movement)
    rules = rules_of(policy)
    units = [Unit((one.request,), (one,)) for one in lying]
    found = solve(units, Inventory(pools, volumes=lying), rules, tiers_of(policy, rules), Effort(work=1.0))
    assert [goal.cost for goal in found.goals] == [-1_680, 2 * 1_680]
    assert (found.status, found.deterministic) == ("feasible", True)

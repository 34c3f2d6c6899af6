"""Few moves that gain most: no budget is passed, no rule is broken, and one at a time would gain less."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from allocator.domain.inventory import Inventory
from allocator.domain.move import Move
from allocator.domain.placement import Volume
from allocator.domain.policy import Effort, Policy
from allocator.domain.rebalance import Budget
from allocator.domain.request import Apart
from allocator.goal import Answer
from allocator.goals.balance import Balance
from allocator.rebalance.hottest import hottest_first
from allocator.rules import rules_of
from allocator.solver.deadline import Deadline
from allocator.solver.recreate.recreate import few_moves
from allocator.testing.made import pool, request, sized, volume
from allocator.verify import worsened

pytest.importorskip("numba", reason="the search is compiled by numba")

POLICY = Policy(unknown_total="unlimited")
RULES = rules_of(POLICY)
GOAL = Balance(POLICY, RULES)
WORTH = 5_000
ENDLESS = Budget()


def moves(inventory: Inventory, budget: Budget = ENDLESS, worth: int = WORTH, work: float = 2.0) -> list[Move]:
    movable = sorted(inventory.all_volumes(), key=lambda one: one.name)
    found = few_moves(movable, inventory, RULES, GOAL, worth, budget, Effort(work=work), Deadline())
    assert found is not None
    return found


def gained(inventory: Inventory, found: list[Move]) -> int:
    return -GOAL.cost(Answer(inventory, inventory.plus(move.then for move in found), ()))


def lopsided(seed: int) -> Inventory:
    """Twelve pools in two zones, some nearly full and some nearly empty; a third of the volumes keep apart."""
    rng = Random(seed)
    pools = [pool(f"p{n:02}", zone=f"z{n % 2}", capacity=sized(1_000)) for n in range(12)]
    held = list[Volume]()
    for here in pools:
        left, number = rng.randint(300, 1_000), 0
        while (size := rng.randint(10, 120)) <= left:
            group = f"g{rng.randrange(20)}" if rng.random() < 0.3 else None
            apart = Apart("pool", 3) if group else None
            held.append(volume(here, request(f"{here.name}-{number}", size, group=group, apart=apart)))
            left, number = left - size, number + 1
    return Inventory(pools, volumes=held)


def test_the_move_that_gains_most_is_made_first() -> None:
    """Two moves may be made. `warm` is at 96 %, of one volume of 46 and fifty of 1; `hot` at 100 %, of hundred of 1.

    Hottest first takes two of 1 from `hot`: 2 % above both thresholds, 40,000 millionths. The volume of 46 gains
    26 % above the threshold of 70 % and 11 % above that of 85 %, and one of 1 gains 20,000: 390,000.
    """
    hot, warm, cold = (pool(name, capacity=sized(100)) for name in ("hot", "warm", "cold"))
    held = [volume(hot, request(f"h{n:03}", 1)) for n in range(100)]
    held += [volume(warm, request("large", 46)), *(volume(warm, request(f"w{n:02}", 1)) for n in range(50))]
    inventory = Inventory([hot, warm, cold], volumes=held)
    found = moves(inventory, Budget(moves=2))
    assert [(move.volume, move.source, move.target) for move in found][-1] == ("large", "warm", "cold")
    assert gained(inventory, found) == 390_000
    greedy = hottest_first(held, inventory, RULES, GOAL, WORTH, Budget(moves=2), lambda: False)
    assert gained(inventory, greedy) == 40_000


def test_a_move_is_worth_more_than_it_has_to_be() -> None:
    """90 % and 10 % of 100: the volume of 40 gains 250,000 millionths, which is no more than 250,000."""
    hot, cold = pool("hot", capacity=sized(100)), pool("cold", capacity=sized(100))
    held = [volume(hot, request("v40", 40)), volume(hot, request("v50", 50)), volume(cold, request("v10", 10))]
    inventory = Inventory([hot, cold], volumes=held)
    assert [move.volume for move in moves(inventory, worth=249_999)] == ["v40"]
    assert moves(inventory, worth=250_000) == []


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    "budget", [Budget(), Budget(moves=5), Budget(size_bytes=300), Budget(per_source=2), Budget(per_target=1)]
)
def test_nothing_is_broken_no_budget_is_passed_and_more_is_gained_than_hottest_first(seed: int, budget: Budget) -> None:
    """R27: what it counts is what the goal costs, too: the last move that was any good was found by that."""
    inventory = lopsided(seed)
    found = moves(inventory, budget)
    assert worsened(inventory, RULES, [move.then for move in found]) == []
    assert budget.allows(found)
    movable = list(inventory.all_volumes())
    greedy = hottest_first(movable, inventory, RULES, GOAL, WORTH, budget, lambda: False)
    begun = few_moves(movable, inventory, RULES, GOAL, WORTH, budget, Effort(work=2.0), Deadline(), greedy)
    assert begun is not None
    assert budget.allows(begun)
    assert worsened(inventory, RULES, [move.then for move in begun]) == []
    assert gained(inventory, begun) >= gained(inventory, greedy) > 0


def test_the_same_seed_and_work_give_the_same_moves() -> None:
    inventory = lopsided(7)
    first, second = ([(move.volume, move.target) for move in moves(inventory)] for _ in range(2))
    assert first == second
    assert first


def test_more_work_gains_no_less() -> None:
    """R27: what the greedy start gains is kept, whatever is tried later."""
    inventory = lopsided(8)
    little, much = (gained(inventory, moves(inventory, work=work)) for work in (0.01, 4.0))
    assert little <= much


def test_what_cannot_be_said_is_left_to_others() -> None:
    """R26: volumes that are on the move already are not the search's to move."""
    inventory = lopsided(9)
    first, *others = inventory.all_volumes()
    going = [replace(first, moving_to=others[0]), *others]
    assert few_moves(going, inventory, RULES, GOAL, WORTH, ENDLESS, Effort(work=1), Deadline()) is None

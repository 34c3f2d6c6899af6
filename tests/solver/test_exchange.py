"""What lies on a few pools is dealt anew among them: on paper, and only where the shelves say all there is to say."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from allocator.domain.inventory import Inventory
from allocator.domain.policy import Effort, Policy
from allocator.domain.request import Request
from allocator.domain.sizes import GIB
from allocator.fleet import Fleet
from allocator.goals import tiers_of
from allocator.rules import rules_of
from allocator.screen import Screen
from allocator.solver.classes import units_of
from allocator.solver.contents.exchange import Exchange, Placement
from allocator.solver.contents.shelves import Shelves, shelves
from allocator.solver.deadline import Deadline
from allocator.testing.made import amount, pool, provisioned, request, volume

PRICE = Policy(rules=("resources", "state"), goals=((("placed", 1),), (("price", 1),)))
POOLS = {
    name: pool(name, resources={"d": amount(10)}, iops=amount(100), price=price)
    for price, name in enumerate("abcde", 1)
}
"""Rooms of 10; a GiB costs 1 on a, 2 on b and so on."""
EFFORT = Effort(seed=3)


def shelved(requests: list[Request], policy: Policy = PRICE) -> tuple[Shelves, Screen]:
    rules = rules_of(policy)
    screen = Screen(Fleet(Inventory(POOLS.values())), rules)
    found = shelves(units_of(requests), screen, tiers_of(policy, rules))
    assert found is not None
    return found, screen


def improved(requests: list[Request], at: Mapping[str, str], enough: int = 99) -> tuple[Placement, list[int]]:
    """What becomes of requests that lie on these pools, and each gain that was told, up to `enough`."""
    known, screen = shelved(requests)
    placed = {one.name: (volume(POOLS[at[one.name]], one),) for one in requests if one.name in at}
    gains: list[int] = []

    def gained(gain: int) -> bool:
        gains.append(gain)
        return gain >= enough

    found, work = Exchange(known, screen, 1, EFFORT).improve(placed, gained, 3.0, Deadline())
    assert 0 < work <= 4
    return found, gains


def paid(found: Placement) -> int:
    return sum(POOLS[volumes[0].pool].price for volumes in found.values())


def twos(number: int) -> list[Request]:
    return [request(f"r{row}", GIB, resources=(("d", 2),)) for row in range(number)]


def test_the_cheapest_pools_are_filled() -> None:
    """Ten of 2 fill two pools: 5 x 1 + 5 x 2 = 15; on d and e they cost 5 x 4 + 5 x 5 = 45."""
    found, gains = improved(twos(10), {f"r{row}": "de"[row % 2] for row in range(10)})
    assert paid(found) == 15
    assert gains[-1] == 45 - 15
    assert gains == sorted(gains)


def test_one_makes_room_for_a_dearer_one() -> None:
    """9 and 1 on a, 10 on b: of 20, 2 and 1 GiB the largest belongs on a: 20 + 2 x 2 + 2 x 1 instead of 43."""
    asked = [
        request("big", 20 * GIB, resources=(("d", 10),)),
        request("two", 2 * GIB, resources=(("d", 9),)),
        request("one", GIB, resources=(("d", 1),)),
    ]
    found, gains = improved(asked, {"big": "b", "two": "a", "one": "a"})
    assert {name: volumes[0].pool for name, volumes in found.items()} == {"big": "a", "two": "b", "one": "b"}
    assert gains[-1] == 43 - 26


def test_enough_is_enough() -> None:
    _, gains = improved(twos(10), {f"r{row}": "de"[row % 2] for row in range(10)}, enough=1)
    assert len(gains) == 1


def test_who_is_refused_stays_so_and_the_same_seed_deals_the_same() -> None:
    at = {f"r{row}": "cde"[row % 3] for row in range(11)}
    first, second = ({name: volumes[0].pool for name, volumes in improved(twos(12), at)[0].items()} for _ in range(2))
    assert first == second
    assert sorted(first) == sorted(at)
    assert sum(POOLS[name].price for name in first.values()) == 5 * 1 + 5 * 2 + 3


@pytest.mark.parametrize(
    ("rules", "goals"),
    [(("resources",), (("packing", 1),)), (("resources", "exclusivity"), (("price", 1),))],
)
def test_what_is_not_said_in_sums_is_left_to_others(rules: tuple[str, ...], goals: tuple[tuple[str, int], ...]) -> None:
    """What a volume costs hangs on who else is there, or a rule holds only where somebody asks for it."""
    policy = Policy(rules=rules, goals=((("placed", 1),), goals))
    known, _ = shelved([request("r", GIB, provisioned(10), resources=(("d", 2),))], policy)
    tiers = tiers_of(policy, rules_of(policy))
    assert not Exchange.fits(known, tiers, 1)
    assert not Exchange.fits(None, tiers, 1)


def test_a_price_is_said_in_sums() -> None:
    tiers = tiers_of(PRICE, rules_of(PRICE))
    assert Exchange.fits(shelved(twos(2))[0], tiers, 1)
    assert not Exchange.fits(shelved(twos(2))[0], tiers, 0)

"""Everything placed where everything fits: packings full to the last unit, and what says that there is none."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from allocator.documents import build
from allocator.domain.inventory import Inventory
from allocator.domain.policy import Effort, Policy
from allocator.domain.request import Apart, Request
from allocator.fleet import Fleet
from allocator.goals import tiers_of
from allocator.rules import rules_of
from allocator.screen import Screen
from allocator.solver.classes import units_of
from allocator.solver.deadline import Deadline
from allocator.solver.draft import Draft
from allocator.solver.search import Solution, solve
from allocator.solver.whole.bins import Bins
from allocator.solver.whole.completion import Completion
from allocator.solver.whole.everything import Everything
from allocator.solver.whole.packing import UNKNOWN, Packing
from allocator.solver.whole.shuffle import Shuffle
from allocator.testing.made import amount, host, pool, request, sized
from allocator.verify import worsened
from bench.planted import planted, tight

POLICY = Policy(goals=((("placed", 1),),))
RULES = rules_of(POLICY)


def bins(room: list[list[int]], takes: list[list[int]], opened: list[list[bool]] | None = None) -> Bins:
    """Places and things; every thing takes the same wherever it goes."""
    everywhere = np.repeat(np.array(takes)[:, None], len(room), axis=1)
    mask = np.ones((len(takes), len(room)), dtype=np.bool_) if opened is None else np.array(opened)
    return Bins(np.array(room), everywhere, mask)


def test_a_trade_brings_a_packing_within_its_limits() -> None:
    """R22: 6 and 5 exceed a place of 10, 4 and 5 do not fill the other: 5 and 4 trade places."""
    both = bins([[10], [10]], [[6], [5], [4], [5]])
    shuffle = Shuffle(both, np.array([0, 0, 1, 1]), seed=1)
    at = shuffle.run(1.0, Deadline())
    assert at is not None
    assert (both.left(at).tolist(), at[0] == at[2], shuffle.trades) == ([[0], [0]], True, 1)


def test_two_sums_are_brought_within_their_limits_together() -> None:
    """Of (6, 1), (4, 9), (5, 5) and (5, 5) the first two go together; by the first sum alone any would."""
    both = bins([[10, 10], [10, 10]], [[6, 1], [4, 9], [5, 5], [5, 5]])
    at = Packing(both, [0, 1, 0, 1], seed=1).run(1.0, Deadline())
    assert at is not None
    assert (at[0] == at[1], at[2] == at[3]) == (True, True)


def test_things_go_only_where_they_may() -> None:
    """The 5 that may not be with the 6 is where it begins only if that is open."""
    two = bins([[11], [9]], [[6], [5], [4], [5]], [[True, True], [False, True], [True, True], [True, False]])
    at = Packing(two, [0, 0, 1, UNKNOWN], seed=1).run(1.0, Deadline())
    assert at is not None
    assert at.tolist() == [0, 1, 1, 0]


def test_places_are_filled_to_the_last_unit() -> None:
    """13 + 7, 11 + 9 and 8 + 6 + 5 + 1 fill three places of 20: two sums of three would leave 1 too much."""
    three = bins([[20], [20], [20]], [[13], [11], [9], [8], [7], [6], [5], [1]])
    at = Completion(three, seed=1).run(1.0, Deadline())
    assert at is not None
    assert three.left(at).tolist() == [[0], [0], [0]]


def test_what_may_be_wasted_is_wasted_and_no_more() -> None:
    """Rooms of 200 and 101 for 100, 100, 50 and 50: the one unit to spare lies in the second."""
    two = bins([[200], [101]], [[100], [100], [50], [50]])
    at = Completion(two, seed=1).run(1.0, Deadline())
    assert at is not None
    assert two.left(at).tolist() == [[0], [1]]


def test_a_loose_packing_is_not_searched_by_sums() -> None:
    """A tenth to spare: trades find that, and this search would only take their time."""
    search = Completion(bins([[110]], [[50], [50]]), seed=1)
    assert search.run(1.0, Deadline()) is None
    assert search.work == 0


def test_what_cannot_be_is_known_before_anything_is_tried() -> None:
    """21 are asked of 20, or a thing may go nowhere: hopeless. Three of 6 in two places of 10 are sought in vain."""
    assert bins([[10], [10]], [[9], [9], [3]]).hopeless
    assert bins([[10], [10]], [[9], [2]], [[True, True], [False, False]]).hopeless
    vain = Packing(bins([[10], [10]], [[6], [6], [6], [2]]), [UNKNOWN] * 4, seed=1)
    assert (vain.hopeless, vain.run(0.2, Deadline())) == (False, None)
    assert vain.work >= 0.2


def placed_all(inventory: Inventory, *asked: Request, seed: int = 1) -> dict[str, tuple[str, ...]] | None:
    """The pools of each unit, from an empty draft."""
    draft = Draft(units_of(asked), Screen(Fleet(inventory.copy()), RULES), inventory, tiers_of(POLICY, RULES))
    found = Everything(draft, Screen(Fleet(inventory), RULES), seed).run(2.0, Deadline())
    if found is None:
        return None
    assert not worsened(inventory, RULES, [volume for volumes in found.values() for volume in volumes])
    return {name: tuple(volume.pool for volume in volumes) for name, volumes in found.items()}


def test_hosts_come_first_and_pools_are_those_they_reach() -> None:
    """R22, R23: CPUs put 3 + 1 and 2 + 2 on hosts of 4; each host's own disk of 10 must hold what comes to it."""
    pools = [pool(f"d{row}", scope="host", host=f"h{row}", capacity=sized(10)) for row in range(2)]
    hosts = [host(name, resources={"vcpu": amount(4)}) for name in ("h0", "h1")]
    asked = [
        request(name, 5, vm=name, host_resources=(("vcpu", cpus),))
        for name, cpus in (("a", 3), ("b", 1), ("c", 2), ("d", 2))
    ]
    found = placed_all(Inventory(pools, hosts), *asked)
    assert found is not None
    assert (found["a"] == found["b"], found["c"] == found["d"], found["a"] != found["c"]) == (True, True, True)


def solved(documents: dict[str, object], asked: list[dict[str, object]], work: float = 10.0) -> Solution:
    world = build(documents, POLICY)
    requests = world.ask(asked, world.inventory)
    return solve(units_of(requests), world.inventory, RULES, tiers_of(POLICY, RULES), Effort(work))


def where(found: Solution) -> dict[str, str]:
    return {volume.name: volume.pool for volumes in found.placed.values() for volume in volumes}


def test_a_planted_fleet_that_is_full_in_both_sums_is_packed() -> None:
    """Issue 3, point 3: 150 volumes on 8 pools that are 97 % full in bytes and IOPS, of mixed shape, tags asked for."""
    fleet = planted(1, pools=8, volumes=150, full=Fraction(97, 100))
    found = solved(fleet.documents, fleet.requests)
    assert (len(found.placed), found.goals[0].cost, found.deterministic) == (150, 0, True)
    again = solved(fleet.documents, fleet.requests)
    assert where(found) == where(again)


def test_vms_that_fill_one_dimension_to_the_last_unit_are_all_placed() -> None:
    """Issue 3, point 3: 50 VMs, built backwards from a placement that leaves nothing of one dimension."""
    for seed, full in ((1, "iops"), (2, "capacity"), (5, "host_iops"), (9, "vcpu")):
        fleet = tight(seed, full)  # type: ignore[arg-type]
        found = solved(fleet.documents, fleet.requests)
        assert (len(found.placed), found.goals[0].cost) == (50, 0), full


def test_what_breaks_a_rule_that_is_no_sum_of_one_place_is_refused_in_the_end() -> None:
    """R10: two of a group on pools of one rack: whatever the searches say, the check lets one of them come."""
    pools = [pool(name, capacity=sized(10), domains={"rack": "r"}) for name in ("a", "b")]
    found = solve(
        units_of(request(name, 5, group="g", apart=Apart("rack")) for name in ("one", "two")),
        Inventory(pools),
        RULES,
        tiers_of(POLICY, RULES),
        Effort(1.0),
    )
    assert (len(found.placed), found.goals[0].cost) == (1, 1)

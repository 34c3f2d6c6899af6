"""The model's words on paper: sums, caps and limits over real places, merged or not."""

from __future__ import annotations

from typing import Any

import pytest
from ortools.sat.python import cp_model

from allocator.domain.inventory import Inventory
from allocator.domain.placement import ALL, Charge, Volume
from allocator.fleet import Fleet
from allocator.screen import Screen
from allocator.solver.classes import Unit, host_classes, unit_classes, units_of
from allocator.solver.model import Model
from allocator.solver.unfold import hint, unfold
from allocator.testing.made import host, pool, request, volume

BYTES = Charge("bytes", "pool", lambda asked, alternative, place: asked.size_bytes)
EVERYWHERE = Charge("bytes", ALL, lambda asked, alternative, place: asked.size_bytes)
ON_HOSTS = Charge("volumes", "host", lambda asked, alternative, place: 1)
VOLUMES = Charge("volumes", "pool", lambda asked, alternative, place: 1)

P, Q = pool("p", domains={"rack": "x"}), pool("q", domains={"rack": "x"})
HOSTS = [host("h0"), host("h1"), host("h2")]
OLD = volume(P, request("old", 5, vm="old"), HOSTS[0])


def model(*units: Unit, hosts: int = 0, placed: list[Volume] | None = None, merge: bool = False) -> Model:
    moving = [lying.name for unit in units for lying in unit.home]
    inventory = Inventory([P, Q], HOSTS[:hosts], [OLD] if placed is None else placed)
    screen = Screen(Fleet(inventory.copy(without=moving)), ())
    return Model(screen, unit_classes(units, screen.fleet, merge=merge), host_classes(units, screen.fleet, merge=merge))


def extremes(made: Model, expression: Any) -> tuple[int, int]:
    """The least and the most that an expression can be."""
    found = []
    for sign in (1, -1):
        made.cp.minimize(sign * expression)
        solver = cp_model.CpSolver()
        assert solver.solve(made.cp) == cp_model.OPTIMAL
        found.append(int(solver.value(expression)))
    return found[0], found[1]


ALONE = units_of([request("r", 3)])


def test_a_total_counts_what_lies_there_and_what_may_come() -> None:
    """R22: 5 lie on p; 3 may come to either."""
    made = model(*ALONE, hosts=1)
    rows = made.total(BYTES).rows
    assert {label: (extremes(made, row.expression), row.before) for label, row in rows.items()} == {
        "p": ((5, 8), (5,)),
        "q": ((0, 3), (0,)),
    }
    assert extremes(made, made.total(EVERYWHERE).rows[ALL].expression) == (5, 8)
    assert extremes(made, made.sum(made.total(BYTES)).rows[ALL].expression) == (5, 8)
    assert extremes(made, made.change(made.total(BYTES))) == (0, 3)
    assert extremes(made, made.total(BYTES, "arrivals").rows["p"].expression) == (0, 3)


def test_what_moves_leaves_its_place_or_holds_both() -> None:
    """R25: final is after the move; held counts both places while it lasts; arrivals where it is new."""
    made = model(Unit((OLD.request,), (OLD,)), hosts=1)
    assert extremes(made, made.total(BYTES).rows["p"].expression) == (0, 5)
    assert made.total(BYTES).rows["p"].before == (5,)
    assert extremes(made, made.total(BYTES, "held").rows["p"].expression) == (5, 5)
    assert extremes(made, made.total(BYTES, "held").rows["q"].expression) == (0, 5)
    assert made.total(BYTES, "arrivals").rows.keys() == {"q"}
    assert extremes(made, made.placed(0)) == (1, 1)


def test_a_cap_is_the_smaller_of_two() -> None:
    """min(5 or 8, 6), min(5 or 8, 1); above 6 lie 0 or 2."""
    made = model(*ALONE, hosts=1)
    assert extremes(made, made.capped(made.total(BYTES), 6).rows["p"].expression) == (5, 6)
    assert extremes(made, made.capped(made.total(BYTES), 1).rows["p"].expression) == (1, 1)
    assert extremes(made, made.capped(made.total(BYTES), 1).rows["q"].expression) == (0, 1)
    made.cp.add(made.total(BYTES).rows["p"].expression == 8)
    above = made.above(made.total(BYTES), 6).rows["p"]
    assert (extremes(made, above.expression)[0], above.before) == (2, (0,))


@pytest.mark.parametrize(
    ("limit", "most"),
    [(9, (5, 8)), (7, (5, 5)), (4, (5, 5))],
)
def test_a_limit_holds_and_what_is_above_it_may_stay(limit: int, most: tuple[int, int]) -> None:
    """5 of 4 is broken and stays; 8 of 7 is not allowed."""
    made = model(*ALONE, hosts=1)
    made.require_at_most(made.total(BYTES), limit)
    assert extremes(made, made.total(BYTES).rows["p"].expression) == most


def test_a_limit_with_a_condition() -> None:
    """At most 2 bytes where a volume is keeps 3 bytes out; at most 2 bytes unless a volume is there does not."""
    bound, free = model(*ALONE, hosts=1, placed=[]), model(*ALONE, hosts=1, placed=[])
    bound.require_at_most(bound.total(BYTES), 2, where=bound.total(VOLUMES))
    assert extremes(bound, bound.placed(0)) == (0, 0)
    free.require_at_most(free.total(BYTES), 2, unless=free.total(VOLUMES))
    assert extremes(free, free.placed(0)) == (0, 1)


def test_a_difference_place_by_place() -> None:
    """8 or 5 on p less the volumes there."""
    made = model(*ALONE, hosts=1)
    rest = made.minus(made.total(BYTES), made.total(VOLUMES))
    assert (extremes(made, rest.rows["p"].expression), rest.rows["p"].before) == ((4, 6), (4,))


def test_merged_hosts_stand_for_their_sum() -> None:
    """Three equal hosts of at most 1 volume take 3 of five equal VMs: 0, 1 and 0 lie there, 2 more may come."""
    asked = units_of([request(f"r{number}", vm=f"m{number}") for number in range(5)])
    made = model(*asked, hosts=3, merge=True, placed=[volume(P, request("old", vm="x"), HOSTS[1])])
    assert (len(made.classes), len(made.host_classes), made.exact) == (1, 1, False)
    total = made.total(ON_HOSTS)
    assert total.rows["h0"].before == (0, 1, 0)
    assert extremes(made, total.rows["h0"].expression) == (1, 6)
    made.require_at_most(total, 1)
    assert extremes(made, total.rows["h0"].expression) == (1, 3)
    assert extremes(made, made.capped(total, 1).rows["h0"].expression) == (1, 3)


def test_what_is_broken_on_one_of_merged_hosts_is_no_room_on_the_others() -> None:
    """Of at most 1 each, 3 lie on h1: 3 + 1 + 1 may, though no further VM may go to h1."""
    lying = [volume(P, request(f"v{number}", vm=f"x{number}"), HOSTS[1]) for number in range(3)]
    asked = units_of([request(f"r{number}", vm=f"m{number}") for number in range(5)])
    made = model(*asked, hosts=3, merge=True, placed=lying)
    made.require_at_most(made.total(ON_HOSTS), 1)
    assert extremes(made, made.placed(0)) == (0, 2)


def test_what_is_hinted_unfolds_to_itself() -> None:
    """Three equal volumes, two of them on p: counted, and told apart again."""
    asked = units_of([request(f"r{number}") for number in range(3)])
    made = model(*asked, merge=True, placed=[])
    assert len(made.classes) == 1
    value = hint(made, {unit.name: (volume(on, unit.requests[0]),) for unit, on in zip(asked, (P, Q, P), strict=True)})
    pools = [[volumes[0].pool for volumes in candidates] for _, candidates in unfold(made, value)]
    assert sorted(pools) == [["p"], ["p"], ["q"]]


def test_large_sums_are_kept_in_mib() -> None:
    """R22: four volumes of 2**60 bytes pass what CP-SAT adds up; in MiB they do not, demand up and capacity down."""
    units = units_of([request(f"r{n}", 2**60 + 1) for n in range(4)])
    made = model(*units, placed=[])
    row = made.total(BYTES).rows["p"]
    assert row.unit == 2**20
    made.require_at_most(made.total(BYTES), 2**61 + 2**21 + 2**19)
    made.require_at_most(made.total(BYTES), lambda place: 2**62 if place.name == "p" else 0)
    assert extremes(made, row.expression) == (0, 2 * (2**40 + 1))

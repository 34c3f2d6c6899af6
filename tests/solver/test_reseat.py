"""Room for what was refused, on paper: what weighs less is never kept, and nobody is forgotten."""

from __future__ import annotations

from collections.abc import Callable

from allocator.domain.inventory import Inventory
from allocator.domain.request import Request
from allocator.fleet import Fleet
from allocator.rules import rules_of
from allocator.screen import Screen
from allocator.solver.bulk.merging import by_cluster
from allocator.solver.bulk.reseat import Reseating
from allocator.solver.bulk.seating import Seating
from allocator.solver.bulk.shapes import Shapes
from allocator.solver.classes import units_of
from allocator.testing.made import amount, host, pool, sized
from tests.solver.test_bulk import POLICY, vm


def searched(hosts: int, *asked: Request, first: str) -> tuple[set[str], int]:
    """Hosts of four cores; one VM is seated, the others are refused, and up to 60 steps are taken: who sits,
    at what cost."""
    made = [host(f"h{number}", resources={"vcpu": amount(4)}) for number in range(hosts)]
    screen = Screen(Fleet(Inventory([pool("p", capacity=sized(100))], made)), rules_of(POLICY))
    shapes = Shapes(units_of(asked), screen)
    seating = Seating(shapes)
    units = {unit.name: (unit, shape) for shape in shapes.all for unit in shape.units}
    assert seating.seat(*units.pop(first))
    search = Reseating(seating, units.values(), by_cluster(shapes)[0], 1)
    costs: list[int] = []
    search.run(watched(search, costs))
    assert costs == sorted(costs, reverse=True)
    seated = set(seating.seats)
    assert search.refused.keys() == {request.vm for request in asked} - seated
    assert search.cost == sum(1 + request.priority for request in asked if request.vm not in seated)
    return seated, search.cost


def watched(search: Reseating, costs: list[int]) -> Callable[[], bool]:
    def going() -> bool:
        costs.append(search.cost)
        return len(costs) < 60

    return going


def test_what_weighs_less_never_takes_its_place() -> None:
    """One host: four cores for a VM of priority 2, or one of them for a VM of priority 0."""
    assert searched(1, vm("heavy", 4, priority=2), vm("light", 1), first="heavy") == ({"heavy"}, 1)


def test_what_weighs_more_gets_its_place() -> None:
    """The same begun the other way round: who had to leave waits, and is paid for."""
    assert searched(1, vm("heavy", 4, priority=2), vm("light", 1), first="light") == ({"heavy"}, 1)


def test_room_is_made_by_moving_on() -> None:
    """Two hosts: 1 lies alone, 3 and 4 wait; 4 gets a host, and 3 joins the 1 on the other."""
    asked = vm("one", 1), vm("three", 3), vm("four", 4)
    assert searched(2, *asked, first="one") == ({"one", "three", "four"}, 0)

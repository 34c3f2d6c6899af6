"""Goal `overload` on paper: what is used above what a pool calls safe (R25)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from allocator.domain.policy import Policy
from allocator.goals.overload import Overload
from allocator.testing.made import amount, pool, request, volume
from tests.goals.paper import Sum, misadded

POLICY = Policy(overload={"cpu": 3})
P = pool("p", resources={"cpu": replace(amount(20), safe=10), "ram": replace(amount(90), safe=50)})
Q = pool("q", resources={"cpu": replace(amount(20), safe=8), "ram": amount(90)})
LYING = request("v", resources=(("cpu", 7), ("ram", 45)))

SUMS = (
    Sum("below what is safe nothing costs", request(resources=(("cpu", 8), ("ram", 50))), {"p": 0, "q": 0}, [P, Q]),
    Sum("3 for each CPU and 1 for each unit of RAM above it, where the pool says so",
        request(resources=(("cpu", 12), ("ram", 60))), {"p": 3 * 2 + 10, "q": 3 * 4}, [P, Q], policy=POLICY),
    Sum("what lies there counts", request(resources=(("cpu", 4), ("ram", 4))), {"p": 3 * 1, "q": 0}, [P, Q],
        placed=[volume(P, LYING)], policy=POLICY),
    Sum("what is above already costs nothing more than it did", request(resources=(("cpu", 2), ("ram", 0))),
        {"p": 3 * 2, "q": 0}, [P, Q], placed=[volume(P, replace(LYING, resources=(("cpu", 11), ("ram", 45))))],
        policy=POLICY),
    Sum("a move takes along what it cost", (), {"p": 0, "q": 3 * 6 - 3 * 4}, [P, Q], policy=POLICY,
        home=volume(P, replace(LYING, resources=(("cpu", 14), ("ram", 45))))),
)  # fmt: skip


@pytest.mark.parametrize("line", SUMS, ids=str)
def test_on_paper(line: Sum) -> None:
    assert list(misadded(line, Overload)) == []

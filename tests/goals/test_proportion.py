"""Goal `proportion` on paper: what is left of one resource can be used with what is left of another (R25)."""

from __future__ import annotations

import pytest

from allocator.domain.policy import Policy, Spare
from allocator.goals.proportion import Proportion
from allocator.testing.made import amount, pool, request, volume
from tests.goals.paper import Sum, misadded

POLICY = Policy(spare=(Spare("cpu", "ram", ratio=4, weight=5),))
P = pool("p", resources={"cpu": amount(10), "ram": amount(40)})
Q = pool("q", resources={"cpu": amount(10), "ram": amount(30)})


def asked(cpu: int, ram: int) -> tuple[tuple[str, int], ...]:
    return ("cpu", cpu), ("ram", ram)


SUMS = (
    Sum("4 RAM for a CPU keep it", request(resources=asked(3, 12)), {"p": 0, "q": 0}, [P, Q], policy=POLICY),
    Sum("5 for each unit of RAM that is lacking, where it is lacking already as well",
        request(resources=asked(1, 10)), {"p": 5 * 6, "q": 5 * 6}, [P, Q], policy=POLICY),
    Sum("CPUs mend what lacks: 10 are lacking on q, and 8 after", request(resources=asked(1, 2)), {"p": 0, "q": -5 * 2},
        [P, Q], policy=POLICY),
    Sum("no further than to nothing", request(resources=asked(5, 0)), {"p": 0, "q": -5 * 10}, [P, Q], policy=POLICY),
    Sum("of a move both ends count: p lacks 6 no more, q lacks 16", (), {"p": 0, "q": 0}, [P, Q], policy=POLICY,
        home=volume(P, request("v", resources=asked(1, 10)))),
    Sum("what overcommit adds is there", request(resources=asked(0, 6)), {"o": 0},
        [pool("o", resources={"cpu": amount(10), "ram": amount(23, "2")})], policy=POLICY),
)  # fmt: skip


@pytest.mark.parametrize("line", SUMS, ids=str)
def test_on_paper(line: Sum) -> None:
    assert list(misadded(line, Proportion)) == []

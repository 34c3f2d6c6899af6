"""Goal `packing` on paper: pools that a placement takes into use."""

from __future__ import annotations

import pytest

from allocator.goals.packing import Packing
from allocator.testing.made import host, pool, request, volume
from tests.goals.paper import Sum, misadded

P, Q, R = pool("p"), pool("q"), pool("r")
PAIR = (request("a", vm="m"), request("b", vm="m"))

SUMS = (
    Sum("an empty pool costs 1", request(), {"p": 0, "q": 1}, [P, Q], placed=[volume(P, request("v"))]),
    Sum("a foreign volume uses its pool", request(), {"p": 0, "q": 1}, [P, Q],
        placed=[volume(P, request("v"), foreign=True)]),
    Sum("R23 two volumes use one pool or two", PAIR, {"p+p@h": 0, "p+q@h": 1, "q+p@h": 1, "q+q@h": 1}, [P, Q], [host()],
        [volume(P, request("v"))]),
)  # fmt: skip


@pytest.mark.parametrize("line", SUMS, ids=str)
def test_on_paper(line: Sum) -> None:
    assert list(misadded(line, Packing)) == []

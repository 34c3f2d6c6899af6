"""Goal `price` on paper: the pool's price for each GiB charged."""

from __future__ import annotations

from fractions import Fraction

import pytest

from allocator.domain.manifest import SizeSupport
from allocator.domain.sizes import GIB
from allocator.goals.price import Price
from allocator.testing.made import host, manifest, pool, request
from tests.goals.paper import Sum, misadded

CHEAP, DEAR = pool("cheap", price=2), pool("dear", price=7)
COARSE = pool("coarse", manifest(size=SizeSupport(1, None, 4 * GIB)), price=2)

SUMS = (
    Sum("3 GiB at 2 and at 7", request("r", 3 * GIB), {"cheap": 6, "dear": 21}, [CHEAP, DEAR]),
    Sum("a GiB begun is paid", request("r", 2 * GIB + 1), {"cheap": 6, "dear": 21}, [CHEAP, DEAR]),
    Sum("what is made is paid: 4 GiB", request("r", GIB), {"coarse": 8}, [COARSE]),
    Sum("with the reserve: 11 GiB", request("r", 10 * GIB, snapshot_reserve=Fraction(1, 10)), {"cheap": 22}, [CHEAP]),
    Sum("R23 of two volumes", (request("a", GIB, vm="m"), request("b", 2 * GIB, vm="m")),
        {"cheap+cheap@h": 6, "cheap+dear@h": 16, "dear+cheap@h": 11, "dear+dear@h": 21}, [CHEAP, DEAR], [host()]),
)  # fmt: skip


@pytest.mark.parametrize("line", SUMS, ids=str)
def test_on_paper(line: Sum) -> None:
    assert list(misadded(line, Price)) == []

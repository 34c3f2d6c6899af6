"""Goal `headroom` on paper: what is broken off the room that every pool keeps for one more large volume."""

from __future__ import annotations

import pytest

from allocator.domain import policy as numbers
from allocator.domain.policy import Policy
from allocator.domain.request import Offering
from allocator.goals.headroom import Headroom
from allocator.testing.made import amount, host, pool, provisioned, request, sized, volume
from tests.goals.paper import Sum, misadded

TENS = Policy(headroom=numbers.Headroom(capacity_bytes=10))
THREES = Policy(headroom=numbers.Headroom(capacity_bytes=3))
BOTH = Policy(headroom=numbers.Headroom(capacity_bytes=10, iops=5))
P, Q, SMALL = pool("p", capacity=sized(25)), pool("q", capacity=sized(29)), pool("s", capacity=sized(9))
FAST, OPEN = pool("p", capacity=sized(25), iops=amount(12)), pool("open", iops=amount(3))
FULL = [volume(P, request("v", 30))]
LARGEST = [Offering("gold", qos=(provisioned(5),)), Offering("silver", qos=(provisioned(2),))]

SUMS = (
    Sum("25 - 6 and 29 - 6 keep a room of 10", request("r", 6), {"p": 0, "q": 0}, [P, Q], policy=TENS),
    Sum("25 - 16 lacks a tenth of the room", request("r", 16), {"p": 100_000, "q": 0}, [P, Q], policy=TENS),
    Sum("all of the room, and six tenths", request("r", 25), {"p": 1_000_000, "q": 600_000}, [P, Q], policy=TENS),
    Sum("a pool that is too small has no room to lose", request("r", 5), {"p": 0, "s": 0}, [P, SMALL], policy=TENS),
    Sum("what is broken already may break further", request("r", 5), {"p": 500_000}, [P], placed=FULL, policy=TENS),
    Sum("a third is rounded up: 333,334 - 333,333", request("r", 1), {"f": 1}, [pool("f", capacity=sized(4))],
        policy=THREES),
    Sum("bytes and IOPS: 1.6 - 1.5 and 1.6 - 1.4", request("r", 16, provisioned(8)), {"p": 300_000}, [FAST],
        policy=BOTH),
    Sum("else the largest offering: 1.6 - 1.4, and 3 IOPS are no room of 5", request("r", 1, provisioned(8)),
        {"p": 200_000, "open": 0}, [FAST, OPEN], offerings=LARGEST),
    Sum("without limit there is room", request("r", 1, provisioned(3)), {"open": 0}, [pool("open")],
        policy=Policy(unknown_total="unlimited"), offerings=LARGEST),
    Sum("R23 of two volumes", (request("a", 8, vm="m"), request("b", 8, vm="m")),
        {"p+p@h": 100_000, "p+q@h": 0, "q+p@h": 0, "q+q@h": 0}, [P, Q], [host()], policy=TENS),
)  # fmt: skip


@pytest.mark.parametrize("line", SUMS, ids=str)
def test_on_paper(line: Sum) -> None:
    assert list(misadded(line, Headroom)) == []

"""Goal `balance` on paper: millionths above thresholds, at each threshold again."""

from __future__ import annotations

import pytest

from allocator.domain import policy as numbers
from allocator.domain.policy import Policy
from allocator.goals.balance import MILLION, Balance, share
from allocator.limits import UNLIMITED
from allocator.testing.made import ANY, amount, host, pool, provisioned, request, sized, throttled, volume
from tests.goals.paper import Sum, misadded


def weighing(*thresholds: int, **weights: int) -> Policy:
    return Policy(balance=numbers.Balance(thresholds, weights))


BYTES, TWICE = weighing(700, capacity=1), weighing(700, 850, capacity=1)
P, Q = pool("p", capacity=sized(100)), pool("q", capacity=sized(50, "2"))
SIXTY = [volume(P, request("v", 60))]
THIRD = pool("p", capacity=sized(3))
SOLD, UNSOLD = pool("p", capacity=sized(100), iops=amount(10)), pool("q", ANY)
H, I = host("h", iops=amount(100)), host("i", iops=amount(50))  # noqa: E741

SUMS = (
    Sum("below the threshold", request("r", 10), {"p": 0, "q": 0}, [P, Q], placed=SIXTY, policy=BYTES),
    Sum("80% is 10% above 70%", request("r", 20), {"p": 100_000, "q": 0}, [P, Q], placed=SIXTY, policy=BYTES),
    Sum("90% is 20% above 70% and 5% above 85%", request("r", 30), {"p": 250_000, "q": 0}, [P, Q], placed=SIXTY,
        policy=TWICE),
    Sum("only what is new costs", request("r", 10), {"p": 200_000}, [P], placed=[volume(P, request("v", 90))],
        policy=TWICE),
    Sum("a third is rounded up", request("r", 1), {"p": 333_334}, [THIRD], policy=weighing(0, capacity=1)),
    Sum("a weight", request("r", 1), {"p": 1_000_002}, [THIRD], policy=weighing(0, capacity=3)),
    Sum("no weight", request("r", 1), {"p": 0}, [THIRD], policy=weighing(0, iops=1)),
    Sum("two dimensions, and a pool that states none", request("r", 10, provisioned(5)), {"p": 1_100_000, "q": 0},
        [SOLD, UNSOLD], policy=weighing(0, capacity=1, iops=2)),
    Sum("hosts", request("r", 1, throttled(10), vm="m"), {"p@h": 100_000, "p@i": 200_000}, [P], [H, I],
        policy=weighing(0, host_iops=1)),
    Sum("R23 two volumes in one place", (request("a", 40, vm="m"), request("b", 40, vm="m")),
        {"p+p@h": 100_000, "p+q@h": 0, "q+p@h": 0, "q+q@h": 100_000}, [P, Q], [H], policy=BYTES),
    Sum("what was above the limit is above it", request("r", 10), {"p": 100_000}, [P],
        placed=[volume(P, request("v", 120))], policy=BYTES),
)  # fmt: skip


@pytest.mark.parametrize("line", SUMS, ids=str)
def test_on_paper(line: Sum) -> None:
    assert list(misadded(line, Balance)) == []


@pytest.mark.parametrize(
    ("amount", "limit", "millionths"),
    [
        (1, 3, 333_334),
        (3, 3, MILLION),
        (9, 3, MILLION),
        (0, 3, 0),
        (5, 0, 0),
        (5, UNLIMITED, 0),
        (2**39, 2**40, 500_000),
        (2**39 + 1, 2**40, 500_001),
        (2**61, 2**62 - 1, 500_001),
    ],
)
def test_a_share_is_rounded_up(amount: int, limit: int, millionths: int) -> None:
    """From 1 TiB on in MiB: 2**39 bytes and one more are 524,289 MiB of 1,048,576."""
    assert share(amount, limit) == millionths

"""Rule `bandwidth` on paper: what a pool sells of its guaranteed bytes per second."""

from __future__ import annotations

import pytest

from allocator.domain.policy import Policy
from allocator.domain.request import Request
from allocator.domain.sizes import MIB
from allocator.rules.bandwidth import Bandwidth
from allocator.testing.made import amount, limit, pool, provisioned, request, throttled, volume
from tests.rules.paper import Case, misread


def floor(bytes_per_second: int, name: str = "r") -> Request:
    return request(name, 1, provisioned(bytes_per_second, unit="bandwidth"))


TEN = pool(bandwidth=amount(10 * MIB))
UNKNOWN = pool()
SIX = volume(TEN, floor(6 * MIB, "v"))
FOREIGN = volume(TEN, floor(6 * MIB, "v"), foreign=True)
BEYOND = volume(TEN, floor(11 * MIB, "v"))

CASES = (
    Case("6 + 4 MiB of 10", floor(4 * MIB), "p", [TEN], placed=[SIX]),
    Case("one byte per second more", floor(4 * MIB + 1), "", [TEN], placed=[SIX]),
    Case("R07 a foreign volume counts", floor(4 * MIB + 1), "", [TEN], placed=[FOREIGN]),
    Case("5 x 1.5 sells 7", floor(7), "p", [pool(bandwidth=amount(5, "1.5"))]),
    Case("and not 8", floor(8), "", [pool(bandwidth=amount(5, "1.5"))]),
    Case("R09 a throttle takes none", request("r", 1, throttled(20 * MIB, "bandwidth")), "p", [TEN], placed=[SIX]),
    Case("R11 nor does a limit", request("r", 1, limit(20 * MIB, "bandwidth")), "p/0 p/1", [TEN], placed=[SIX]),
    Case("IOPS are another matter", request("r", 1, provisioned(20 * MIB)), "p", [TEN], placed=[SIX]),
    Case("a pool without a total sells none", floor(1), "", [UNKNOWN]),
    Case("unless the policy trusts it", floor(2**40), "p", [UNKNOWN], policy=Policy(unknown_total="unlimited")),
    Case("a broken pool holds what asks for none", request(), "p", [TEN], placed=[BEYOND],
         broken={"floors pool p": MIB}),
    Case("and sells no more", floor(1), "q", [TEN, pool("q", bandwidth=amount(1))], placed=[BEYOND],
         broken={"floors pool p": MIB}),
    Case("R22 two of three", tuple(floor(4 * MIB, f"r{n}") for n in range(3)), "", [TEN], at_best=2),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_on_paper(case: Case) -> None:
    assert list(misread(case, Bandwidth)) == []

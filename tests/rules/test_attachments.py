"""Rule `attachments` on paper: how many volumes a pool holds and a host attaches."""

from __future__ import annotations

import pytest

from allocator.rules.attachments import Attachments
from allocator.testing.made import host, pool, request, volume
from tests.rules.paper import Case, misread

P, TWO, H, ONE = pool(), pool(max_volumes=2), host(), host(max_volumes=1)
FIRST, SECOND, THIRD = request("v"), request("w"), request("x")
PAIR = (request("a", vm="m"), request("b", vm="m"))

CASES = (
    Case("a second of two", request(), "p", [TWO], placed=[volume(TWO, FIRST)]),
    Case("no third", request(), "", [TWO], placed=[volume(TWO, FIRST), volume(TWO, SECOND)]),
    Case("R07 foreign volumes count", request(), "", [TWO],
         placed=[volume(TWO, FIRST, foreign=True), volume(TWO, SECOND)]),
    Case("a pool that states no number", request(), "p", [P], placed=[volume(P, FIRST), volume(P, SECOND)]),
    Case("a pool that is shut", request(), "", [pool(max_volumes=0)]),
    Case("one on the host", request(vm="m"), "p@h", [P], [ONE]),
    Case("no second", request(vm="m"), "p@i", [P], [ONE, host("i")], [volume(P, request("v", vm="o"), ONE)]),
    Case("R23 a VM of two volumes", PAIR, "p+p@i", [P], [ONE, host("i", max_volumes=2)]),
    Case("a volume that is not attached", request(), "p", [P], [host(max_volumes=0)]),
    Case("a broken pool takes no more", request(), "q", [TWO, pool("q")],
         placed=[volume(TWO, asked) for asked in (FIRST, SECOND, THIRD)], broken={"pool pool p": 1}),
    Case("R22 two of three", (FIRST, SECOND, THIRD), "", [TWO], [H], at_best=2),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_on_paper(case: Case) -> None:
    assert list(misread(case, Attachments)) == []

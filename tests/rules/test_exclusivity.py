"""Rule `exclusivity` on paper: promises never share a place with what nobody limits (R12)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from allocator.domain.qos import Band, Bands, Qos
from allocator.rules.exclusivity import Exclusivity
from allocator.testing.made import (
    ISOLATING,
    STORAGE,
    host,
    limit,
    manifest,
    pool,
    provisioned,
    request,
    throttled,
    volume,
)
from tests.rules.paper import Case, misread

SHARED, ISOLATED, OTHER = pool("shared"), pool("isolated", ISOLATING), pool("other")
LUN = pool("lun", ISOLATING, managed=False)
ABLE = pool("able", manifest("able", replace(STORAGE, isolation=True, unmanaged=True)), managed=False)
BOUNDING = replace(STORAGE, isolation=True, always=True, default=Qos(iops=Bands(Band(floor=50, ceiling=100))))
SOLIDFIRE = pool("solidfire", manifest("solidfire", BOUNDING))
H, I = host("h"), host("i")  # noqa: E741
FREE, KEPT = request(), request("r", 1, provisioned(5, 9))
LOUD, QUIET = request("v"), request("v", 1, provisioned(5, 9))


CASES = (
    Case("R12 no promise beside an unbounded volume", KEPT, "other", [SHARED, OTHER], placed=[volume(SHARED, LOUD)]),
    Case("R12 nor the other way round", FREE, "other", [SHARED, OTHER], placed=[volume(SHARED, QUIET)]),
    Case("R12 a foreign volume counts", FREE, "other", [SHARED, OTHER], placed=[volume(SHARED, QUIET, foreign=True)]),
    Case("R12 isolation mixes freely", KEPT, "isolated", [ISOLATED], placed=[volume(ISOLATED, LOUD)]),
    Case("R12 in either order", FREE, "isolated", [ISOLATED], placed=[volume(ISOLATED, QUIET)]),
    Case("R16 an unmanaged pool is not isolated", KEPT, "able", [LUN, ABLE],
         placed=[volume(LUN, LOUD), volume(ABLE, request("w"))]),
    Case("R12 a limited volume is no neighbour to fear", KEPT, "shared", [SHARED],
         placed=[volume(SHARED, request("v", 1, limit(9)))]),
    Case("R12 a throttled one shares a pool with an unbounded one", request("r", 1, throttled(9)), "shared", [SHARED],
         placed=[volume(SHARED, LOUD)]),
    Case("R12 and no host", request("r", 1, throttled(9), vm="m"), "shared@i", [SHARED], [H, I],
         [volume(SHARED, request("v", vm="n"), H)]),
    Case("R12 in either order on a host", request(vm="m"), "shared@i", [SHARED], [H, I],
         [volume(SHARED, request("v", 1, throttled(9), vm="n"), H)]),
    Case("R12 a promise is kept away from an unbounded neighbour on the host",
         request("r", 1, provisioned(5, 9), vm="m"),
         "isolated@i", [ISOLATED], [H, I], [volume(ISOLATED, request("v", vm="n"), H)]),
    Case("R12 an array that bounds every volume excuses its hosts", request(vm="m"), "solidfire@h solidfire@i",
         [SOLIDFIRE], [H, I], [volume(SOLIDFIRE, request("v", 1, provisioned(5, 9), vm="n"), H)]),
    Case("R12 a detached volume counts on its pool only", request("r", 1, throttled(9), vm="m"), "shared@h", [SHARED],
         [H],
         [volume(SHARED, LOUD)]),
    Case("bandwidth is a promise too", request("r", 1, provisioned(5, 9, "bandwidth")), "", [SHARED],
         placed=[volume(SHARED, LOUD)]),
    Case("a minimum of 0 promises nothing", request("r", 1, provisioned(0)), "shared", [SHARED],
         placed=[volume(SHARED, LOUD)]),
    Case("a minimum without a maximum disturbs nobody while it is alone", request("r", 1, provisioned(5)),
         "isolated shared", [SHARED, ISOLATED]),
    Case("R12 it disturbs another promise", request("r", 1, provisioned(5)), "", [SHARED],
         placed=[volume(SHARED, QUIET)]),
    Case("R12 it is disturbed by what nobody limits", request("r", 1, provisioned(5)), "", [SHARED],
         placed=[volume(SHARED, LOUD)]),
    Case("R12 and by its like", request("r", 1, provisioned(5)), "other", [SHARED, OTHER],
         placed=[volume(SHARED, request("v", 1, provisioned(5)))]),
    Case("R23 one VM, one host: throttled and unbounded",
         (request("a", 1, throttled(9), vm="m"), request("b", vm="m")), "",
         [SHARED], [H]),
    Case("a bad pair stays and blocks no throttle", request("r", 1, throttled(9)), "shared", [SHARED],
         placed=[volume(SHARED, LOUD), volume(SHARED, request("w", 1, provisioned(5, 9)))],
         broken={"pool-protected pool shared": 1, "pool-unbounded pool shared": 1}),
    Case("and gets no further", FREE, "", [SHARED],
         placed=[volume(SHARED, LOUD), volume(SHARED, request("w", 1, provisioned(5, 9)))],
         broken={"pool-protected pool shared": 1, "pool-unbounded pool shared": 1}),
    Case("R22 two promises rather than one loud volume", (request("a", 1, provisioned(1, 2)), request("b"),
         request("c", 1, provisioned(1, 2))), "", [SHARED], at_best=2),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_on_paper(case: Case) -> None:
    assert list(misread(case, Exclusivity)) == []

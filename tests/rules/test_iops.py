"""Rule `iops` on paper: what a pool sells of its guaranteed IOPS."""

from __future__ import annotations

from dataclasses import replace

import pytest

from allocator.domain.policy import Policy
from allocator.domain.qos import Band, Bands, Kind, Qos, QosWish
from allocator.rules.iops import Iops
from allocator.testing.made import (
    ANY,
    CAPPING,
    STORAGE,
    amount,
    limit,
    manifest,
    pool,
    provisioned,
    request,
    throttled,
    volume,
)
from tests.rules.paper import Case, misread

OVERSOLD = pool(iops=amount(100_000, "1.5"))
SOLD = volume(OVERSOLD, request("sold", 1, provisioned(140_000)))
FOREIGN = volume(OVERSOLD, request("sold", 1, provisioned(140_000)), foreign=True)
BEYOND = volume(OVERSOLD, request("sold", 1, provisioned(160_000)))
SPLIT = QosWish(Kind.PROVISIONED, Qos(iops=Bands(read=Band(floor=3), write=Band(floor=2))))
SOLIDFIRE = manifest(
    "solidfire", replace(STORAGE, always=True, isolation=True, default=Qos(iops=Bands(Band(floor=100, ceiling=15_000))))
)
ARRAY = pool(driver=SOLIDFIRE, iops=amount(1_000))
OBSERVED = pool(driver=SOLIDFIRE, iops=amount(1_000), default_qos=Qos(iops=Bands(Band(floor=50))))
CEILINGS = pool(iops=amount(1_000, "1", "1.5"))
CAPPED = pool(driver=CAPPING, iops=amount(100, "2"))
UNKNOWN = pool()
FREE = request("free")


CASES = (
    Case("R06 100,000 x 1.5 sells 150,000", request("r", 1, provisioned(10_000)), "p", [OVERSOLD], placed=[SOLD]),
    Case("R06 and not 150,001", request("r", 1, provisioned(10_001)), "", [OVERSOLD], placed=[SOLD]),
    Case(
        "R06 150,001 goes elsewhere",
        request("r", 1, provisioned(10_001)),
        "q",
        [OVERSOLD, pool("q", iops=amount(10_001)), pool("s", iops=amount(10_000))],
        placed=[SOLD],
    ),
    Case("R07 a foreign volume counts", request("r", 1, provisioned(10_001)), "", [OVERSOLD], placed=[FOREIGN]),
    Case("R07 and leaves the rest", request("r", 1, provisioned(10_000)), "p", [OVERSOLD], placed=[FOREIGN]),
    Case("what is sold rounds down", request("r", 1, provisioned(5)), "", [pool(iops=amount(3, "1.5"))]),
    Case("3 x 1.5 sells 4", request("r", 1, provisioned(4)), "p", [pool(iops=amount(3, "1.5"))]),
    Case("R10 floors of reads and writes add up", request("r", 1, SPLIT), "q",
         [pool("p", iops=amount(4)), pool("q", iops=amount(5))]),
    Case("R09 a throttle takes no IOPS of the pool", request("r", 1, throttled(9)), "p", [pool(iops=amount(1))]),
    Case("R11 nor does a bare limit", request("r", 1, limit(9)), "p/0 p/1", [pool(iops=amount(1))]),
    Case("a pool without a total sells none", request("r", 1, provisioned(1)), "", [UNKNOWN]),
    Case("but holds what asks for nothing", FREE, "p", [UNKNOWN]),
    Case(
        "unless the policy trusts it",
        request("r", 1, provisioned(10**9)),
        "p",
        [UNKNOWN],
        policy=Policy(unknown_total="unlimited"),
    ),
    Case("a null minimum is 100", FREE, "p", [ARRAY], placed=[volume(ARRAY, request("v", 1, provisioned(900)))]),
    Case("901 and 100 are too many", FREE, "", [ARRAY], placed=[volume(ARRAY, request("v", 1, provisioned(901)))]),
    Case(
        "nine volumes that asked for nothing take 900",
        request("r", 1, provisioned(101)),
        "",
        [ARRAY],
        placed=[volume(ARRAY, request(f"v{n}")) for n in range(9)],
    ),
    Case("what was observed counts", FREE, "p", [OBSERVED],
         placed=[volume(OBSERVED, request("v", 1, provisioned(950)))]),
    Case("to the last", FREE, "", [OBSERVED], placed=[volume(OBSERVED, request("v", 1, provisioned(951)))]),
    Case(
        "ceilings up to 1,000 x 1.5",
        request("r", 1, throttled(500)),
        "p",
        [CEILINGS],
        placed=[volume(CEILINGS, request("v", 1, limit(1_000)))],
    ),
    Case(
        "ceilings beyond it",
        request("r", 1, throttled(501)),
        "",
        [CEILINGS],
        placed=[volume(CEILINGS, request("v", 1, limit(1_000)))],
    ),
    Case("a reserved floor with its burst of all", request("r", 1, provisioned(10, 60, burst=100)), "p", [CAPPED]),
    Case("and of more than all, overcommit or not", request("r", 1, provisioned(10, 60, burst=101)), "", [CAPPED]),
    Case(
        "a reserved floor beside ceilings of 40",
        request("r", 1, provisioned(10, 60)),
        "p",
        [CAPPED],
        placed=[volume(CAPPED, request("v", 1, limit(40)))],
    ),
    Case(
        "a reserved floor beside ceilings of 41",
        request("r", 1, provisioned(10, 60)),
        "",
        [CAPPED],
        placed=[volume(CAPPED, request("v", 1, limit(41)))],
    ),
    Case("a ceiling beside a reserved floor", request("r", 1, limit(41)), "", [CAPPED],
         placed=[volume(CAPPED, request("v", 1, provisioned(10, 60)))]),
    Case("no ceiling beside a reserved floor", FREE, "", [CAPPED],
         placed=[volume(CAPPED, request("v", 1, provisioned(10, 60)))]),
    Case("ceilings alone reserve nothing", request("r", 1, limit(500), limit(500)), "p/0 p/1 p/2 p/3", [CAPPED],
         placed=[volume(CAPPED, request("v", 1, limit(500)))]),
    Case("a broken pool holds what asks for nothing", FREE, "p", [OVERSOLD], placed=[BEYOND],
         broken={"floors pool p": 10_000}),
    Case("and sells nothing more", request("r", 1, provisioned(1)), "q", [OVERSOLD, pool("q", iops=amount(1))],
         placed=[BEYOND], broken={"floors pool p": 10_000}),
    Case("R22 two of three", tuple(request(f"r{n}", 1, provisioned(60_000)) for n in range(3)), "", [OVERSOLD],
         at_best=2),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_on_paper(case: Case) -> None:
    assert list(misread(case, Iops)) == []


def test_a_reason_names_pool_total_and_limit() -> None:
    """R02: 140,000 + 10,001 = 150,001 of 150,000."""
    trial = Case("", request("r", 1, provisioned(10_001)), "", [OVERSOLD], placed=[SOLD]).trial(Iops)
    ((option, _),) = trial.alone["r"]
    after = trial.inventory.plus(option)
    (violation,) = trial.tried[0].violations(after)
    reason = trial.tried[0].reason(violation, after)
    assert reason.text == "pool p has 150,001 guaranteed IOPS, at most 150,000"
    assert reason.numbers == {"total": 150_001, "limit": 150_000, "amount": 1}


def test_a_phrase_names_what_is_left_and_where() -> None:
    """R02: of two closed pools the one with the most left is named."""
    pools = [pool("p", iops=amount(7)), pool("q", ANY, iops=amount(9))]
    trial = Case("", request("r", 1, provisioned(10)), "", pools).trial(Iops)
    fleet = trial.screen().fleet
    ask = trial.screen().asks(trial.world.requests[0])[0]
    rows = fleet.kinds("pool", lambda pool: pool.name).codes
    assert trial.tried[0].phrase((ask,), fleet, rows, "pool") == "have < 10 guaranteed IOPS left, most on q: 9"

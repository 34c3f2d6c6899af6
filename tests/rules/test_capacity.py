"""Rule `capacity` on paper: bytes that a pool sells, thin and thick."""

from __future__ import annotations

from fractions import Fraction

import pytest

from allocator.domain.manifest import SizeSupport
from allocator.domain.places import Pool
from allocator.domain.policy import Policy
from allocator.domain.request import Provisioning, Request
from allocator.rules.capacity import Capacity
from allocator.testing.made import ANY, manifest, pool, request, sized, volume
from tests.rules.paper import Case, misread


def thin(size_bytes: int, name: str = "r") -> Request:
    return request(name, size_bytes, provisioning="thin")


def thick(size_bytes: int, name: str = "r") -> Request:
    return request(name, size_bytes, provisioning="thick")


def kept_back(size_bytes: int, share: str) -> Request:
    return request("r", size_bytes, snapshot_reserve=Fraction(share))


def used(used_bytes: int | None) -> Pool:
    return pool(capacity=sized(100), full_at=Fraction(85, 100), used_bytes=used_bytes)


def only(provisioning: Provisioning) -> Pool:
    return pool(driver=manifest(provisioning=frozenset({provisioning})), capacity=sized(10, "2"))


NINETY = pool(capacity=sized(101, "2", "0.1"))
STEPS = manifest(size=SizeSupport(8, None, 4))
TEN = pool(capacity=sized(7, "1.5"))
FULL = pool(capacity=sized(10))
UNKNOWN = pool()

CASES = (
    Case("thin up to (101 - 11) x 2", thin(180), "p", [NINETY]),
    Case("and no byte more", thin(181), "", [NINETY]),
    Case("thick up to 101 - 11", thick(90), "p", [NINETY]),
    Case("and no byte more, oversold or not", thick(91), "", [NINETY]),
    Case("2 x 45 thick leave 90 thin", thin(90), "p", [NINETY], placed=[volume(NINETY, thick(45, "v"))]),
    Case("and not 91", thin(91), "", [NINETY], placed=[volume(NINETY, thick(45, "v"))]),
    Case("R07 foreign bytes count", thin(91), "", [NINETY], placed=[volume(NINETY, thick(45, "v"), foreign=True)]),
    Case("a thick share is rounded up: 5 + 5 of 10", thick(3), "p", [TEN], placed=[volume(TEN, thick(3, "v"))]),
    Case("and leaves nothing", thin(1), "", [TEN],
         placed=[volume(TEN, thick(3, "v")), volume(TEN, thick(3, "w"))]),
    Case("unasked is thin where the driver can", request("r", 20), "p", [only("thin")]),
    Case("unasked is thick where it cannot do else", request("r", 10), "p", [only("thick")]),
    Case("and then takes twice as much", request("r", 11), "", [only("thick")]),
    Case("1 is made as 8", request("r", 1), "q",
         [pool("p", STEPS, capacity=sized(7)), pool("q", STEPS, capacity=sized(8))]),
    Case("9 is made as 12", request("r", 9), "q",
         [pool("p", STEPS, capacity=sized(11)), pool("q", STEPS, capacity=sized(12))]),
    Case("100 and 10% for backups", kept_back(100, "0.1"), "q",
         [pool("p", capacity=sized(109)), pool("q", capacity=sized(110))]),
    Case("15 and 10% is 17", kept_back(15, "0.1"), "q", [pool("p", capacity=sized(16)), pool("q", capacity=sized(17))]),
    Case("the share is of what is made: 12 + 2", kept_back(9, "0.1"), "q",
         [pool("p", STEPS, capacity=sized(13)), pool("q", STEPS, capacity=sized(14))]),
    Case("full at 85 of 100 used", thin(1), "", [used(85)]),
    Case("not at 84", thin(1), "p", [used(84)]),
    Case("nor where nothing was observed", thin(1), "p", [used(None)]),
    Case("what lies on a full pool is fine", thin(1), "", [used(85)], placed=[volume(used(85), thin(50, "v"))]),
    Case("a pool without a total sells nothing", thin(1), "", [UNKNOWN]),
    Case("unless the policy trusts it", thin(2**50), "p", [UNKNOWN], policy=Policy(unknown_total="unlimited")),
    Case("a broken pool takes nothing more", thin(1), "q", [FULL, pool("q", ANY, capacity=sized(1))],
         placed=[volume(FULL, thin(12, "v"))], broken={"bytes pool p": 2}),
    Case("R22 two of three", tuple(thin(4, f"r{n}") for n in range(3)), "", [FULL], at_best=2),
    Case("R23 two volumes on two pools", (request("a", 6, vm="m"), request("b", 6, vm="m")), "",
         [FULL, pool("q", capacity=sized(6))], at_best=0),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_on_paper(case: Case) -> None:
    assert list(misread(case, Capacity)) == []


def test_a_reason_shows_bytes() -> None:
    """R02: 12 GiB on a pool of 10 GiB."""
    small = pool(capacity=sized(10 * 2**30))
    trial = Case("", request("r", 12 * 2**30), "", [small]).trial(Capacity)
    after = trial.inventory.plus([volume(small, trial.world.requests[0])])
    (violation,) = trial.tried[0].violations(after)
    assert trial.tried[0].reason(violation, after).text == "pool p has 12 GiB of space, at most 10 GiB"

"""Rule `apart` on paper: a group spreads over pools, hosts and failure domains."""

from __future__ import annotations

import pytest

from allocator.domain.inventory import Inventory
from allocator.domain.places import Pool
from allocator.domain.policy import Policy
from allocator.domain.request import Apart, Request
from allocator.rules.apart import ApartRule
from allocator.testing.made import host, pool, request, volume
from tests.rules.paper import Case, misread


def racked(name: str, rack: str | None, zone: str = "z") -> Pool:
    return pool(name, zone=zone, domains={} if rack is None else {"rack": rack})


def web(name: str = "r", apart: Apart = Apart("rack"), vm: str | None = None, group: str = "web") -> Request:  # noqa: B008
    return request(name, group=group, apart=apart, vm=vm)


A, B, C, NOWHERE, FAR = (
    racked("a", "x"),
    racked("b", "x"),
    racked("c", "y"),
    racked("none", None),
    racked("far", "x", "y"),
)
POOLS = [A, B, C, NOWHERE, FAR]
H, I = host("h"), host("i")  # noqa: E741
TWO, SPREAD, BOTH = Apart("rack", 2), Apart("rack", None, 2), Apart("rack", 2, 2)
PER_POOL, PER_HOST, PER_ZONE = Apart("pool"), Apart("host"), Apart("zone")

CASES = (
    Case("a first volume, on pools that name a rack", web(), "a b c far", POOLS),
    Case("a second, in another rack", web(), "c far", POOLS, placed=[volume(A, web("v"))]),
    Case("racks of two zones are two racks", web(), "c", [A, C, FAR],
         placed=[volume(A, web("v")), volume(FAR, web("w"))]),
    Case("two in one rack", web(apart=TWO), "a b c far", POOLS, placed=[volume(A, web("v", TWO))]),
    Case("and no third", web(apart=TWO), "c far", POOLS, placed=[volume(A, web("v", TWO)), volume(B, web("w", TWO))]),
    Case("R07 a foreign member counts", web(), "c far", POOLS, placed=[volume(A, web("v"), foreign=True)]),
    Case("other groups do not", web(), "a b c far", POOLS, placed=[volume(A, web("v", group="db"))]),
    Case("nor the same group under another wish", web(), "a b c far", POOLS, placed=[volume(A, web("v", PER_POOL))]),
    Case("a member of no wish is free", request(group="web"), "a b c none far", POOLS, placed=[volume(A, web("v"))]),
    Case("apart by pool", web(apart=PER_POOL), "b none", [A, B, NOWHERE], placed=[volume(A, web("v", PER_POOL))]),
    Case("apart by zone", web(apart=PER_ZONE), "far", POOLS, placed=[volume(A, web("v", PER_ZONE))]),
    Case("apart by host", web(apart=PER_HOST, vm="m"), "a@i", [A], [H, I], [volume(A, web("v", PER_HOST, "n"), H)]),
    Case("a detached member is on no host", web(apart=PER_HOST, vm="m"), "a@h a@i", [A], [H, I],
         [volume(A, web("v", PER_HOST))]),
    Case("a second of at least two racks", web(apart=SPREAD), "c far", POOLS, placed=[volume(A, web("v", SPREAD))],
         opens="a b c far"),
    Case("a third goes anywhere", web(apart=SPREAD), "a b c far", POOLS,
         placed=[volume(A, web("v", SPREAD)), volume(C, web("w", SPREAD))]),
    Case("R23 the two of one VM", (web("r1", BOTH, "m"), web("r2", BOTH, "m")), "a+c@h c+a@h b+c@h c+b@h",
         [A, B, C, NOWHERE], [H]),
    Case("a crowd stays and keeps its domain", web(), "c", [A, B, C], placed=[volume(A, web("v")), volume(B, web("w"))],
         broken={"web-rack-1-None rack z/x": 1}),
    Case("too few racks is no reason against a volume in the same", web(apart=SPREAD), "a b c", [A, B, C],
         placed=[volume(A, web("v", SPREAD)), volume(B, web("w", SPREAD))],
         broken={"web-rack-None-2-spread all all": 1}),
    Case("R22 three into two racks", tuple(web(f"r{n}") for n in range(3)), "", [A, B, C], at_best=2),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_on_paper(case: Case) -> None:
    assert list(misread(case, ApartRule)) == []


def test_reasons_name_group_domain_and_numbers() -> None:
    """R02."""
    rule, crowded = ApartRule(Policy()), Inventory([A, B], [], [volume(A, web("v", BOTH)), volume(B, web("w", BOTH))])
    told = [rule.reason(violation, crowded).text for violation in rule.violations(crowded)]
    assert told == ["volumes of group web use 1 of at least 2 rack domains"]

"""Rule `quota` on paper: a tenant's share by tag, by offering or of everything."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from allocator.domain.manifest import SizeSupport
from allocator.domain.places import Quota, Tenant
from allocator.domain.qos import Band, Bands, Qos
from allocator.domain.request import Request
from allocator.rules.quota import QuotaRule
from allocator.testing.made import STORAGE, manifest, pool, provisioned, request, volume
from tests.rules.paper import Case, misread

PLAIN, SSD = pool("plain"), pool("ssd", tags=frozenset({"ssd"}))
POOLS = [PLAIN, SSD]
STEPS = pool("steps", manifest(size=SizeSupport(8, None, 4)))
ALWAYS = pool("always", manifest("always", replace(STORAGE, always=True, default=Qos(iops=Bands(Band(floor=100))))))


def acme(**quota: Any) -> list[Tenant]:
    return [Tenant("acme", (Quota(**quota),)), Tenant("zeta")]


def mine(size_bytes: int = 1, floor: int | None = None, name: str = "r", **facts: Any) -> Request:
    wishes = [] if floor is None else [provisioned(floor)]
    return request(name, size_bytes, *wishes, **{"tenant": "acme", **facts})


HELD = [volume(SSD, mine(6, 60, "v")), volume(PLAIN, mine(2, 20, "w", offering="gold"))]
STRANGE = [volume(SSD, mine(9, 90, "v", tenant="zeta")), volume(SSD, mine(9, 90, "w", tenant=None))]

CASES = (
    Case("6 + 2 + 2 of 10 bytes", mine(2), "plain ssd", POOLS, placed=HELD, tenants=acme(capacity_bytes=10)),
    Case("and not 3", mine(3), "", POOLS, placed=HELD, tenants=acme(capacity_bytes=10)),
    Case("60 + 20 + 20 of 100 IOPS", mine(1, 20), "plain ssd", POOLS, placed=HELD, tenants=acme(iops=100)),
    Case("and not 21", mine(1, 21), "", POOLS, placed=HELD, tenants=acme(iops=100)),
    Case("of a tag, on pools that carry it", mine(3), "plain", POOLS, placed=HELD,
         tenants=acme(tag="ssd", capacity_bytes=8)),
    Case("6 + 2 of 8 bytes of ssd", mine(2), "plain ssd", POOLS, placed=HELD,
         tenants=acme(tag="ssd", capacity_bytes=8)),
    Case("IOPS of a tag", mine(1, 41), "plain", POOLS, placed=HELD, tenants=acme(tag="ssd", iops=100)),
    Case("of an offering", mine(3, offering="gold"), "", POOLS, placed=HELD,
         tenants=acme(offering="gold", capacity_bytes=4)),
    Case("2 + 2 of 4 bytes of gold", mine(2, offering="gold"), "plain ssd", POOLS, placed=HELD,
         tenants=acme(offering="gold", capacity_bytes=4)),
    Case("other offerings are not counted", mine(9, offering="lead"), "plain ssd", POOLS, placed=HELD,
         tenants=acme(offering="gold", capacity_bytes=4)),
    Case("other tenants are not counted", mine(10), "plain ssd", POOLS, placed=STRANGE,
         tenants=acme(capacity_bytes=10)),
    Case("nor held to it", mine(99, tenant="zeta"), "plain ssd", POOLS, placed=HELD, tenants=acme(capacity_bytes=10)),
    Case("nor nobody's volumes", mine(99, tenant=None), "plain ssd", POOLS, placed=HELD,
         tenants=acme(capacity_bytes=10)),
    Case("a tenant that is not known", mine(99, tenant="x"), "plain ssd", POOLS, tenants=acme(capacity_bytes=10)),
    Case("bytes as they are made: 9 is 12", mine(9), "plain", [PLAIN, STEPS], tenants=acme(capacity_bytes=11)),
    Case("and charged: 10 + 1", mine(10, snapshot_reserve=Fraction(1, 10)), "", POOLS, tenants=acme(capacity_bytes=10)),
    Case("an array's default counts", mine(), "", [ALWAYS], tenants=acme(iops=99)),
    Case("both of two quotas", mine(3), "plain", POOLS, placed=HELD,
         tenants=[Tenant("acme", (Quota(capacity_bytes=11), Quota("ssd", None, 8)))]),
    Case("a broken share holds what takes none of it", mine(1), "plain", POOLS, placed=HELD,
         tenants=acme(tag="ssd", capacity_bytes=5), broken={"acme-tag ssd-capacity-5 all all": 1}),
    Case("R22 two of three", tuple(mine(4, name=f"r{n}") for n in range(3)), "", POOLS, tenants=acme(capacity_bytes=11),
         at_best=2),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_on_paper(case: Case) -> None:
    assert list(misread(case, QuotaRule)) == []

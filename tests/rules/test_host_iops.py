"""Rule `host_iops` on paper: IOPS that a host must be able to carry (R08)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from allocator.domain.policy import Policy
from allocator.domain.qos import Band, Bands, Kind, Qos, QosWish
from allocator.domain.request import Request
from allocator.rules.host_iops import HostIops
from allocator.testing.made import STORAGE, amount, host, limit, manifest, pool, provisioned, request, throttled, volume
from tests.rules.paper import Case, misread


def asked(wish: QosWish | None, name: str = "r", vm: str | None = "m") -> Request:
    return request(name, 1, *([] if wish is None else [wish]), vm=vm)


def split(read: int | None, write: int | None) -> QosWish:
    return QosWish(Kind.THROTTLED, Qos(iops=Bands(read=Band(ceiling=read), write=Band(ceiling=write))))


P, H, SMALL, UNKNOWN = pool(), host(iops=amount(10_000, "1.5")), host(iops=amount(3, "1.5")), host()
HELD = [volume(P, asked(throttled(10_000), "v", "other"), H)]
FOREIGN = [volume(P, asked(throttled(10_000), "v", "other"), H, foreign=True)]
BEYOND = [volume(P, asked(throttled(16_000), "v", "other"), H)]
ALWAYS = manifest("always", replace(STORAGE, always=True, default=Qos(iops=Bands(Band(floor=100, ceiling=200)))))

CASES = (
    Case("R08 10,000 + 5,000 throttled of 10,000 x 1.5", asked(throttled(5_000)), "p@h", [P], [H], HELD),
    Case("R08 and not 5,001", asked(throttled(5_001)), "", [P], [H], HELD),
    Case("R08 a floor is carried as well", asked(provisioned(5_000, 99_999)), "p@h", [P], [H], HELD),
    Case("R08 and not one of 5,001", asked(provisioned(5_001, 99_999)), "", [P], [H], HELD),
    Case("R07 a foreign volume counts", asked(throttled(5_001)), "", [P], [H], FOREIGN),
    Case("the array's own ceiling is not carried", asked(limit(5_001)), "p/0@h", [P], [H], HELD),
    Case("nor its default", asked(None), "p@h a@h", [P, pool("a", ALWAYS)], [H], HELD),
    Case("nor the default floor of what asks for a maximum", asked(provisioned(None, 9_999)), "p@h a@h",
         [P, pool("a", ALWAYS)], [H], [*HELD, volume(P, asked(throttled(5_000), "w", "third"), H)]),
    Case("but the floor that was asked for", asked(provisioned(1, 9_999)), "",
         [P, pool("a", ALWAYS)], [H], [*HELD, volume(P, asked(throttled(5_000), "w", "third"), H)]),
    Case("3,000 reads and 2,000 writes", asked(split(3_000, 2_000)), "p@h", [P], [H], HELD),
    Case("3,000 reads and 2,001 writes", asked(split(3_000, 2_001)), "", [P], [H], HELD),
    Case("5,001 reads, writes unlimited", asked(split(5_001, None)), "", [P], [H], HELD),
    Case("a volume that is not attached", asked(provisioned(99_999), vm=None), "p", [P], [H], HELD),
    Case("3 x 1.5 carries 4", asked(throttled(4)), "p@h", [P], [SMALL]),
    Case("and not 5", asked(throttled(5)), "", [P], [SMALL]),
    Case("another host may", asked(throttled(5)), "p@i", [P], [SMALL, host("i", iops=amount(5))]),
    Case("R23 2 + 2 of one VM", (asked(throttled(2), "a"), asked(throttled(2), "b")), "p+p@h", [P], [SMALL]),
    Case("R23 2 + 3 of one VM", (asked(throttled(2), "a"), asked(throttled(3), "b")), "", [P], [SMALL]),
    Case("a host without a total carries none", asked(throttled(1)), "", [P], [UNKNOWN]),
    Case("unless the policy trusts it", asked(throttled(10**9)), "p@h", [P], [UNKNOWN],
         policy=Policy(unknown_total="unlimited")),
    Case("a broken host takes what asks for nothing", asked(None), "p@h", [P], [H], BEYOND,
         broken={"load host h": 1_000}),
    Case("and carries nothing more", asked(throttled(1)), "", [P], [H], BEYOND, broken={"load host h": 1_000}),
    Case("R22 two of three", tuple(asked(throttled(2), f"r{n}", f"m{n}") for n in range(3)), "", [P], [SMALL],
         at_best=2),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_on_paper(case: Case) -> None:
    assert list(misread(case, HostIops)) == []

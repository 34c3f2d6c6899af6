"""Rule `host_bandwidth` on paper: bytes per second that a host must be able to carry (R08)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from allocator.domain.manifest import Manifest
from allocator.domain.places import Host
from allocator.domain.policy import Policy
from allocator.domain.qos import Band, Bands, Kind, Qos, QosWish
from allocator.domain.request import Request
from allocator.rules.host_bandwidth import HostBandwidth
from allocator.testing.made import AGENT, amount, host, limit, pool, provisioned, request, throttled, volume
from tests.rules.paper import Case, misread


def asked(wish: QosWish, name: str = "r", vm: str = "m") -> Request:
    return request(name, 1, wish, vm=vm)


def carrying(bytes_per_second: int, agent: Manifest = AGENT) -> Host:
    return host(bandwidth=amount(bytes_per_second), manifest=agent)


P, H, UNKNOWN = pool(), host(bandwidth=amount(5, "1.5")), host()
BY_SIZE = replace(AGENT, qos=replace(AGENT.qos, io_size_bytes=4_096))
BOTH = QosWish(Kind.THROTTLED, Qos(Bands(Band(ceiling=10)), Bands(Band(ceiling=1_000_000))))
SLOW = QosWish(Kind.THROTTLED, Qos(Bands(Band(ceiling=10)), Bands(Band(ceiling=7))))
HALF = QosWish(Kind.THROTTLED, Qos(Bands(read=Band(ceiling=10)), Bands(Band(ceiling=50_000))))
HELD = [volume(P, asked(throttled(5, "bandwidth"), "v", "other"), H)]
BEYOND = [volume(P, asked(throttled(9, "bandwidth"), "v", "other"), H)]

CASES = (
    Case("R08 5 + 2 of 5 x 1.5", asked(throttled(2, "bandwidth")), "p@h", [P], [H], HELD),
    Case("R08 and not 5 + 3", asked(throttled(3, "bandwidth")), "", [P], [H], HELD),
    Case("a floor is carried", asked(provisioned(3, 9, "bandwidth")), "", [P], [H], HELD),
    Case("up to what is left", asked(provisioned(2, 9, "bandwidth")), "p@h", [P], [H], HELD),
    Case("the array's own ceiling is not", asked(limit(3, "bandwidth")), "p/0@h", [P], [H], HELD),
    Case("a throttle of IOPS alone carries no bytes", asked(throttled(9)), "p@h", [P], [H], HELD),
    Case("R10 10 IOPS of 4,096 bytes are tighter than 1 MB/s", asked(BOTH), "p@h", [P], [carrying(40_960, BY_SIZE)]),
    Case("R10 and no less", asked(BOTH), "", [P], [carrying(40_959, BY_SIZE)]),
    Case("R10 an agent that does not count by size", asked(BOTH), "", [P], [carrying(999_999)]),
    Case("R10 carries the whole bandwidth", asked(BOTH), "p@h", [P], [carrying(1_000_000)]),
    Case("R10 bytes that are tighter stay", asked(SLOW), "p@h", [P], [carrying(7, BY_SIZE)]),
    Case("R10 to the last", asked(SLOW), "", [P], [carrying(6, BY_SIZE)]),
    Case("R10 open writes bound nothing", asked(HALF), "", [P], [carrying(49_999, BY_SIZE)]),
    Case("a host without a total carries none", asked(throttled(1, "bandwidth")), "", [P], [UNKNOWN]),
    Case("unless the policy trusts it", asked(throttled(2**40, "bandwidth")), "p@h", [P], [UNKNOWN],
         policy=Policy(unknown_total="unlimited")),
    Case("a broken host takes what asks for no bytes", asked(throttled(9)), "p@h", [P], [H], BEYOND,
         broken={"load host h": 2}),
    Case("and carries nothing more", asked(throttled(1, "bandwidth")), "", [P], [H], BEYOND, broken={"load host h": 2}),
    Case("R22 one of two", tuple(asked(throttled(4, "bandwidth"), f"r{n}", f"m{n}") for n in range(2)), "", [P], [H],
         at_best=1),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_on_paper(case: Case) -> None:
    assert list(misread(case, HostBandwidth)) == []

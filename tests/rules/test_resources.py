"""Rule `resources` on paper: any further dimension of pools and hosts (R08)."""

from __future__ import annotations

import pytest

from allocator.domain.places import Host
from allocator.domain.policy import Policy
from allocator.domain.request import Request
from allocator.rules.resources import Resources
from allocator.testing.made import amount, host, pool, request, volume
from tests.rules.paper import Case, misread


def machine(vcpu: int, name: str = "m") -> Request:
    return request(name, vm=name, host_resources=(("vcpu", vcpu),))


def luns(number: int, name: str = "r") -> Request:
    return request(name, resources=(("luns", number),))


def cores(total: int, overcommit: str = "1", name: str = "h") -> Host:
    return host(name, resources={"vcpu": amount(total, overcommit)})


P, SOLD, BARE = pool(), cores(64, "4"), host()
FOUR, NONE = pool(resources={"luns": amount(3, "1.5")}), pool(resources={"ports": amount(9)})
BUSY = [volume(P, machine(252, "v"), SOLD)]
BEYOND = [volume(P, machine(300, "v"), SOLD)]

CASES = (
    Case("R08 252 + 4 of 64 x 4", machine(4), "p@h", [P], [SOLD], BUSY),
    Case("R08 and not 5", machine(5), "", [P], [SOLD], BUSY),
    Case("another host may", machine(5), "p@i", [P], [SOLD, cores(5, name="i")], BUSY),
    Case("a VM that names none", request(vm="m"), "p@h", [P], [SOLD], BUSY),
    Case("a host that states none has none", machine(1), "", [P], [BARE]),
    Case("unless the policy trusts it", machine(2**40), "p@h", [P], [BARE], policy=Policy(unknown_total="unlimited")),
    Case("3 x 1.5 is 4", luns(4), "p", [FOUR]),
    Case("and not 5", luns(5), "", [FOUR]),
    Case("R07 3 of 4 are taken", luns(2), "", [FOUR], placed=[volume(FOUR, luns(3, "v"), foreign=True)]),
    Case("a dimension goes by its own name", luns(1), "", [NONE]),
    Case("R23 the VM's demands count once", (machine(256), request("r2", vm="m")), "p+p@h", [P], [SOLD]),
    Case("pool and host, each its own", request(vm="m", resources=(("luns", 4),), host_resources=(("vcpu", 1),)), "p@h",
         [FOUR], [SOLD]),
    Case("a broken host takes what asks for none", request(vm="m"), "p@h", [P], [SOLD], BEYOND,
         broken={"host-vcpu host h": 44}),
    Case("and gives no more", machine(1), "", [P], [SOLD], BEYOND, broken={"host-vcpu host h": 44}),
    Case("R22 two of three", tuple(luns(2, f"r{n}") for n in range(3)), "", [FOUR], at_best=2),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_on_paper(case: Case) -> None:
    assert list(misread(case, Resources)) == []

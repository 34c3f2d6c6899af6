"""Rule `together_on_host` on paper: a VM runs on one host (R23)."""

from __future__ import annotations

import pytest

from allocator.domain.inventory import Inventory
from allocator.domain.policy import Policy
from allocator.rules.together_on_host import TogetherOnHost
from allocator.testing.made import host, manifest, pool, request, volume
from tests.rules.paper import Case, misread

P, SHARED = pool(), pool("s", manifest(multi_attach=True))
A, B, C = HOSTS = host("a"), host("b"), host("c")
MINE = request(vm="m")
PAIR = (request("r1", vm="m"), request("r2", vm="m"))
HERE, THERE = volume(P, request("v", vm="m"), A), volume(P, request("w", vm="m"), B)
TWICE = volume(SHARED, request("t", vm="m"), A, B)

CASES = (
    Case("R23 a new VM goes to any host, whole", PAIR, "p+p@a p+p@b p+p@c", [P], HOSTS),
    Case("R23 a further volume goes where the VM is", MINE, "p@a", [P], HOSTS, [HERE]),
    Case("R23 a detached volume holds it nowhere", MINE, "p@a p@b p@c", [P], HOSTS, [volume(P, request("v", vm="m"))]),
    Case("R23 another VM is free", request(vm="n"), "p@a p@b p@c", [P], HOSTS, [HERE]),
    Case("a volume on two hosts leaves either", MINE, "p@a p@b s@a s@b", [P, SHARED], HOSTS, [TWICE]),
    Case("and one of them where the VM is", MINE, "p@a s@a", [P, SHARED], HOSTS, [HERE, TWICE]),
    Case("R23 a VM torn apart gets no third host", MINE, "p@a p@b", [P], HOSTS, [HERE, THERE], broken={"vm m": 1}),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_on_paper(case: Case) -> None:
    assert list(misread(case, TogetherOnHost)) == []


def test_a_reason_names_the_hosts() -> None:
    """R23."""
    inventory = Inventory([P], HOSTS, [HERE, THERE])
    rule = TogetherOnHost(Policy())
    (violation,) = rule.violations(inventory)
    assert rule.reason(violation, inventory).text == "VM m has volumes on 2 hosts: a, b"

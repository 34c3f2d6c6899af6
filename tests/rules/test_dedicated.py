"""Rule `dedicated` on paper: LUNs of one's own, places set aside, volumes on several hosts."""

from __future__ import annotations

import pytest

from allocator.domain.inventory import Inventory
from allocator.domain.policy import Policy
from allocator.rules.dedicated import Dedicated
from allocator.testing.made import host, manifest, pool, request, volume
from tests.rules.paper import Case, misread

MANAGED, LUN, H = pool("managed"), pool("lun", managed=False), host()
OWN, ANY_ONE, OTHER = request(dedicated=True), request(), request("v")
TAKEN = [volume(MANAGED, request("w")), volume(LUN, OTHER)]
KEPT = [volume(MANAGED, request("w", dedicated=True)), volume(LUN, request("v", dedicated=True))]
FULL = [volume(LUN, request("v", dedicated=True)), volume(LUN, request("w"))]
ACME = frozenset({"acme"})
POOLS, HOSTS = [pool("everyone"), pool("acme", tenants=ACME)], [host("h"), host("h-acme", tenants=ACME)]

CASES = (
    Case("R16 a managed pool makes a LUN for each", OWN, "managed", [MANAGED, LUN], placed=TAKEN),
    Case("R16 an unmanaged one is a LUN, if empty", OWN, "managed lun", [MANAGED, LUN]),
    Case("R16 what was first does not matter", ANY_ONE, "managed", [MANAGED, LUN], placed=KEPT),
    Case("R16 who asks for none shares", ANY_ONE, "managed lun", [MANAGED, LUN], placed=TAKEN),
    Case("R16 a foreign volume shares it too", OWN, "", [LUN], placed=[volume(LUN, OTHER, foreign=True)]),
    Case("R16 two of one VM cannot both have it", (request("a", vm="m", dedicated=True), request("b", vm="m")), "",
         [LUN], [H]),
    Case("R22 one of two", (request("a", dedicated=True), request("b")), "", [LUN], at_best=1),
    Case("a shared LUN stays, and grows no further", ANY_ONE, "", [LUN], placed=FULL, broken={"own-lun pool lun": 1}),
    Case("set aside for others", request(tenant="zeta"), "everyone", POOLS),
    Case("set aside for nobody in particular", request(), "everyone", POOLS),
    Case("set aside for the one who asks", request(tenant="acme"), "everyone acme", POOLS),
    Case("hosts likewise", request(vm="m"), "everyone@h", POOLS, HOSTS),
    Case("hosts of the one who asks", request(vm="m", tenant="acme", pool="x"),
         "everyone@h acme@h everyone@h-acme acme@h-acme", POOLS, HOSTS),
    Case("a stranger stays and blocks nobody", request(tenant="acme"), "everyone acme", POOLS,
         placed=[volume(POOLS[1], request("v"))], broken={"pool-tenants pool acme": 1}),
    Case("and lets no other stranger in", request(), "everyone", POOLS,
         placed=[volume(POOLS[1], request("v"))], broken={"pool-tenants pool acme": 1}),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_on_paper(case: Case) -> None:
    assert list(misread(case, Dedicated)) == []


def test_only_a_driver_that_can_attaches_a_volume_to_several_hosts() -> None:
    """Three hosts are two too many, unless the manifest says `multi_attach`."""
    hosts, able = [host("a"), host("b"), host("c")], pool("able", manifest(multi_attach=True))
    placed = [volume(MANAGED, request("v"), *hosts), volume(able, request("w"), *hosts)]
    inventory, rule = Inventory([MANAGED, able], hosts, placed), Dedicated(Policy())
    (violation,) = rule.violations(inventory)
    assert (violation.subject, violation.amount) == (("volume", "v", "pool managed"), 2)
    assert rule.reason(violation, inventory).text == "v: pool managed attaches a volume to one host, not 3"

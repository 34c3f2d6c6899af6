"""Rule `reach` on paper: a host reaches the pools of its volumes (R17)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from allocator.domain.places import Host
from allocator.rules.reach import Reach, unreached
from allocator.testing.made import AGENT, host, manifest, pool, request, volume
from tests.rules.paper import Case, misread


def words(*names: str) -> frozenset[str]:
    return frozenset(names)


def speaking(name: str, *protocols: str) -> Host:
    return host(name, protocols=words(*protocols))


P, ATTACHED = pool(), request(vm="m")
Z1, Z2 = host("z1", cluster="c1"), host("z2", cluster="c2")
FAR = host("far", zone="y", cluster="c1")
ZONE = [Z1, Z2, FAR]
ISCSI = pool("i", manifest(protocols=words("iscsi")))
NBD, EITHER = pool("n", manifest(protocols=words("nbd"))), pool("e", manifest(protocols=words("iscsi", "nbd")))
OPEN, DMZ = pool("open"), pool("dmz", access_groups=words("dmz", "lab"))
INSIDE, OUTSIDE = host("inside", access_groups=words("dmz")), host("outside", access_groups=words("lan"))
LOCAL = pool("local", manifest(protocols=words("file")), scope="host", host="z1", access_groups=words("dmz"))
TALKS = host("talks", manifest=replace(AGENT, protocols=words("nbd")), protocols=None)
PAIR = (request("a", vm="m"), request("b", vm="m"))

CASES = (
    Case("R17 a zone's pool", ATTACHED, "p@z1 p@z2", [P], ZONE),
    Case("R17 a cluster's pool", ATTACHED, "c@z1", [pool("c", scope="cluster", cluster="c1")], ZONE),
    Case("R17 a host's pool, whatever it speaks", ATTACHED, "local@z1", [LOCAL], [Z1, Z2, speaking("x", "file")]),
    Case("R17 a volume that is not attached", request(), "p local", [P, LOCAL], [FAR]),
    Case("a protocol in common", ATTACHED, "i@a n@b e@a e@b", [ISCSI, NBD, EITHER],
         [speaking("a", "iscsi"), speaking("b", "nbd", "fc")]),
    Case("the agent's protocols where the host states none", ATTACHED, "n@talks", [ISCSI, NBD], [TALKS]),
    Case("a host that speaks nothing", ATTACHED, "", [ISCSI], [speaking("mute")]),
    Case("an access group in common", ATTACHED, "open@inside open@outside dmz@inside", [OPEN, DMZ], [INSIDE, OUTSIDE]),
    Case("R23 pools that one host reaches both", PAIR, "p+p@z1 p+local@z1 local+p@z1 local+local@z1 p+p@z2", [P, LOCAL],
         [Z1, Z2]),
    Case("R23 no host for both", (request("a", vm="m"),), "", [pool("c", scope="cluster", cluster="c9")], ZONE),
    Case("a volume out of reach may stay", ATTACHED, "p@z1", [P], [Z1, FAR],
         [volume(P, request("v", vm="n"), FAR)], broken={"volume v pool p, host far": 1}),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_on_paper(case: Case) -> None:
    assert list(misread(case, Reach)) == []


@pytest.mark.parametrize(
    ("seen", "by", "told"),
    [
        (P, FAR, "lie outside the zone"),
        (pool("c", scope="cluster", cluster="c1"), Z2, "lie outside the cluster"),
        (LOCAL, Z2, "lie outside the reach"),
        (ISCSI, speaking("b", "nbd"), "speak no protocol"),
        (DMZ, OUTSIDE, "share no access group"),
        (DMZ, INSIDE, None),
    ],
)
def test_a_complaint_names_what_keeps_them_apart(seen: object, by: Host, told: str | None) -> None:
    """R02, R17."""
    assert unreached(seen, by) == told  # type: ignore[arg-type]

"""Rule `pinned` on paper: a request that names its place gets it."""

from __future__ import annotations

import pytest

from allocator.rules.pinned import Pinned
from allocator.testing.made import host, pool, request, volume
from tests.rules.paper import Case, misread

P = pool()
WIDE = [P, pool("q", zone="y"), pool("c", scope="cluster", cluster="c1"), pool("d", scope="cluster", cluster="c2")]
HOSTS = [host("h1", cluster="c1"), host("h2", cluster="c2"), host("h3", zone="y", cluster="c1")]

CASES = (
    Case("a pool", request(pool="q"), "q", WIDE),
    Case("a pool that is not there", request(pool="none"), "", WIDE),
    Case("a host", request(vm="m", host="h2"), "p@h2", [P], HOSTS),
    Case("a host, without a VM", request(host="h2"), "p@h2", [P], HOSTS),
    Case("a cluster", request(vm="m", cluster="c1"), "p@h1 p@h3", [P], HOSTS),
    Case("a zone", request(vm="m", zone="y"), "p@h3", [P], HOSTS),
    Case("cluster and zone", request(vm="m", zone="z", cluster="c1"), "p@h1", [P], HOSTS),
    Case("a zone, without a host", request(zone="z"), "p c d", WIDE),
    Case("a cluster, without a host", request(cluster="c1"), "p q c", WIDE),
    Case("R23 one host for what two volumes want", (request("a", vm="m", cluster="c1"), request("b", vm="m", zone="z")),
         "p+p@h1", [P], HOSTS),
    Case("a volume that lies elsewhere may stay", request(), "p q c d", WIDE,
         placed=[volume(P, request("v", pool="q"))], broken={"volume v pool p": 1}),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_on_paper(case: Case) -> None:
    assert list(misread(case, Pinned)) == []

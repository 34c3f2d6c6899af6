"""Rule `state` on paper: where nothing new is wanted, and where nothing at all."""

from __future__ import annotations

import pytest

from allocator.rules.state import State
from allocator.testing.brute import audit
from allocator.testing.made import host, pool, request, volume
from tests.rules.paper import Case, misread

POOLS = [pool("up"), pool("full", state="full"), pool("draining", state="draining"), pool("down", state="down")]
HOSTS = [host("h-up"), host("h-draining", state="draining"), host("h-down", state="down")]
UP, FULL, DRAINING, DOWN = POOLS

CASES = (
    Case("only pools that are up take a volume", request(), "up", POOLS),
    Case("only hosts that are up", request(vm="m"), "up@h-up", POOLS, HOSTS),
    Case("what lies on a full pool is fine", request(), "up", POOLS, placed=[volume(FULL, request("v"))]),
    Case("on a draining one it is broken", request(), "up", POOLS, placed=[volume(DRAINING, request("v"))],
         broken={"pool-leaving pool draining": 1}),
    Case("and on one that is down", request(), "up", POOLS,
         placed=[volume(DOWN, request("v")), volume(DOWN, request("w"), foreign=True)],
         broken={"pool-leaving pool down": 2}),
    Case("hosts likewise", request(vm="m"), "up@h-up", POOLS, HOSTS,
         [volume(UP, request("v", vm="n"), HOSTS[1]), volume(UP, request("w", vm="o"), HOSTS[2])],
         broken={"host-leaving host h-draining": 1, "host-leaving host h-down": 1}),
    Case("no place for a volume that is not attached", request(), "", POOLS[1:]),
    Case("R22 both", (request("a"), request("b", vm="m")), "", POOLS, HOSTS, at_best=2),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_on_paper(case: Case) -> None:
    assert list(misread(case, State)) == []


def test_a_volume_that_moves_is_new_to_its_pool_and_not_to_its_host() -> None:
    """R25: off a draining pool while its host is draining as well; onto a full pool it may not go."""
    old = volume(DRAINING, request("v", vm="n"), HOSTS[1])
    trial = Case("", request(), "", POOLS, HOSTS, [old]).trial(State)
    before = {("state", ("pool-leaving", "pool", "draining")): 1, ("state", ("host-leaving", "host", "h-draining")): 1}
    assert audit(trial.inventory, trial.rules) == before
    moved = trial.inventory.plus([volume(UP, old.request, HOSTS[1])])
    assert audit(moved, trial.rules) == {("state", ("host-leaving", "host", "h-draining")): 1}
    crammed = trial.inventory.plus([volume(FULL, old.request, HOSTS[1])])
    assert audit(crammed, trial.rules)["state", ("pool-arrivals", "pool", "full")] == 1

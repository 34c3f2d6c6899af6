"""Rule `tags` on paper: tags confine volumes to pools and hosts (R04)."""

from __future__ import annotations

import pytest

from allocator.domain.places import Pool
from allocator.domain.policy import Policy
from allocator.rules.tags import Tags
from allocator.testing.made import host, pool, request, volume
from tests.rules.paper import Case, misread


def tagged(name: str, *tags: str) -> Pool:
    return pool(name, tags=frozenset(tags))


def words(*tags: str) -> frozenset[str]:
    return frozenset(tags)


POOLS = [tagged("none"), tagged("ssd", "ssd"), tagged("both", "ssd", "fast"), tagged("other", "hdd")]
HOSTS = [host("plain"), host("gpu", tags=words("gpu", "big"))]
ONLY = Policy(untagged="untagged_only")
DRIFTED = volume(POOLS[3], request("v", tags=words("ssd"), vm="o", host_tags=words("gpu")), HOSTS[0])
BROKEN = {"volume v pool other": 1, "volume v host plain": 1}

CASES = (
    Case("R04 a pool carries the tag", request(tags=words("ssd")), "ssd both", POOLS),
    Case("R04 a pool carries all tags", request(tags=words("ssd", "fast")), "both", POOLS),
    Case("R04 no pool does", request(tags=words("ssd", "hdd")), "", POOLS),
    Case("R04 untagged goes anywhere", request(), "none ssd both other", POOLS),
    Case("R04 or to untagged pools only", request(), "none", POOLS, policy=ONLY),
    Case("R04 which is nothing to a tagged request", request(tags=words("ssd")), "ssd both", POOLS, policy=ONLY),
    Case("R04 a forbidden tag", request(forbid_tags=words("fast", "hdd")), "none ssd", POOLS),
    Case("R04 required and forbidden", request(tags=words("ssd"), forbid_tags=words("fast")), "ssd", POOLS),
    Case("R04 a host carries all host tags", request(vm="m", host_tags=words("gpu", "big")), "none@gpu", POOLS[:1],
         HOSTS),
    Case("R04 no host does", request(vm="m", host_tags=words("gpu", "tpu")), "", POOLS[:1], HOSTS),
    Case("R04 no host tags, any host", request(vm="m"), "none@plain none@gpu", POOLS[:1], HOSTS),
    Case("R23 a host for both volumes", (request("a", vm="m", host_tags=words("gpu")), request("b", vm="m")),
         "none+none@gpu", POOLS[:1], HOSTS),
    Case("R05 a volume that drifted is told and blocks nobody", request(tags=words("hdd")), "other", POOLS,
         placed=[DRIFTED], hosts=HOSTS, broken=BROKEN),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_on_paper(case: Case) -> None:
    assert list(misread(case, Tags)) == []


def test_a_reason_names_volume_place_and_tag() -> None:
    """R05: the audit names what is no longer satisfied."""
    trial = Case("", request(), "", POOLS, HOSTS, [DRIFTED]).trial(Tags)
    told = [trial.tried[0].reason(found, trial.inventory).text for found in trial.tried[0].violations(trial.inventory)]
    assert told == ["v: pool other lacks tag ssd", "v: host plain lacks tag gpu"]


def test_a_phrase_counts_each_complaint() -> None:
    """R02: the commonest complaint comes first."""
    asked = request(tags=words("ssd"), forbid_tags=words("fast"))
    trial = Case("", asked, "", POOLS).trial(Tags)
    fleet = trial.screen().fleet
    (ask,) = trial.screen().asks(asked)
    rows = fleet.kinds("pool", lambda place: place.name).codes
    closed = rows[~trial.tried[0].open_pools(ask, fleet)]  # type: ignore[operator]
    told = trial.tried[0].phrase((ask,), fleet, closed, "pool")
    assert told == "lack tag ssd (2), carry tag fast, which is forbidden (1)"

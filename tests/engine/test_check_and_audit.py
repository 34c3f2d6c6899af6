"""What an administrator learns before anybody places anything, and after things have changed."""

from __future__ import annotations

from pathlib import Path

from allocator import Allocator
from allocator.checkup import check_offering
from tests.engine.fleets import ARRAY, FILES, gold, opened

BOTH = """
version: 1
drivers: {sf: {driver: solidfire}}
pools: [{name: sf-1, driver: sf, zone: z1, capacity: 10TiB, iops: 10000, tags: [ssd]}]
agents: {q: {agent: qemu}}
hosts: [{name: h2, zone: z1, agent: q, protocols: [iscsi], iops: 1000, tags: [gpu]}]
offerings:
  - name: either
    tags: [ssd]
    qos: [{provisioned: {min_iops: 500, max_iops: 800, burst_iops: 900}}, {throttled: {total_iops: 500}}]
  - {name: on-gpu, host_tags: [gpu], qos: {throttled: {total_iops: 500}}}
  - {name: on-tpu, host_tags: [tpu], qos: {throttled: {total_iops: 500}}}
"""


def texts(allocator: Allocator) -> list[str]:
    return [finding.text for finding in allocator.check()]


def test_R03_an_offering_that_nothing_honours_is_named_with_the_reason_at_each_pool(tmp_path: Path) -> None:
    (found,) = opened(tmp_path, FILES).check()
    assert (found.rule, found.subject) == ("offering", "gold")
    assert found.text == (
        "offering gold is honoured nowhere: disk-1 offers no minimum IOPS (driver local); "
        "nfs-1 offers no minimum IOPS (driver nfs); nfs-2 offers no minimum IOPS (driver nfs)"
    )


def test_R03_which_alternative_is_honoured_where(tmp_path: Path) -> None:
    """Either: the array keeps the range; the throttle needs an agent, and no array that enforces QoS of its own."""
    allocator = opened(tmp_path, FILES, BOTH)
    inventory = allocator.inventory
    result = check_offering(inventory.offerings["either"], inventory, allocator.rules)
    ranged, throttled = result.alternatives
    assert result.honoured
    assert (ranged.kind, ranged.pools) == ("provisioned", ("sf-1",))
    assert [why for place, why in ranged.complaints if place == "nfs-2"] == [
        f"offer no {what} IOPS (driver nfs)" for what in ("minimum", "maximum", "burst")
    ]
    assert (throttled.kind, throttled.pools, throttled.hosts) == ("throttled", ("disk-1", "nfs-2"), ("h2",))
    assert dict(throttled.complaints)["h1"] == "have no agent that throttles"
    assert dict(throttled.complaints)["nfs-1"] == "lack tag ssd"
    assert "always enforce QoS on the array" in dict(throttled.complaints)["sf-1"]


def test_R03_hosts_count_as_well(tmp_path: Path) -> None:
    found = [finding for finding in opened(tmp_path, FILES, BOTH).check() if finding.rule == "offering"]
    assert [finding.subject for finding in found] == ["on-tpu"]
    assert found[0].text == (
        "offering on-tpu is honoured nowhere: sf-1 always enforces QoS on the array (driver solidfire); "
        "h1 has no agent that throttles; h2 lacks tag tpu"
    )


def test_R03_a_fleet_without_hosts_is_judged_by_its_pools(tmp_path: Path) -> None:
    """But a throttle is kept by nobody there."""
    lonely = """
    version: 1
    drivers: {sf: {driver: solidfire}}
    pools: [{name: sf-1, driver: sf, zone: z1, capacity: 10TiB, iops: 10000}]
    offerings:
      - {name: gold, qos: {provisioned: {min_iops: 500, max_iops: 800}}}
      - {name: held, qos: {throttled: {total_iops: 500}}}
    """
    assert [finding.subject for finding in opened(tmp_path, lonely).check() if finding.rule == "offering"] == ["held"]


def test_a_host_that_is_known_by_its_name_alone_is_a_finding(tmp_path: Path) -> None:
    """An IQN identifies and proves nothing; CHAP does."""
    chap = "chap: {user: h2, secret: {env: ALLOCATOR_SECRET_H2}}"
    hosts = """
    version: 1
    hosts:
      - {name: h1, endpoints: [{iqn: "iqn.2020-01.org.example:h1"}]}
      - {name: h2, endpoints: [{iqn: "iqn.2020-01.org.example:h2", %s}]}
      - {name: h3, zone: z1, iops: 1, endpoints: [{address: 10.0.0.3}]}
    """
    assert texts(opened(tmp_path, ARRAY, hosts % chap)) == [
        "host h1 is known by iqn.2020-01.org.example:h1 alone, which proves nothing. Maybe add chap."
    ]


def test_R05_an_audit_names_every_volume_and_offering_that_tags_have_left_behind(tmp_path: Path) -> None:
    """Placed by the engine and kept by the ledger; then the operator moves the tag to another pool."""
    tagged = "version: 1\npools: [{name: sf-1, tags: [fast]}]\nofferings: [{name: gold, tags: [fast]}]"
    with opened(tmp_path, ARRAY, tagged, ledger=True) as allocator:
        assert len(allocator.place(gold(1, count=2)).placed) == 2
        assert allocator.audit() == []
    drifted = "version: 1\npools: [{name: sf-1, tags: [slow]}]"
    with opened(tmp_path, ARRAY, tagged, drifted, ledger=True) as allocator:
        found = allocator.audit()
        assert [(finding.rule, finding.subject) for finding in found] == [
            ("tags", "gold-1"),
            ("tags", "gold-2"),
            ("offering", "gold"),
        ]
        assert found[0].text == "gold-1: pool sf-1 lacks tag fast"
        assert found[2].text == "offering gold is honoured nowhere: sf-1 lacks tag fast"


def test_R05_a_volume_is_held_to_what_was_asked_when_it_was_placed(tmp_path: Path) -> None:
    """The offering is changed later: volumes keep what they asked for, the next request asks for more."""
    with opened(tmp_path, ARRAY, ledger=True) as allocator:
        allocator.place(gold(1))
    changed = "version: 1\nofferings: [{name: gold, qos: {provisioned: {min_iops: 6000}}}]"
    with opened(tmp_path, ARRAY, changed, ledger=True) as allocator:
        assert allocator.audit() == []
        allocator.place(gold(2))
        floors = {name: volume.alternative.qos.iops.floor() for name, volume in allocator.inventory.volumes.items()}
        assert floors == {"gold-1": 5000, "gold-2": 6000}


def test_R05_a_driver_that_keeps_less_than_it_did(tmp_path: Path) -> None:
    with opened(tmp_path, ARRAY, ledger=True) as allocator:
        allocator.place(gold(1))
    narrow = """
    version: 1
    drivers: {sf: {manifest: {qos: {figures: {iops: {total: {floor: {least: 50, most: 4000}, ceiling: {least: 50}}}}}}}}
    """
    with opened(tmp_path, ARRAY, narrow, ledger=True) as allocator:
        assert [finding.text for finding in allocator.audit()] == [
            "gold-1: pool sf-1 offers minimum IOPS from 50 to 4,000 only (driver solidfire)",
            "offering gold is honoured nowhere: sf-1 offers minimum IOPS from 50 to 4,000 only (driver solidfire)",
        ]


def test_R08_an_audit_tells_an_oversold_host(tmp_path: Path) -> None:
    with opened(tmp_path, ARRAY, ledger=True) as allocator:
        allocator.place([{**gold(1)[0], "host": "h1"}])
    with opened(tmp_path, ARRAY, "version: 1\nhosts: [{name: h1, iops: 4000}]", ledger=True) as allocator:
        (found,) = allocator.audit()
        assert (found.rule, found.subject) == ("host_iops", "h1")
        assert found.numbers == {"total": 5000, "limit": 4000, "amount": 1000}
        assert found.text == "host h1 has 5,000 IOPS to carry, at most 4,000"

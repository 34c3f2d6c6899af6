"""The documents of the design, as facts and requests with numbers worked out on paper."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
import yaml

from allocator.documents import DocumentError, World, build, load, volume_document
from allocator.domain.places import Chap, Endpoint, SecretRef
from allocator.domain.policy import Policy
from allocator.domain.qos import Alternative, Band, Bands, Kind, Qos
from allocator.domain.request import Apart, Near
from allocator.domain.sizes import GIB, MIB

FLEET = """
version: 1
drivers:
  sf: {driver: solidfire, config: {mvip: 10.0.0.5, username: admin, password: {env: ALLOCATOR_SECRET_SF}}}
  disk: {driver: local}
agents:
  q1: {agent: qemu, config: {qmp: /run/allocator/q1.sock}}
tenants:
  - {name: acme, quota: [{tag: ssd, capacity: 20TiB, iops: 50000}]}
pools:
  - name: sf-1
    driver: sf
    zone: z1
    tags: [ssd, high_perf]
    capacity: {total: 100TiB, overcommit: 2.0, reserved: 5%}
    iops: {total: 100000, overcommit: 1.5, ceiling_overcommit: 4}
    bandwidth: {total: 10GiB/s}
    domains: {rack: r1, row: a}
    default_qos: {min_iops: 100, max_iops: 15000, burst_iops: 15000}
    used: 10TiB
    full_at: 85%
  - {name: disk-1, driver: disk, host: kvm-01, managed: true, details: {path: /srv/disk}}
  - {name: shared, driver: disk, cluster: c1, capacity: 1TB}
  - {name: elsewhere, driver: disk, cluster: c9}
hosts:
  - name: kvm-01
    zone: z1
    cluster: c1
    tags: [gpu]
    endpoints:
      - address: 10.0.0.11
        iqn: "iqn.1994-05.com.redhat:kvm-01"
        chap: {user: kvm-01, secret: {file: /etc/kvm-01.chap}}
    agent: q1
    iops: {total: 200000}
    resources: {vcpu: {total: 64, overcommit: 4}, memory: {total: 512GiB}}
offerings:
  - name: gold
    tags: [ssd]
    qos: {provisioned: {min_iops: 2000, max_iops: 4000, burst_iops: 6000, burst_seconds: 30}}
  - name: either
    host_tags: [gpu]
    provisioning: thin
    snapshot_reserve: 10%
    qos:
      - provisioned: {min_iops_per_gib: 3, max_iops_per_gib: 5}
      - throttled: {total_iops: 4000, total_bandwidth: 64MiB/s}
  - name: capped
    qos: {limit: {read_iops: 2000, write_iops: 1000}}
    details: {solidfire: {enable512e: true}}
vms:
  - {name: web-1, resources: {vcpu: 4, memory: 8GiB}, tags: [x86], priority: 10}
requests:
  - {name: web-root, vm: web-1, offering: gold, size: 100GiB}
  - {name: web-data, vm: web-1, offering: either, size: 1.5GiB, tenant: acme, priority: 5, host_tags: [ssd],
     provisioning: any, apart: {group: web, over: rack}}
  - {name: log, size: 20GB, offering: capped, near: {group: web, over: zone}, qos: [], details: {}}
"""


def overcommitting() -> Policy:
    return Policy(overcommit={"bandwidth": Fraction(5, 4), "host_iops": Fraction(3, 2), "resources": Fraction(2)})


def fleet(further: str = "", policy: Policy | None = None) -> World:
    return load([], policy or overcommitting(), {"fleet.yaml": FLEET, "further.yaml": further or "version: 1"})


def total_iops(floor: int | None, ceiling: int, burst: int | None = None, seconds: int | None = None) -> Qos:
    return Qos(Bands(Band(floor, ceiling, burst, seconds)))


def test_a_pool_sells_what_the_document_says_and_the_policy_adds() -> None:
    pool = fleet().inventory.pools["sf-1"]
    assert pool.capacity.total_bytes == 100 * 1024 * GIB
    assert pool.capacity.usable_bytes == 95 * 1024 * GIB
    assert (pool.iops.sellable, pool.iops.ceiling_overcommit) == (150_000, Fraction(4))
    assert pool.bandwidth.sellable == 10 * GIB * 5 // 4
    assert (pool.used_bytes, pool.full_at) == (10 * 1024 * GIB, Fraction(17, 20))
    assert pool.default_qos == total_iops(100, 15_000, 15_000)
    assert pool.domain("rack") == "z1/r1"
    assert pool.managed


def test_a_pool_takes_the_places_of_its_scope() -> None:
    """R17: a host-local pool lies where its host does, a cluster's pool in the zone of its hosts."""
    pools = fleet().inventory.pools
    assert [(p.name, p.scope, p.zone, p.cluster, p.host) for p in pools.values()] == [
        ("disk-1", "host", "z1", "c1", "kvm-01"),
        ("elsewhere", "cluster", None, "c9", None),
        ("sf-1", "zone", "z1", None, None),
        ("shared", "cluster", "z1", "c1", None),
    ]


def test_details_of_a_pool_are_kept_to_be_listed() -> None:
    """R15."""
    assert fleet().inventory.pools["disk-1"].details == {"path": "/srv/disk"}


def test_a_host_is_known_by_its_endpoints_and_carries_what_the_document_says() -> None:
    host = fleet().inventory.hosts["kvm-01"]
    secret = SecretRef("file", "/etc/kvm-01.chap")
    assert host.endpoints == (Endpoint("10.0.0.11", "iqn.1994-05.com.redhat:kvm-01", Chap("kvm-01", secret)),)
    assert host.protocols is None
    assert host.speaks() == frozenset({"iscsi", "nbd", "file"})
    assert host.iops.sellable == 300_000
    assert {name: amount.sellable for name, amount in host.resources.items()} == {
        "memory": 1024 * GIB,
        "vcpu": 256,
    }


def test_a_secret_stays_a_reference_and_no_file_is_opened() -> None:
    config = fleet().inventory.drivers["sf"].config
    assert config == {
        "mvip": "10.0.0.5",
        "username": "admin",
        "password": SecretRef("env", "ALLOCATOR_SECRET_SF"),
    }


def test_each_driver_instance_has_a_manifest_of_its_own() -> None:
    inventory = fleet("drivers: {sf2: {driver: solidfire}}").inventory
    assert inventory.drivers["sf"].manifest is not inventory.drivers["sf2"].manifest
    assert inventory.pools["sf-1"].manifest is inventory.drivers["sf"].manifest


def test_a_request_has_its_offerings_wishes() -> None:
    """R28: the person names an offering and a size; R13: burst comes with it."""
    root = fleet().requests[0]
    assert (root.size_bytes, root.tags) == (100 * GIB, frozenset({"ssd"}))
    assert root.alternatives == (Alternative(0, Kind.PROVISIONED, total_iops(2000, 4000, 6000, 30)),)


def test_a_wish_of_its_own_takes_the_place_of_the_offerings() -> None:
    data = fleet().requests[1]
    assert data.host_tags == {"ssd", "x86"}
    assert data.provisioning is None
    assert data.snapshot_reserve == Fraction(1, 10)
    assert (data.group, data.apart) == ("web", Apart("rack", 1, None))


def test_figures_per_gib_are_taken_at_the_size_rounded_up_in_order_of_preference() -> None:
    """R11: 1.5 GiB x 3 IOPS = 4.5, so 5; x 5 IOPS = 7.5, so 8."""
    throttle = Qos(Bands(Band(None, 4000)), Bands(Band(None, 64 * MIB)))
    assert fleet().requests[1].alternatives == (
        Alternative(0, Kind.PROVISIONED, total_iops(5, 8)),
        Alternative(1, Kind.THROTTLED, throttle),
    )


def test_a_limit_is_enforced_by_the_storage_or_else_by_the_hypervisor() -> None:
    """R11."""
    world = fleet("requests: [{name: r, size: 1, offering: capped}]")
    limit = Qos(Bands(read=Band(None, 2000), write=Band(None, 1000)))
    assert world.requests[3].alternatives == (
        Alternative(0, Kind.LIMIT, limit),
        Alternative(1, Kind.THROTTLED, limit),
    )
    assert world.requests[3].details_for("solidfire") == {"enable512e": True}
    assert world.requests[3].details_for("tgt") == {}


def test_a_request_may_ask_for_less_than_its_offering() -> None:
    log = fleet().requests[2]
    assert log.alternatives == (Alternative(0, Kind.NONE),)
    assert (log.details, log.near) == ((), Near("web", "zone"))


def test_a_request_that_asks_for_nothing_gets_the_policys_limit() -> None:
    log = fleet(policy=Policy(default_limit=total_iops(None, 500))).requests[2]
    assert [(way.kind, way.qos.iops.ceiling()) for way in log.alternatives] == [
        (Kind.LIMIT, 500),
        (Kind.THROTTLED, 500),
    ]


def test_the_first_request_of_a_vm_carries_its_demands_on_the_host() -> None:
    """R08, R23: by name, web-data comes before web-root."""
    root, data, _ = fleet().requests
    assert data.host_resources == (("memory", 8 * GIB), ("vcpu", 4))
    assert root.host_resources == ()
    assert (root.priority, data.priority) == (10, 5)
    assert root.host_tags == {"x86"}


def test_a_vm_with_placed_volumes_has_its_demands_carried_there() -> None:
    volumes = "volumes: [{name: b, pool: sf-1, vm: web-1, size: 1}, {name: a, pool: sf-1, vm: web-1, size: 1%s}]"
    world = fleet(volumes % "")
    carried = {volume.name: volume.request.host_resource("vcpu") for volume in world.inventory.volumes.values()}
    assert carried == {"a": 4, "b": 0}
    assert [request.host_resources for request in world.requests] == [(), (), ()]

    world = fleet(volumes % ", host_resources: {vcpu: 6}")
    carried = {volume.name: volume.request.host_resource("vcpu") for volume in world.inventory.volumes.values()}
    assert carried == {"a": 6, "b": 0}


@pytest.mark.parametrize(
    ("written", "apart"),
    [
        ("{group: g, over: pool}", Apart("pool", 1, None)),
        ("{group: g, over: pool, max_per_domain: 2}", Apart("pool", 2, None)),
        ("{group: g, over: pool, min_domains: 3}", Apart("pool", None, 3)),
        ("{group: g, over: pool, max_per_domain: 1, min_domains: 3}", Apart("pool", 1, 3)),
    ],
)
def test_one_volume_per_domain_unless_only_a_number_of_domains_is_asked_for(written: str, apart: Apart) -> None:
    assert fleet(f"requests: [{{name: r, size: 1, apart: {written}}}]").requests[3].apart == apart


def volume_of(fields: str) -> Any:
    return fleet(f"volumes: [{{name: v, pool: sf-1, size: 200GiB, {fields}}}]").inventory.volumes["v"]


def test_one_mapping_is_what_a_volume_has_and_its_offering_what_was_asked_for() -> None:
    """R05: that the two differ is drift, which only an audit can see."""
    volume = volume_of("host: kvm-01, offering: either, qos: {provisioned: {min_iops: 600, max_iops: 1000}}")
    assert volume.hosts == ("kvm-01",)
    assert volume.asked == Alternative(0, Kind.PROVISIONED, total_iops(600, 1000))
    assert [way.kind for way in volume.request.alternatives] == [Kind.PROVISIONED, Kind.THROTTLED]

    volume = volume_of("offering: either, qos: {throttled: {total_iops: 4000, total_bandwidth: 64MiB/s}}")
    assert volume.asked == volume.request.alternatives[1]


def test_a_volume_names_its_alternative_or_has_the_first() -> None:
    assert volume_of("offering: either").asked.qos == total_iops(600, 1000)
    assert volume_of("offering: either, alternative: 1").asked.kind is Kind.THROTTLED
    assert volume_of("hosts: [kvm-01]").asked == Alternative(0, Kind.NONE)


def test_an_array_that_always_has_qos_fills_what_was_not_asked() -> None:
    """R07: what the volume takes is counted, asked for or not."""
    volume = volume_of("foreign: true")
    assert volume.foreign
    assert volume.alternative.qos.iops.floor() == 100


def test_a_limit_may_be_held_by_the_hypervisor() -> None:
    volume = volume_of("offering: capped, qos: {throttled: {read_iops: 2000, write_iops: 1000}}")
    assert (volume.asked.index, volume.asked.kind) == (1, Kind.THROTTLED)


def test_a_volume_outlives_its_offering() -> None:
    volume = volume_of("offering: gone, qos: {provisioned: {min_iops: 500, max_iops: 1000}}")
    assert volume.request.offering == "gone"
    assert volume.request.alternatives == (volume.asked,)


def test_plain_data_may_hold_no_floats() -> None:
    data = {"version": 1, "drivers": {"d": {"driver": "tgt"}}}
    pool: dict[str, object] = {
        "name": "p",
        "driver": "d",
        "zone": "z",
        "iops": {"total": 1, "overcommit": 1.5},
    }
    with pytest.raises(DocumentError, match=r"pools\[p\].iops.overcommit: 1.5 is not a quantity"):
        build({**data, "pools": [pool]}, Policy())
    pool["iops"] = {"total": 3, "overcommit": "1.5"}
    assert build({**data, "pools": [pool]}, Policy()).inventory.pools["p"].iops.sellable == 4


def test_further_wishes_and_what_a_move_costs_are_read_and_written() -> None:
    """R25: apart over racks and rows, near two groups; a volume's document says all of it again."""
    wished = """
version: 1
drivers: {d: {driver: nfs}}
pools:
  - {name: p, driver: d, zone: z, capacity: 1TiB, domains: {rack: r, row: w}, resources: {cpu: {total: 9, safe: 7}}}
volumes:
  - name: v
    pool: p
    size: 1GiB
    group: web
    apart: {over: rack}
    also: [{apart: {over: row, min_domains: 2}}, {near: {group: db, over: row}}, {near: {group: log, over: rack}}]
    move_cost: 4
"""
    world = build(yaml.safe_load(wished), Policy())
    (held,) = world.inventory.all_volumes()
    assert held.request.aparts == (Apart("rack"), Apart("row", None, 2))
    assert held.request.nears == (Near("db", "row"), Near("log", "rack"))
    assert held.request.marks == (("group", "web"), ("near", "db"), ("near", "log"))
    assert (held.request.move_cost, world.inventory.pools["p"].resources["cpu"].safe) == (4, 7)
    again = build(yaml.safe_load(wished) | {"volumes": [volume_document(held)]}, Policy())
    assert next(again.inventory.all_volumes()).request == held.request

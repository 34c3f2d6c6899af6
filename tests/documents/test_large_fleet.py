"""Bounds on documents still admit a fleet of 100,000 hosts."""

from __future__ import annotations

import time

from allocator.documents import load
from allocator.documents.sources import LARGEST_FILE_BYTES
from allocator.domain.policy import Policy

HOSTS = 100_000
LONGEST_SECONDS = 120
"""11 to 20 s of one core when this was written; the rest is for slow and busy machines."""


def host(number: int) -> str:
    zone, cluster = number % 10, number // 10 % 50
    address = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
    return (
        f"- {{name: kvm-{number}, zone: z{zone}, cluster: z{zone}-c{cluster}, tags: [gpu], "
        f"protocols: [iscsi, nbd], agent: q1, "
        f"endpoints: [{{address: {address}, iqn: 'iqn.1994-05.com.redhat:kvm-{number}'}}], "
        "iops: {total: 200000, overcommit: 1.0}, bandwidth: {total: 2GiB/s}, "
        "resources: {vcpu: {total: 64, overcommit: 4}, memory: {total: 512GiB}}, max_volumes: 64}\n"
    )


def test_a_hundred_thousand_hosts_load() -> None:
    text = "version: 1\nagents: {q1: {agent: qemu}}\nhosts:\n" + "".join(host(number) for number in range(HOSTS))
    assert len(text) < LARGEST_FILE_BYTES / 6
    begun = time.process_time()
    hosts = load([], Policy(), {"fleet.yaml": text}).inventory.hosts
    assert time.process_time() - begun < LONGEST_SECONDS
    assert len(hosts) == HOSTS
    assert hosts["kvm-99999"].endpoints[0].address == "10.1.134.159"
    assert hosts["kvm-99999"].resources["vcpu"].sellable == 256

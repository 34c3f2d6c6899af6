"""Volumes that are recalled are those that are read, whatever they differ in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import pytest

from allocator import Allocator
from allocator.documents import DocumentError
from allocator.documents.recalling import Recall
from allocator.domain.placement import Volume
from bench.ledger.contended import POLICY, fleet, wishes
from tests.engine.fleets import opened, written

VMS = "version: 1\nvms: [{name: v1, tags: [big], priority: 7}]\n"


@pytest.fixture
def allocator(tmp_path: Path) -> Allocator:
    (policy,) = written(tmp_path, POLICY)
    return opened(tmp_path, fleet(times=50), VMS, policy=str(policy))


def documents(allocator: Allocator, count: int) -> list[Mapping[str, Any]]:
    """Of what control planes ask for: floors, throttles, groups, tenants, and wishes for a pool of one's own."""
    found: list[Mapping[str, Any]] = []
    for asked in islice(wishes("a", Random(1)), count):
        found += allocator.place(asked, explain=False).plan.volumes
    return found


def facts(volumes: Iterable[Volume]) -> list[tuple[object, ...]]:
    """All there is to a volume, which by itself equals no other."""
    return [
        (one.request, one.pool, one.hosts, one.alternative, one.asked, one.foreign, *facts(one.forms[1:]))
        for one in volumes
    ]


def test_what_is_recalled_is_what_is_read(allocator: Allocator) -> None:
    """Read at first, then recalled under other names, of other VMs and at other places."""
    listed, recall = documents(allocator, 60), Recall(allocator.world)
    read = facts(allocator.world.hold(listed, allocator.inventory))
    assert (
        facts(recall.volumes(listed, allocator.inventory)) == read == facts(recall.volumes(listed, allocator.inventory))
    )
    others = [{**one, "name": f"other-{n}", "pool": "fast-3", "hosts": ["host-2"]} for n, one in enumerate(listed)]
    others += [{**others[0], "name": "with-vm", "vm": "new-vm"}, {**others[1], "name": "of-v1", "vm": "v1"}]
    again = recall.volumes(others, allocator.inventory)
    assert facts(again) == facts(allocator.world.hold(others, allocator.inventory))
    assert [volume.name for volume in again] == [one["name"] for one in others]


def test_what_a_pool_gives_is_what_it_gives_now(allocator: Allocator) -> None:
    """A default QoS that was observed since is in what is recalled."""
    listed, recall = documents(allocator, 20), Recall(allocator.world)
    recall.volumes(listed, allocator.inventory)
    pools = allocator.inventory.pools
    swapped = [replace(pools[f"fast-{n}"], default_qos=pools["caps-0"].default_qos) for n in range(6)]
    inventory = allocator.inventory.copy(instead=swapped)
    assert facts(recall.volumes(listed, inventory)) == facts(allocator.world.hold(listed, inventory))


@pytest.mark.parametrize("wrong", [{"pool": "nowhere"}, {"hosts": ["nowhere"]}])
def test_a_place_that_is_gone_is_told(allocator: Allocator, wrong: Mapping[str, object]) -> None:
    listed, recall = documents(allocator, 3), Recall(allocator.world)
    recall.volumes(listed, allocator.inventory)
    with pytest.raises(DocumentError, match="nowhere"):
        recall.volumes([{**listed[0], **wrong}], allocator.inventory)


@pytest.mark.parametrize("more", [{"foreign": True}, {"moving_to": {"pool": "fast-5"}}])
def test_what_is_special_is_read(allocator: Allocator, more: Mapping[str, object]) -> None:
    listed, recall = documents(allocator, 3), Recall(allocator.world)
    recall.volumes(listed, allocator.inventory)
    special = [{**listed[0], **more}]
    read = allocator.world.hold(special, allocator.inventory)
    assert facts(recall.volumes(special, allocator.inventory)) == facts(read)

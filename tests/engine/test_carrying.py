"""What a VM demands of its host counts there until the last of its volumes has left, whichever of them carried it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from allocator import Allocator
from tests.engine.fleets import written

FLEET = """
version: 1
drivers: {{d: {{driver: local}}}}
pools: [{{name: p, driver: d, zone: z, capacity: 1GiB, details: {{path: {path}/p}}}}]
hosts: [{{name: h, zone: z, resources: {{vcpu: 8}}}}]
"""
WEB = """
version: 1
vms: [{name: web, resources: {vcpu: 6}}]
requests: [{name: a, vm: web, size: 1MiB}, {name: b, vm: web, size: 1MiB}]
"""
DB = """
version: 1
vms: [{name: db, resources: {vcpu: 4}}]
requests: [{name: x, vm: db, size: 1MiB}]
"""


class Site:
    """One host of 8 CPUs, on which VM web runs, which takes 6 of them; what is asked is in documents of its own."""

    def __init__(self, directory: Path, url: str) -> None:
        (directory / "p").mkdir()
        self._directory, self._url = directory, url
        (self._fleet,) = written(directory, FLEET.format(path=directory))
        with self.open(WEB) as allocator:
            assert asyncio.run(allocator.apply(allocator.place().plan)).state == "done"

    def open(self, more: str = "version: 1") -> Allocator:
        path = self._directory / "more.yaml"
        path.write_text(more)
        return Allocator.open(self._fleet, path, ledger=self._url)


@pytest.fixture
def site(tmp_path: Path, ledger_url: str) -> Site:
    return Site(tmp_path, ledger_url)


def taken(allocator: Allocator) -> int:
    """The CPUs that are sold on the host."""
    return sum(volume.request.host_resource("vcpu") for volume in allocator.inventory.volumes_at("host", "h"))


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("verb", ["delete", "detach"])
def test_they_stay_while_another_volume_is_there(site: Site, verb: str, listed: bool) -> None:
    """R08: 6 of 8 are taken without the volume that carried them, so a VM of 4 does not fit beside it."""
    with site.open() as follower, site.open(WEB if listed else "version: 1") as allocator:
        assert taken(follower) == taken(allocator) == 6
        plan = allocator.delete("a") if verb == "delete" else allocator.detach("a")
        assert asyncio.run(allocator.apply(plan)).state == "done"
        assert taken(follower) == taken(allocator) == 6
    with site.open(DB) as late:
        assert taken(late) == 6
        assert [refusal.because for refusal in late.place().refused] == [("resources",)]
        assert asyncio.run(late.apply(late.delete("b"))).state == "done"
        assert taken(late) == 0
        assert len(late.place().placed) == 1


def test_a_further_volume_carries_them_where_no_other_does(site: Site) -> None:
    """R08: web was off the host, where 4 of 8 were sold since: c, for which 6 are needed again, does not fit."""
    with site.open(DB) as allocator:
        for name in ("a", "b"):
            assert asyncio.run(allocator.apply(allocator.detach(name))).state == "done"
        assert len(allocator.place().placed) == 1
        further = [{"name": "c", "vm": "web", "size": "1MiB"}]
        assert [refusal.because for refusal in allocator.place(further).refused] == [("resources",)]
        asyncio.run(allocator.apply(allocator.ledger.unfinished()[0]))  # type: ignore[union-attr]
        assert asyncio.run(allocator.apply(allocator.delete("x"))).state == "done"
        assert asyncio.run(allocator.apply(allocator.place(further).plan)).state == "done"
        for name in ("a", "b"):
            assert asyncio.run(allocator.apply(allocator.delete(name))).state == "done"
        assert taken(allocator) == 6
    with site.open() as again:
        assert taken(again) == 6


def test_they_come_back_with_whoever_is_attached_first(site: Site) -> None:
    """Both off the host, 4 of 8 for another VM: then neither of them may return. They are never counted twice."""
    with site.open(DB) as allocator:
        for name in ("a", "b"):
            assert asyncio.run(allocator.apply(allocator.detach(name))).state == "done"
        assert taken(allocator) == 0
        assert asyncio.run(allocator.apply(allocator.place().plan)).state == "done"
        for name in ("b", "a"):
            with pytest.raises(ValueError, match="vcpu"):
                allocator.attach(name, "h")
        assert asyncio.run(allocator.apply(allocator.delete("x"))).state == "done"
        for name in ("b", "a"):
            assert asyncio.run(allocator.apply(allocator.attach(name, "h"))).state == "done"
            assert taken(allocator) == 6
    with site.open() as again:
        assert taken(again) == 6

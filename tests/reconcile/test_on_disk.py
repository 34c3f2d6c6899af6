"""Every kind of difference that a directory can have, made by hand: told, mended where that is safe, and then gone."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import sqlite3
import struct
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import IO, Any

import pytest

from allocator.execution.runner import run
from allocator.reconcile import mend
from drivers.storage.local import LocalDriver
from tests.execution.world import AT_ONCE
from tests.reconcile.sites import MIB, Site


def volumes(site: Site, pool: str = "d1") -> list[str]:
    return sorted(path.name for path in (site.at / pool / "volumes").iterdir())


def link(site: Site, identity: str, host: str) -> Path:
    """Where a host's access to a volume lies."""
    return site.at / "d1" / "granted" / host / identity


def test_nothing_differs_once_plans_are_carried_out(site: Site) -> None:
    site.make("a")
    site.make("b", host=None)
    assert site.found() == ()


def test_R07_volumes_of_others_are_counted_and_left_alone(site: Site) -> None:
    """One in plain sight, one that another ledger's engine made: 3 and 5 MiB count from then on, and stay."""
    site.make("a")
    others = [site.at / "d1" / "backup.img", site.at / "d1" / "volumes" / "vol-0123456789abcdef"]
    for number, path in enumerate(others):
        path.write_bytes(bytes((3 + 2 * number) * MIB))
    (told,) = site.mends(("foreign", "d1", "d1"))
    assert told.text == "the ledger counts 0 volumes of others; d1 shows 2 volumes. Maybe count them."
    assert [path.stat().st_size for path in others] == [3 * MIB, 5 * MIB]
    assert sum(volume.request.size_bytes for volume in site.allocator.inventory.volumes_at("pool", "d1")) == 16 * MIB
    others[0].unlink()
    (told,) = site.mends(("foreign", "d1", "d1"))
    assert told.text == "the ledger counts 2 volumes of others; d1 shows 1 volume. Maybe count them."


def test_what_this_ledger_made_and_lost_is_deleted(site: Site) -> None:
    """With a host's access still on it. What it gave the id for is told, so that somebody can object."""
    lost, kept = site.make("lost"), site.make("kept")
    site.forget("lost")
    (told,) = site.mends(("orphan", "d1", lost))
    assert told.text.startswith("the ledger does not hold it; plan ")
    assert told.text.endswith(", which is over, made it for lost; d1 shows it. Maybe delete it.")
    assert volumes(site) == [kept]
    assert not link(site, lost, "h1").exists()


def test_an_orphan_that_is_in_use_stays_and_is_told(site: Site) -> None:
    """Somebody has it locked, as QEMU would: maybe it is the ledger that is too old. It goes once nobody uses it."""
    lost = site.make("lost", host=None)
    site.forget("lost")
    with (site.at / "d1" / "volumes" / lost).open("r+b") as file:
        lock(file)
        (told,) = site.found(("orphan", "d1", lost))
        assert (told.mends, told.device) == (False, "d1 shows it, in use")
        assert told.maybe == "Maybe the ledger was restored from an old copy; else detach it, and it can be deleted."
        assert site.reconcile(fix=True).left == (told,)
        assert volumes(site) == [lost]
    site.mends(("orphan", "d1", lost))
    assert volumes(site) == []


def test_an_orphan_that_is_used_again_at_the_last_moment_stays(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver refuses to delete what is in use, and that is told; the next call goes on."""
    monkeypatch.setattr(mend, "run", partial(run, patience=AT_ONCE))
    lost = site.make("lost", host=None)
    site.forget("lost")
    with (site.at / "d1" / "volumes" / lost).open("r+b") as file:
        monkeypatch.setattr(LocalDriver, "delete_async", locking(LocalDriver.delete_async, file))
        fixed = site.reconcile(fix=True)
        assert [(one.kind, one.subject) for one in fixed.left] == [("leftover", lost)]
        assert [one.subject for one in fixed.unmended] == [lost]
        assert "is open in a running process" in fixed.unmended[0].text
        assert volumes(site) == [lost]
    monkeypatch.undo()
    site.mends(("leftover", "d1", lost))
    assert volumes(site) == []


def locking(delete: Callable[..., Any], file: IO[bytes]) -> Callable[..., Any]:
    """Locks a file just before it is to be deleted."""

    def locked(*given: object) -> object:
        lock(file)
        return delete(*given)

    return locked


def lock(file: IO[bytes]) -> None:
    fcntl.fcntl(file, fcntl.F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))


def test_a_volume_that_is_gone_is_marked_and_the_mark_goes_when_it_is_back(site: Site) -> None:
    """A disk that is not mounted: nothing is made anew, nothing released; 8 MiB stay charged."""
    identity = site.make("v", host=None)
    path = site.at / "d1" / "volumes" / identity
    shutil.move(path, site.at / "aside")
    (told,) = site.mends(("gone", "d1", "v"))
    assert told.text == (
        "the ledger has it; d1 does not show it. Maybe mark it as gone; it stays charged until it is deleted."
    )
    assert site.allocator.ledger is not None
    (stored,) = site.allocator.ledger.volumes()
    assert (stored.state, stored.gone_at is None) == ("available", False)
    assert sum(volume.request.size_bytes for volume in site.allocator.inventory.volumes_at("pool", "d1")) == 8 * MIB
    shutil.move(site.at / "aside", path)
    site.mends(("back", "d1", "v"))
    assert site.allocator.ledger.volumes()[0].gone_at is None
    assert [event.kind for event in site.allocator.ledger.events("v")][-2:] == ["gone", "back"]


def test_access_that_nobody_holds_goes_and_what_is_held_comes_back(site: Site) -> None:
    identity = site.make("v")
    link(site, identity, "h2").parent.mkdir()
    link(site, identity, "h2").hardlink_to(site.at / "d1" / "volumes" / identity)
    link(site, identity, "h1").unlink()
    extra, missing = site.mends(("extra_grant", "d1", "v"), ("missing_grant", "d1", "v"))
    assert extra.text == "the ledger grants it to h1; d1 admits h2. Maybe revoke that."
    assert missing.text == "the ledger grants it to h1; d1 does not admit h1. Maybe grant it again."
    assert (link(site, identity, "h1").exists(), link(site, identity, "h2").exists()) == (True, False)


def test_access_of_a_host_that_no_document_names_goes(site: Site) -> None:
    identity = site.make("v")
    link(site, identity, "old-host").parent.mkdir()
    link(site, identity, "old-host").hardlink_to(site.at / "d1" / "volumes" / identity)
    site.mends(("extra_grant", "d1", "v"))
    assert not link(site, identity, "old-host").exists()


def test_another_size_is_told_and_left(site: Site) -> None:
    """Data may be lost already: nobody cuts a volume or makes it longer behind its owner's back."""
    identity = site.make("v", host=None)
    path = site.at / "d1" / "volumes" / identity
    os.truncate(path, 2 * MIB)
    (told,) = site.found(("size", "d1", "v"))
    assert told.text == (
        "the ledger has 8,388,608 bytes; d1 shows 2,097,152. "
        "Maybe see who changed it: nothing here can make it as it was."
    )
    assert site.reconcile(fix=True).left == (told,)
    assert path.stat().st_size == 2 * MIB


def test_an_id_on_two_pools_is_told_and_neither_is_touched(site: Site) -> None:
    identity = site.make("v", host=None)
    (site.at / "d2" / "volumes").mkdir(parents=True)
    shutil.copyfile(site.at / "d1" / "volumes" / identity, site.at / "d2" / "volumes" / identity)
    (told,) = site.found(("claimed", "d2", "v"))
    assert told.mends is False
    assert site.reconcile(fix=True).left == (told,)
    assert (volumes(site), volumes(site, "d2")) == ([identity], [identity])


def test_an_orphan_on_two_pools_is_not_deleted(site: Site) -> None:
    """Two pools may be one directory by two names."""
    lost = site.make("lost", host=None)
    (site.at / "d2" / "volumes").mkdir(parents=True)
    shutil.copyfile(site.at / "d1" / "volumes" / lost, site.at / "d2" / "volumes" / lost)
    site.forget("lost")
    (told,) = site.found(("orphan", "d1", lost))
    assert told.mends is False
    assert site.reconcile(fix=True).left == (told,)
    assert (volumes(site), volumes(site, "d2")) == ([lost], [lost])


def test_two_volumes_that_are_one_on_the_device_are_told(site: Site) -> None:
    first = site.make("a", host=None)
    site.make("b", host=None)
    site.sql(f"UPDATE allocator_volume SET native_id = '{site.at}/d1/volumes/{first}' WHERE name = 'b'")
    (told,) = site.found(("claimed", "d1", "a"))
    assert told.ledger == f"the ledger says that a and b are {site.at}/d1/volumes/{first}"


def test_reservations_of_a_plan_that_is_over_are_released(site: Site) -> None:
    """One of which nothing was made, one half made, one half deleted."""
    nothing, half, dying = (site.make(name) for name in ("nothing", "half", "dying"))
    (site.at / "d1" / "volumes" / nothing).unlink()
    for identity in (nothing, half, dying):
        link(site, identity, "h1").unlink()
    site.sql(
        *(f"DELETE FROM allocator_access WHERE volume = '{name}'" for name in ("nothing", "half", "dying")),
        "UPDATE allocator_volume SET state = 'reserved', plan = '0123456789abcdef' WHERE name = 'nothing'",
        "UPDATE allocator_volume SET state = 'creating', plan = (SELECT min(id) FROM allocator_plan) "
        "WHERE name = 'half'",
        "UPDATE allocator_volume SET state = 'deleting' WHERE name = 'dying'",
    )
    told = site.mends(("leftover", "d1", "nothing"), ("leftover", "d1", "half"), ("leftover", "d1", "dying"))
    assert told[-1].text == (
        "the ledger holds it as reserved, and no plan goes on with it; d1 does not show it. "
        "Maybe delete what there is of it and release what it holds."
    )
    assert volumes(site) == []
    assert site.allocator.ledger is not None
    assert site.allocator.ledger.volumes() == []


def test_something_half_made_that_is_in_use_is_left_alone(site: Site) -> None:
    identity = site.make("v", host=None)
    site.sql("UPDATE allocator_volume SET state = 'creating' WHERE name = 'v'")
    with (site.at / "d1" / "volumes" / identity).open("r+b") as file:
        lock(file)
        (told,) = site.found(("leftover", "d1", "v"))
        assert (told.mends, told.device) == (False, "d1 shows it, in use")
        assert site.reconcile(fix=True).left == (told,)
    assert volumes(site) == [identity]
    site.mends(("leftover", "d1", "v"))


def test_a_volume_in_use_that_is_bound_to_a_plan_that_is_over_is_freed(site: Site) -> None:
    identity = site.make("v")
    site.sql("UPDATE allocator_volume SET plan = (SELECT min(id) FROM allocator_plan) WHERE name = 'v'")
    site.mends(("bound", "d1", "v"))
    assert volumes(site) == [identity]


def test_a_pool_out_of_reach_is_told_and_the_others_are_mended(site: Site) -> None:
    site.make("v")
    far = site.make("far", pool="d2")
    site.forget("far")
    shutil.move(site.at / "d1", site.at / "elsewhere")
    (site.at / "d1").write_text("")
    fixed = site.reconcile(fix=True)
    assert [(one.kind, one.place, one.subject) for one in fixed.findings] == [
        ("unreachable", "d1", "d1"),
        ("orphan", "d2", far),
    ]
    assert [one.kind for one in fixed.left] == ["unreachable"]
    assert volumes(site, "d2") == []


def test_what_a_restored_ledger_never_began_to_make_is_told_and_not_deleted(site: Site) -> None:
    """Copied while it was only reserved, then made and detached; the old copy lets the reservation go."""
    asked = {"name": "v", "size": "8MiB", "pool": "d1", "host": "h1"}
    plan = site.allocator.place([asked]).plan
    old = site.at / "old.db"
    with closing(sqlite3.connect(site.ledger_file)) as ledger, closing(sqlite3.connect(old)) as copy:
        ledger.backup(copy)
    assert asyncio.run(site.allocator.apply(plan)).state == "done"
    identity = site.id_of("v")
    assert asyncio.run(site.allocator.apply(site.allocator.detach("v"))).state == "done"
    site.allocator.close()
    with closing(sqlite3.connect(old)) as copy, closing(sqlite3.connect(site.ledger_file)) as ledger:
        copy.backup(ledger)
    site.allocator = site.opened()
    assert site.allocator.ledger is not None
    site.allocator.ledger.release("v")
    (told,) = site.found(("orphan", "d1", identity))
    assert "is to make it for v; nothing says it began" in told.ledger
    assert told.maybe == "Maybe the ledger was restored from an old copy: restore a newer one, or delete it by hand."
    fixed = site.reconcile(fix=True)
    assert fixed.left == fixed.findings
    assert (site.at / "d1" / "volumes" / identity).exists()

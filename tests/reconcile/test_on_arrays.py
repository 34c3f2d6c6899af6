"""Differences on a real iSCSI target and real QEMU daemons, made with tgtadm and QMP: told, mended, and then gone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from allocator.agent import Access, Attachment
from drivers.storage.tgt_control import Control
from tests.drivers import tgtadm
from tests.drivers.qsd import storage_daemon
from tests.drivers.tgtd import Tgtd, logs_in
from tests.reconcile.arrays import Arrays
from tests.reconcile.sites import Site

SECRET = "correct-horse-battery"
CHAP = """
version: 1
drivers: {{array: {{driver: tgt, config: {{control: {control}, portal: "{portal}"}}}}}}
hosts:
  - name: h1
    zone: z1
    protocols: [iscsi]
    endpoints: [{{iqn: "iqn.2026-01.org.site:h1", chap: {{user: kvm-01, secret: {{env: ALLOCATOR_SECRET_H1}}}}}}]
pools: [{{name: d1, driver: array, zone: z1, capacity: 100MiB, details: {{path: {at}/d1}}}}]
"""
H1, H2 = "iqn.2026-01.org.site:h1", "iqn.2026-01.org.site:h2"


@pytest.fixture
def tgtd() -> Iterator[Tgtd]:
    with Tgtd() as running:
        yield running


@pytest.fixture
def arrays(tmp_path: Path, tgtd: Tgtd) -> Iterator[Arrays]:
    with storage_daemon() as one, storage_daemon() as other:
        made = Arrays(tmp_path, tgtd, one, other)
        yield made
        made.close()


def uri(arrays: Arrays, identity: str) -> str:
    return f"iscsi://{arrays.tgtd.portal}/iqn.2026-01.org.allocator:{identity}/1"


def test_access_is_as_the_ledger_says_again(arrays: Arrays) -> None:
    """R19, R20: who was let in by hand is out, by name, by address and by tgtd's ALL; the host of the ledger is in."""
    identity = arrays.make("v")
    number = arrays.number(identity)
    arrays.admit(number, H2)
    assert logs_in(uri(arrays, identity), H2)
    arrays.admit_address(number, "10.9.9.9")
    arrays.admit_address(number, "ALL")
    told = arrays.mends(*[("extra_grant", "d1", "v")] * 3)
    assert {one.device for one in told} == {f"d1 admits {name}" for name in (H2, "10.9.9.9", "ALL")}
    assert arrays.admitted(identity) == (H1,)
    assert (logs_in(uri(arrays, identity), H1), logs_in(uri(arrays, identity), H2)) == (True, False)


def test_a_secret_is_still_asked_for_once_others_are_out(
    tmp_path: Path, tgtd: Tgtd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R19: taking away what was let in by hand leaves the CHAP account of the host that the ledger names."""
    monkeypatch.setenv("ALLOCATOR_SECRET_H1", SECRET)
    site = Site(tmp_path, CHAP.format(at=tmp_path, control=tgtd.control, portal=tgtd.portal))
    identity = site.make("v")
    where = f"iscsi://{tgtd.portal}/iqn.2026-01.org.allocator:{identity}/1"
    number = asyncio.run(Control(tgtd.control).numbers())[f"iqn.2026-01.org.allocator:{identity}"]
    tgtadm.admit(tgtd, number, H2)
    site.mends(("extra_grant", "d1", "v"))
    assert logs_in(where, H1, f"kvm-01.{identity}", SECRET)
    assert not logs_in(where, H1)
    assert not logs_in(where, H2, f"kvm-01.{identity}", SECRET)
    tgtd.kill()
    tgtd.start()
    site.mends(("missing_grant", "d1", "v"))
    assert logs_in(where, H1, f"kvm-01.{identity}", SECRET)
    assert not logs_in(where, H1)
    site.close()


def test_what_tgtd_forgot_is_granted_and_stays_attached(arrays: Arrays) -> None:
    """kill -9 of tgtd: it knows no target any more. Both hosts have access again as soon as that is mended."""
    first, second = arrays.make("a"), arrays.make("b", host="h2")
    arrays.tgtd.kill()
    arrays.tgtd.start()
    assert arrays.admitted(first) == ()
    arrays.mends(("missing_grant", "d1", "a"), ("missing_grant", "d1", "b"))
    assert (arrays.admitted(first), arrays.admitted(second)) == ((H1,), (H2,))
    assert logs_in(uri(arrays, second), H2)


def test_attachments_are_as_the_ledger_says_again(arrays: Arrays) -> None:
    """R21: one device was taken out by hand, another attached where it should not be, a third throttled otherwise."""
    out, there, slow = arrays.make("out"), arrays.make("there"), arrays.make("slow", offering="capped", host="h2")
    assert arrays.iops("h2", slow) == 800
    arrays.do("h2", "qom-set", path=f"/objects/{slow}", property="limits", value={"iops-total": 5})
    arrays.admit(arrays.number(there), H2)

    arrays.detach("h1", out)
    arrays.attach("h2", Attachment(there, Access(uri(arrays, there)), managed=True, initiator=H2))
    assert (arrays.devices("h1"), arrays.devices("h2")) == ({there}, {there, slow})
    told = arrays.mends(
        ("missing_attachment", "h1", "out"),
        ("throttle", "h2", "slow"),
        ("extra_grant", "d1", "there"),
        ("extra_attachment", "h2", "there"),
    )
    assert [one.text for one in told if one.kind == "throttle"] == [
        "the ledger throttles it to max 800 IOPS; h2 throttles it to max 5 IOPS. Maybe throttle it as it should be."
    ]
    assert (arrays.devices("h1"), arrays.devices("h2")) == ({out, there}, {slow})
    assert arrays.iops("h2", slow) == 800
    assert arrays.admitted(there) == (H1,)


def test_an_orphan_goes_once_no_host_has_it(arrays: Arrays) -> None:
    """While it is attached nobody touches it: it may be the ledger that is too old."""
    lost, kept = arrays.make("lost"), arrays.make("kept")
    arrays.forget("lost")
    (told,) = arrays.found(("orphan", "d1", lost))
    assert (told.device, told.mends) == ("d1 and h1 show it, in use", False)
    assert arrays.reconcile(fix=True).left == (told,)
    assert arrays.devices("h1") == {lost, kept}
    assert arrays.admitted(lost) == (H1,)
    arrays.detach("h1", lost)
    arrays.mends(("orphan", "d1", lost))
    assert [path.name for path in (arrays.at / "d1" / "volumes").iterdir()] == [kept]
    assert arrays.admitted(lost) == ()


def test_a_device_of_a_volume_that_is_no_more_is_told(arrays: Arrays) -> None:
    """Only the host still shows what this ledger made: maybe the array's disk is not mounted."""
    lost = arrays.make("lost")
    arrays.forget("lost")
    (arrays.at / "d1" / "volumes" / lost).unlink()
    (told,) = arrays.found(("orphan", "h1", lost))
    assert (told.device, told.mends) == ("h1 shows it, in use", False)
    assert arrays.reconcile(fix=True).left == (told,)
    assert arrays.devices("h1") == {lost}


def test_hosts_that_share_an_agent_are_not_taken_for_each_other(arrays: Arrays) -> None:
    """R21: the agent shows the volume for both; it is attached to one, and stays so."""
    fleet = arrays.files[0]
    fleet.write_text(fleet.read_text().replace("agent: q2, protocols", "agent: q1, protocols"))
    identity = arrays.make("v")
    arrays.allocator.close()
    arrays.allocator = arrays.opened()
    assert arrays.found() == ()
    arrays.detach("h1", identity)
    arrays.mends(("missing_attachment", "h1", "v"))
    assert arrays.devices("h1") == {identity}


def test_a_device_of_somebody_else_is_left_alone(arrays: Arrays) -> None:
    arrays.make("v")
    group = {"qom_type": "throttle-group", "id": "vol-0123456789abcdef", "limits": {}}
    arrays.do("h2", "object-add", **group)
    assert arrays.found() == ()


def test_a_revoke_that_a_crash_cut_off_costs_the_others_nothing_for_long(arrays: Arrays) -> None:
    """R20: tgtd's target is built anew to end one host's access; a crash in between leaves the other without."""
    identity = arrays.make("v")
    arrays.sql(
        "INSERT INTO allocator_access (volume, host, uri, iqn) "
        f"SELECT volume, 'h2', uri, '{H2}' FROM allocator_access WHERE host = 'h1'"
    )
    arrays.mends(("missing_grant", "d1", "v"))
    assert arrays.admitted(identity) == (H1, H2)
    arrays.remove_target(arrays.number(identity))
    arrays.mends(*[("missing_grant", "d1", "v")] * 2)
    assert arrays.admitted(identity) == (H1, H2)


def test_hosts_and_pools_out_of_reach_are_told_and_the_others_mended(arrays: Arrays) -> None:
    identity = arrays.make("v")
    arrays.daemons["h2"].kill()
    arrays.admit(arrays.number(identity), H2)
    fixed = arrays.reconcile(fix=True)
    assert [(one.kind, one.place) for one in fixed.findings] == [("unreachable", "h2"), ("extra_grant", "d1")]
    assert [(one.kind, one.place) for one in fixed.left] == [("unreachable", "h2")]
    assert arrays.admitted(identity) == (H1,)
    arrays.tgtd.kill()
    assert [(one.kind, one.place) for one in arrays.reconcile().findings] == [
        ("unreachable", "d1"),
        ("unreachable", "h2"),
    ]

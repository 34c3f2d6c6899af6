"""Real LUNs in a real tgtd: who is let in before and after a grant, and whether a throttle holds."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Final

from allocator.demo.probes import Initiator, inquire, opens_iscsi, write_rate_iops
from allocator.demo.servers import PACKAGES, Tgtd, agent_config, install, missing, storage_daemon, tgtd
from allocator.demo.session import Session, files_below, volume_in
from allocator.demo.telling import Teller

_HOST: Final = "iqn.1994-05.com.redhat:kvm-01"
_OTHER: Final = "iqn.1994-05.com.redhat:kvm-02"
_LIMIT_IOPS: Final = 800
"""As iscsi.yaml has it."""
_SECONDS: Final = 5
_TOLERANCE_PERCENT: Final = 10


def over_iscsi(teller: Teller, directory: Path, shipped: Path) -> None:
    """Make a LUN, grant it, attach it throttled, and take all away, looking from outside after every step."""
    teller.section("6. LUNs over iSCSI: refused, granted, throttled, revoked (R09, R18-R21)")
    lacking = missing(*PACKAGES) or ([] if opens_iscsi() else ["qemu-block-extra"])
    if lacking:
        teller.skip(f"everything over iSCSI. {install(lacking)}")
        return
    secret = secrets.token_hex(16)
    chap = directory / "kvm-01.chap"
    chap.touch(0o600)
    chap.write_text(secret)
    pool = directory / "san-1"
    with tgtd(directory) as target, storage_daemon(directory) as monitor:
        endpoint = {"iqn": _HOST, "chap": {"user": "kvm-01", "secret": {"file": str(chap)}}}
        here = {
            "drivers": {"san": {"config": {"control": str(target.control), "portal": target.portal}}},
            "agents": {"qemu": {"config": agent_config(monitor)}},
            "pools": [{"name": "san-1", "details": {"path": str(pool)}}],
            "hosts": [{"name": "kvm-01", "endpoints": [endpoint]}],
        }
        with Session(teller, directory, shipped, here) as session:
            _live(teller, session, target, secret)
            teller.claim(
                "Nothing is left in tgtd, on its disk or in the ledger.",
                not target.targets() and not files_below(pool) and session.is_empty(),
            )


def _live(teller: Teller, session: Session, target: Tgtd, secret: str) -> None:
    """The life of one volume."""
    iqn = volume_in(session.apply(session.place().plan), "db-data").native_id or ""
    uri = f"iscsi://{target.portal}/{iqn}/1"
    # The tgt driver gives each host an account of its own on each volume.
    host = Initiator(_HOST, f"kvm-01.{iqn.rpartition(':')[2]}", secret)
    teller.claim("tgtd serves the new LUN.", f": {iqn}\n" in target.targets())
    teller.typed(f"LUN={uri}")
    _knock(teller, uri, host, "Before the grant nobody is let in, not even its host.", opens=False)

    report = session.change("attach db-data --host kvm-01", session.allocator.attach("db-data", "kvm-01"))
    reached = volume_in(report, "db-data").reached[0]
    teller.answered(f"db-data is reached by {reached.uri}")
    teller.claim("The granted string is the address of the LUN, and nothing secret is in it.", reached.uri == uri)
    _knock(teller, uri, host, "After the grant its host is answered.", opens=True)
    _knock(teller, uri, Initiator(_HOST), "The host's name without its CHAP secret is not enough.", opens=False)
    _knock(teller, uri, Initiator(_OTHER, host.user, secret), "Another initiator is still refused.", opens=False)
    _measure(teller, reached.device or "")

    session.change("detach db-data", session.allocator.detach("db-data"))
    _knock(teller, uri, host, "After the detach its host is refused again.", opens=False)
    session.change("delete db-data", session.allocator.delete("db-data"))


def _knock(teller: Teller, uri: str, initiator: Initiator, claim: str, *, opens: bool) -> None:
    teller.typed(
        f"iscsi-inq -i {initiator.name} $LUN{'   # with the CHAP secret of kvm-01' if initiator.secret else ''}"
    )
    inquiry = inquire(uri, initiator)
    teller.answered(inquiry.words)
    teller.claim(claim, inquiry.answered == opens)


def _measure(teller: Teller, device: str) -> None:
    operations = _LIMIT_IOPS * _SECONDS
    teller.typed(f"qemu-img bench -f raw -t none -w -d 16 -s 4096 -c {operations} '{device}'")
    rate_iops = write_rate_iops(device, operations)
    teller.answered(f"{rate_iops:,} writes of 4 KiB a second")
    teller.claim(
        f"The throttle of {_LIMIT_IOPS} IOPS holds within {_TOLERANCE_PERCENT} %.",
        abs(rate_iops - _LIMIT_IOPS) * 100 <= _LIMIT_IOPS * _TOLERANCE_PERCENT,
    )

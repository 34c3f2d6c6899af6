"""Targets on a test's tgtd, made with tgtadm as an operator would."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from tests.drivers.tgtd import Tgtd, needed

CHAP = {"chap_user": "kvm-01", "chap_secret": "hunter2hunter2"}


def add_target(tgtd: Tgtd, number: int, volume: Path) -> str:
    """A target over a file, with nobody admitted; the string that a grant of it would return."""
    name = f"iqn.2026-01.org.allocator.test:{number}"
    _tgtadm(tgtd, "target", "new", f"--tid={number}", f"--targetname={name}")
    _tgtadm(tgtd, "logicalunit", "new", f"--tid={number}", "--lun=1", f"--backing-store={volume}")
    return f"iscsi://{tgtd.portal}/{name}/1"


def thin(tgtd: Tgtd, number: int) -> None:
    """From now on what a client discards is freed."""
    _tgtadm(tgtd, "logicalunit", "update", f"--tid={number}", "--lun=1", "--params=thin_provisioning=1")


def admit(tgtd: Tgtd, number: int, initiator: str) -> None:
    _tgtadm(tgtd, "target", "bind", f"--tid={number}", f"--initiator-name={initiator}")


def admit_address(tgtd: Tgtd, number: int, address: str) -> None:
    """Whoever comes from there, or with ALL everybody."""
    _tgtadm(tgtd, "target", "bind", f"--tid={number}", f"--initiator-address={address}")


def remove_target(tgtd: Tgtd, number: int) -> None:
    """Take a target away with the sessions it has; the file stays."""
    _tgtadm(tgtd, "target", "delete", "--force", f"--tid={number}")


def demand_chap(tgtd: Tgtd, number: int) -> None:
    """From now on only who knows CHAP logs in."""
    _tgtadm(tgtd, "account", "new", f"--user={CHAP['chap_user']}", f"--password={CHAP['chap_secret']}")
    _tgtadm(tgtd, "account", "bind", f"--tid={number}", f"--user={CHAP['chap_user']}")


def targets(tgtd: Tgtd) -> str:
    """Everything that it serves, and to whom."""
    return _tgtadm(tgtd, "target", "show")


def cut_connections(tgtd: Tgtd, number: int) -> int:
    """Cut every connection to a target, as a passing network failure would; how many there were."""
    shown = _tgtadm(tgtd, "conn", "show", f"--tid={number}")
    connections = re.findall(r"Session: (\d+)\s+Connection: (\d+)", shown)
    for session, connection in connections:
        _tgtadm(tgtd, "conn", "delete", f"--tid={number}", f"--sid={session}", f"--cid={connection}")
    return len(connections)


def _tgtadm(tgtd: Tgtd, mode: str, op: str, *options: str) -> str:
    base, _, number = tgtd.control.rpartition(".")
    result = subprocess.run(
        [needed("tgtadm", "tgt"), "-C", number, "--lld=iscsi", f"--mode={mode}", f"--op={op}", *options],
        env={**os.environ, "TGT_IPC_SOCKET": base},
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout

"""The whole demo, and what of it works where nothing is installed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from allocator.demo.servers import PACKAGES, missing
from tests.demo.running import left_behind, run

DECIDED = (
    "ok  10,000 minimum IOPS are placed on sf-1, whose driver advertises them.",
    "ok  The same offering, with a tag that leads to NFS only, is refused for good, and the reason names the driver.",
    "ok  Its administrator could know before anybody asked for it (R03).",
    "ok  140,000 + 10,000 = 150,000 is accepted.",
    "ok  140,000 + 10,001 = 150,001 is refused, with what is left and what would help.",
    "ok  A request with both kinds of QoS is rejected, and both groups of fields are named.",
    "ok  With all 150,000 sold, the same request falls back to a throttle on its hypervisor.",
    "ok  Each of the ten volumes that asked for tag ssd is named.",
)
ON_DISK = (
    "ok  createAsync made two files of the sizes asked for, closed to other users.",
    "ok  Nothing is left on either disk, nor in the ledger.",
)
OVER_ISCSI = (
    "ok  Before the grant nobody is let in, not even its host.",
    "ok  After the grant its host is answered.",
    "ok  The host's name without its CHAP secret is not enough.",
    "ok  Another initiator is still refused.",
    "ok  The throttle of 800 IOPS holds within 10 %.",
    "ok  After the detach its host is refused again.",
    "ok  Nothing is left in tgtd, on its disk or in the ledger.",
)


def test_the_whole_story_holds_and_leaves_nothing(tmp_path: Path) -> None:
    """R01-R06, R09, R11, R18-R21: every claim is checked, from the manifests to a LUN that is gone again."""
    lacking = missing(*PACKAGES)
    if lacking:
        pytest.skip(f"Maybe `apt-get install {' '.join(lacking)}`.")
    told = run(tmp_path)
    lines = [line.strip() for line in told.stdout.splitlines()]
    assert told.returncode == 0, told.stdout + told.stderr
    assert [sentence for sentence in (*DECIDED, *ON_DISK, *OVER_ISCSI) if sentence not in lines] == []
    assert "solidfire` manifest" in told.stdout
    assert "there is no array here" in told.stdout
    assert "24 claims checked, all of them held" in told.stdout
    assert left_behind(tmp_path) == []


def test_it_says_what_is_missing_and_goes_on_without(tmp_path: Path) -> None:
    """No program is found: the decisions and the files still hold, and what is skipped names its packages."""
    (tmp_path / "empty").mkdir()
    made = tmp_path / "made"
    made.mkdir()
    told = run(made, "--json", path=str(tmp_path / "empty"))
    assert told.returncode == 0, told.stdout + told.stderr
    answer = json.loads(told.stdout)
    assert answer["ok"] is True
    held = [f"ok  {claim['claim']}" for claim in answer["claims"] if claim["holds"]]
    assert len(held) == len(answer["claims"]) == 14
    assert [sentence for sentence in (*DECIDED, *ON_DISK) if sentence not in held] == []
    assert [text.partition(" Maybe")[0] for text in answer["skipped"]] == [
        "attaching, which is QEMU's part.",
        "everything over iSCSI.",
    ]
    assert "apt-get install libiscsi-bin qemu-system-common qemu-utils" in answer["skipped"][1]
    assert left_behind(made) == []

"""Control planes that race on one ledger oversell nothing, and the audit that says so catches those that would."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from allocator.ledger import StoredVolume
from bench.ledger.audit import oversold, summed
from bench.ledger.contended import GIB
from bench.ledger.course import run_alone, run_race

GOLD: Mapping[str, Any] = {"qos": [{"provisioned": {"min_iops": 2_000, "max_iops": 4_000}}]}


def held(pool: str, count: int, *, start: int = 0, **facts: object) -> list[StoredVolume]:
    """Volumes as the ledger holds them, of 10 GiB each unless said otherwise."""
    usual = {"size": 10 * GIB, "dedicated": False, "qos": [], **facts}
    return [
        StoredVolume(f"{pool}-v{n}", f"id-{n}", pool, {"name": f"{pool}-v{n}", **usual}, "reserved")
        for n in range(start, start + count)
    ]


def test_R06_processes_that_race_oversell_nothing_and_count_right(ledger_url: str) -> None:
    """Sums, and also volumes that stay apart, that want a pool for themselves, or that nobody limits."""
    race = run_race(ledger_url, processes=3, seconds=1.5)
    assert (race.over, race.drift) == ([], [])
    assert race.reserved > race.released
    assert race.least > 0
    assert 0 < race.wait(0.5) <= race.wait(0.99) <= race.waits[-1]


def test_who_does_not_look_again_is_caught(tmp_path: Path) -> None:
    """Read, check in Python, write: soon somebody else writes in between. Several tries, since it is chance."""
    found: list[str] = []
    for number in range(5):
        if not found:
            found += run_race(f"sqlite:///{tmp_path}/{number}.db", processes=3, seconds=1.5, careless=True).over
    assert found


def test_what_one_process_takes_is_measured(tmp_path: Path) -> None:
    alone = run_alone(f"sqlite:///{tmp_path}/ledger.db", samples=10, batches=1)
    assert min(alone.cpu_us, alone.wall_us, alone.batch_ms, alone.batch_cpu_ms) > 0


@pytest.mark.parametrize(
    ("volumes", "broken"),
    [
        (held("fast-0", 10, **GOLD), []),
        (held("fast-0", 11, **GOLD), ["fast-0 sells 20,000 iops and has sold 22,000"]),
        (held("fast-0", 1, size=601 * GIB), [f"fast-0 sells {600 * GIB:,} bytes and has sold {601 * GIB:,}"]),
        (held("files-0", 21), ["files-0 sells 20 volumes and has sold 21"]),
        (held("files-0", 1, dedicated=True), []),
        (held("files-0", 1, dedicated=True) + held("files-0", 1, start=1), ["files-0 is shared and was wanted alone"]),
        (held("caps-0", 1, **GOLD) + held("caps-0", 1, start=1), ["caps-0 holds promises and volumes without limit"]),
        (held("caps-0", 2, **GOLD), ["caps-0 has ceilings of 8,000 IOPS beside promises"]),
        (held("fast-0", 7, vm="v", hosts=["host-0"], **GOLD), ["host-0 sells 12,000 iops and has sold 14,000"]),
        (
            held("fast-0", 1, vm="v", hosts=["host-0"]) + held("fast-1", 1, vm="v", hosts=["host-1"]),
            ["VM v is on 2 hosts"],
        ),
        (
            held("fast-0", 1, group="g", apart={"over": "rack"}) + held("fast-3", 1, group="g", apart={"over": "rack"}),
            ["group g has 2 volumes in rack 0"],
        ),
        (held("fast-0", 8, tenant="acme", **GOLD), ["acme sells 15,000 iops and has sold 16,000"]),
    ],
)
def test_the_audit_on_paper(volumes: list[StoredVolume], broken: list[str]) -> None:
    assert oversold(volumes) == broken
    pool = volumes[0].pool
    assert summed(volumes)["volumes", pool] == sum(stored.pool == pool for stored in volumes)

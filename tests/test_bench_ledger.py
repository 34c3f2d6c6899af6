"""The bench measures placements with a ledger as it says, on a fleet small enough for a test."""

from __future__ import annotations

from pathlib import Path

from bench.following import measure_following
from bench.latency import Case
from bench.ledger_latency import measure_with_ledger


def test_R26_a_placement_is_measured_with_its_reservation(tmp_path: Path) -> None:
    """Of 120 VMs the last 20 are counted; the ledger is gone afterwards."""
    case = Case("small", zones=2, pools=60, hosts=40, p50=10**9, p99=10**9, aim=1)
    figures = measure_with_ledger(case, samples=20, folder=tmp_path)
    assert (figures.placed, figures.samples) == (20, 20)
    assert 0 < figures.cpu_p50 <= figures.cpu_p99
    assert 0 < figures.wall_p50 <= figures.wall_p99
    assert list(tmp_path.iterdir()) == []


def test_R26_following_is_measured_beside_reading_everything() -> None:
    figures = measure_following(volumes=300, commits=(1, 3))
    assert figures.volumes >= 300
    assert figures.followed.keys() == {1, 3}
    assert min(figures.everything, *figures.followed.values()) > 0

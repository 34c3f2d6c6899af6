"""The bench harness measures what it says, on a fleet small enough for a test. How fast is no test's business."""

from __future__ import annotations

from bench.latency import Case, cases, measure


def test_R26_a_case_is_measured_and_judged_by_its_thresholds() -> None:
    figures = measure(Case("tiny", zones=2, pools=40, hosts=80, p50=10**9, p99=10**9, aim=1), samples=20)
    assert (figures.placed, figures.samples, figures.within) == (20, 20, True)
    assert 0 < figures.p50 <= figures.p99 <= figures.most
    assert "within" in figures.line()


def test_R26_the_cases_have_thresholds() -> None:
    assert [case.name for case in cases()] == ["zone-100", "zone-1000", "cloud-1000", "cloud-10000"]
    assert all(0 < case.aim < case.p50 < case.p99 for case in cases())

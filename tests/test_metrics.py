"""What is counted and timed, read from a real registry of prometheus_client; and nothing where nobody asks."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from allocator import Allocator, Unsatisfiable
from allocator.domain.plan import Plan
from allocator.domain.qos import Qos
from allocator.driver import DriverError, ErrorCode
from allocator.ledger import LostLease, Turn
from allocator.metrics import COUNTERS, LATENCIES
from allocator.prometheus import PrometheusMetrics
from drivers.storage.local import LocalDriver
from tests.engine.fleets import written

DISK = """
version: 1
drivers: {{disk: {{driver: local}}}}
hosts: [{{name: h1, zone: z1}}]
pools: [{{name: d1, driver: disk, zone: z1, capacity: 10MiB, details: {{path: {at}/d1}}}}]
"""


class Counted:
    """An allocator on a directory, and a registry of its own."""

    def __init__(self, at: Path) -> None:
        at.mkdir(exist_ok=True)
        self.registry = CollectorRegistry()
        metrics = PrometheusMetrics(self.registry)
        files = written(at, DISK.format(at=at))
        self.allocator = Allocator.open(*files, ledger=f"sqlite:///{at}/ledger.db", metrics=metrics)

    def place(self, name: str, size: str = "4MiB", **more: object) -> Plan:
        return self.allocator.place([{"name": name, "size": size, "host": "h1", **more}]).plan

    def value(self, name: str, **labels: str) -> float:
        """A sample as Prometheus would read it; 0 where there is none yet."""
        return self.registry.get_sample_value(f"allocator_{name}", labels) or 0.0


@pytest.fixture
def counted(tmp_path: Path) -> Iterator[Counted]:
    made = Counted(tmp_path)
    yield made
    made.allocator.close()


def test_decisions_and_reservations(counted: Counted) -> None:
    """Two of 4 MiB fit in 10 MiB; the third finds no room, and one that names a tag that nothing has never will."""
    for name in ("a", "b", "c"):
        counted.place(name)
    counted.place("d", tags=["ssd"])
    with pytest.raises(Unsatisfiable):
        counted.allocator.place_or_raise([{"name": "e", "size": "4MiB"}])
    assert counted.value("placements_total") == 2
    assert counted.value("refusals_total", kind="no_room") == 2
    assert counted.value("refusals_total", kind="never") == 1
    assert counted.value("refusals_by_rule_total", rule="capacity") == 2
    assert counted.value("refusals_by_rule_total", rule="tags") == 1
    assert counted.value("reservations_total", outcome="taken") == 2
    assert counted.value("place_seconds_count") == 5
    assert 0 < counted.value("place_seconds_sum") < 60


def test_a_decision_that_came_too_late_is_counted(counted: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else counts a change between the decision and its reservation, once."""
    ledger = counted.allocator.ledger
    assert ledger is not None
    deciding = ledger.deciding

    def late() -> AbstractContextManager[Turn]:
        monkeypatch.undo()
        ledger.observed("d1", 1, Qos())
        return deciding()

    monkeypatch.setattr(ledger, "deciding", late)
    counted.place("a")
    assert counted.value("reservations_total", outcome="stale") == 1
    assert counted.value("reservations_total", outcome="taken") == 1


def test_steps_and_calls(counted: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
    """A grant that is busy once, and a creation that is refused: two plans, by what came of their steps."""
    plan = counted.place("a")
    grant, busy = LocalDriver.grant_access, [DriverError(ErrorCode.BUSY, "Busy.")]

    async def sometimes(*given: object) -> object:
        if busy:
            raise busy.pop()
        return await grant(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(LocalDriver, "grant_access", sometimes)
    assert asyncio.run(counted.allocator.apply(plan)).state == "done"
    assert counted.value("steps_total", kind="create", outcome="done") == 1
    assert counted.value("step_retries_total", kind="grant", code="busy") == 1
    assert counted.value("step_seconds_count", kind="grant") == 1
    assert counted.value("calls_total", plugin="disk", call="grant_access", code="busy") == 1
    assert counted.value("calls_total", plugin="disk", call="grant_access", code="ok") == 1
    assert counted.value("call_seconds_count", plugin="disk", call="create_async") == 1

    async def refused(*given: object) -> object:
        raise DriverError(ErrorCode.DENIED, "No.")

    plan = counted.place("b")
    monkeypatch.setattr(LocalDriver, "grant_access", refused)
    assert asyncio.run(counted.allocator.apply(plan)).state == "rolled_back"
    assert counted.value("steps_total", kind="grant", outcome="failed") == 1
    assert counted.value("steps_total", kind="create", outcome="undone") == 1
    assert counted.value("step_seconds_count", kind="delete") == 1


def test_a_plan_that_was_taken_over_is_counted(counted: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process claims it while the first is in the middle of a call."""
    plan, create = counted.place("a"), LocalDriver.create_async
    ledger = counted.allocator.ledger
    assert ledger is not None

    async def overtaken(*given: object) -> object:
        ledger.claim(plan, owner="another", lease_seconds=60, alive=lambda _: False)
        return await create(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(LocalDriver, "create_async", overtaken)
    with suppress(LostLease):
        asyncio.run(counted.allocator.apply(plan))
    assert counted.value("lease_losses_total") == 1


def test_findings_are_counted_by_kind(counted: Counted, tmp_path: Path) -> None:
    asyncio.run(counted.allocator.apply(counted.place("a")))
    (tmp_path / "d1" / "theirs").write_bytes(b"1")
    for path in (tmp_path / "d1" / "granted" / "h1").iterdir():
        path.unlink()
    asyncio.run(counted.allocator.reconcile(fix=True))
    assert counted.value("findings_total", kind="foreign") == 1
    assert counted.value("findings_total", kind="missing_grant") == 1
    assert counted.value("steps_total", kind="regrant", outcome="done") == 1


def test_two_engines_of_one_process_count_apart(counted: Counted, tmp_path: Path) -> None:
    other = Counted(tmp_path / "other")
    counted.place("a")
    assert (counted.value("placements_total"), other.value("placements_total")) == (1, 0)
    other.allocator.close()


def test_everything_in_the_catalogue_is_exported(counted: Counted) -> None:
    counted.place("a")
    text = generate_latest(counted.registry).decode()
    for name, metric in COUNTERS.items():
        assert f"# HELP allocator_{name}_total {metric.text}" in text
    for name in LATENCIES:
        assert f"# TYPE allocator_{name}_seconds histogram" in text


def test_nothing_loads_the_client_but_its_adapter() -> None:
    """It is an extra: the engine, placing and its drivers run without."""
    code = "import sys, allocator.engine, allocator.execution.runner, allocator.cli.questions; " + (
        "print('prometheus_client' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert run.stdout == "False\n"

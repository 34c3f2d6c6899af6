"""QoS in its normal form: kinds exclude each other, units and expressions are one, burst is optional."""

from __future__ import annotations

import pytest

from allocator.domain.charging import kept
from allocator.domain.qos import Alternative, Band, Bands, Kind, Qos, QosWish, alternatives
from allocator.domain.sizes import GIB, MIB
from allocator.testing.made import limit, pool, provisioned, throttled
from tests.rules.test_iops import ARRAY, OBSERVED

PER_GIB = QosWish(Kind.PROVISIONED, Qos(Bands(Band(ceiling=9_000))), Qos(Bands(Band(floor=3))))


@pytest.mark.parametrize("kind", Kind)
def test_at_most_one_side_enforces(kind: Kind) -> None:
    """R09: storage, hypervisor or nobody, never both."""
    alternative = Alternative(0, kind)
    assert [alternative.by_storage, alternative.by_hypervisor].count(True) == (kind is not Kind.NONE)


def test_a_range_is_floor_and_ceiling_a_rate_a_ceiling() -> None:
    """R10: min 500, max 1,000 and total 1,000 in one form."""
    assert list(provisioned(500, 1_000).qos.asked()) == [
        ("iops", "total", "floor", 500),
        ("iops", "total", "ceiling", 1_000),
    ]
    assert list(throttled(1_000).qos.asked()) == [("iops", "total", "ceiling", 1_000)]


def test_units_and_directions_in_a_fixed_order() -> None:
    """R10: reads and writes of both units."""
    qos = Qos(Bands(read=Band(ceiling=3), write=Band(ceiling=4)), Bands(Band(floor=MIB)))
    assert [(unit, direction) for unit, direction, _, _ in qos.asked()] == [
        ("iops", "read"),
        ("iops", "write"),
        ("bandwidth", "total"),
    ]
    assert (qos.iops.ceiling(), qos.iops.stated_ceiling(), qos.bandwidth.floor()) == (7, 7, MIB)


def test_an_open_direction_bounds_nothing() -> None:
    """R12: 3 reads and any number of writes is no ceiling, though 3 is what a throttle lets through at least."""
    bands = Bands(read=Band(ceiling=3))
    assert (bands.ceiling(), bands.stated_ceiling(), bands.peak()) == (None, 3, None)
    assert not Alternative(0, Kind.THROTTLED, Qos(bands)).bounded


@pytest.mark.parametrize(
    ("band", "peak"),
    [(Band(ceiling=5), 5), (Band(ceiling=5, burst=9), 9), (Band(ceiling=5, burst=3), 5), (Band(), None)],
)
def test_burst_is_optional(band: Band, peak: int | None) -> None:
    """R13: a peak is the larger of ceiling and burst."""
    assert Bands(band).peak() == peak


@pytest.mark.parametrize(("size_bytes", "floor"), [(GIB, 3), (GIB + 1, 4), (100 * GIB, 300), (GIB // 2, 2)])
def test_figures_per_gib_round_up(size_bytes: int, floor: int) -> None:
    """R10: 3 IOPS per GiB of 1 GiB and a byte are 4; what is absolute stays."""
    (alternative,) = alternatives((PER_GIB,), size_bytes)
    assert (alternative.qos.iops.floor(), alternative.qos.iops.ceiling()) == (floor, 9_000)


def test_a_bare_limit_is_two_alternatives() -> None:
    """R11: the storage before the hypervisor, in its place among the others."""
    told = [(one.index, one.kind) for one in alternatives((provisioned(1), limit(5), throttled(7)), GIB)]
    assert told == [(0, "provisioned"), (1, "limit"), (2, "throttled"), (3, "throttled")]
    assert [(one.index, one.kind) for one in alternatives((), GIB)] == [(0, "none")]


def test_an_array_with_qos_of_its_own_fills_what_is_missing() -> None:
    """R10: a null minimum is 100 and a null maximum 15,000; what was observed on the device counts before that."""
    (nothing,), (capped, throttle) = alternatives((), 1), alternatives((limit(9),), 1)
    assert kept(nothing, ARRAY).kind == "default"
    assert kept(nothing, ARRAY).qos.iops == Bands(Band(floor=100, ceiling=15_000))
    assert kept(nothing, OBSERVED).qos.iops == Bands(Band(floor=50, ceiling=15_000))
    assert kept(capped, ARRAY).qos.iops == Bands(Band(floor=100, ceiling=9))
    assert kept(throttle, ARRAY) is throttle
    assert kept(nothing, pool()) is nothing

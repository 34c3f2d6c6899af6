"""QoS as QEMU's throttle fields: figures worked out by hand, and what QEMU itself says to them."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from allocator.agent import DriverError, ErrorCode
from allocator.domain.qos import Band, Bands, Qos
from drivers.hypervisor.qemu_limits import observed_limits, throttle_fields
from drivers.hypervisor.qmp import Qmp
from tests.drivers.qsd import storage_daemon

UNLIMITED = {
    f"{unit}-{direction}{field}": 1 if field == "-max-length" else 0
    for unit in ("iops", "bps")
    for direction in ("total", "read", "write")
    for field in ("", "-max", "-max-length")
} | {"iops-size": 0}


def test_no_limits_are_all_19_fields_at_their_defaults() -> None:
    assert len(UNLIMITED) == 19
    assert throttle_fields(Qos()) == UNLIMITED


def test_total_ceiling_burst_and_io_size() -> None:
    qos = Qos(iops=Bands(total=Band(ceiling=500, burst=2000, burst_seconds=60)), io_size_bytes=8192)
    figures = {"iops-total": 500, "iops-total-max": 2000, "iops-total-max-length": 60, "iops-size": 8192}
    assert throttle_fields(qos) == UNLIMITED | figures


def test_reads_and_writes_of_both_units() -> None:
    qos = Qos(
        iops=Bands(read=Band(ceiling=600), write=Band(ceiling=200, burst=200)),
        bandwidth=Bands(write=Band(ceiling=2 * 1024**2)),
    )
    figures = {
        "iops-read": 600,
        "iops-write": 200,
        "iops-write-max": 200,
        "iops-size": 4096,
        "bps-write": 2097152,
    }
    assert throttle_fields(qos) == UNLIMITED | figures


@pytest.mark.parametrize(
    ("band", "code", "words"),
    [
        (Band(floor=100, ceiling=200), ErrorCode.UNSUPPORTED, "iops total: QEMU keeps no floor, here 100"),
        (Band(ceiling=0), ErrorCode.INVALID, "a ceiling of 0 is outside 1 to 1,000,000,000,000,000"),
        (Band(ceiling=10**15 + 1), ErrorCode.INVALID, "a ceiling of 1,000,000,000,000,001 is outside"),
        (Band(burst=100), ErrorCode.INVALID, "a burst of 100 without a ceiling"),
        (Band(ceiling=200, burst=199), ErrorCode.INVALID, "a burst of 199 is outside 200 to"),
        (
            Band(ceiling=200, burst=10**15 + 1),
            ErrorCode.INVALID,
            "a burst of 1,000,000,000,000,001 is outside",
        ),
        (Band(ceiling=200, burst_seconds=5), ErrorCode.INVALID, "5 s of a burst without its rate"),
        (Band(ceiling=1, burst=2, burst_seconds=0), ErrorCode.INVALID, "0 s is outside 1 to 4,294,967,295"),
        (Band(ceiling=1, burst=10**9, burst_seconds=10**6 + 1), ErrorCode.INVALID, "outside 1 to 1,000,000"),
    ],
)
def test_figures_that_qemu_cannot_keep_are_refused(band: Band, code: ErrorCode, words: str) -> None:
    """R02: a ceiling of 0 above all, which QEMU would take for no limit."""
    with pytest.raises(DriverError) as caught:
        throttle_fields(Qos(iops=Bands(total=band)))
    assert caught.value.code is code
    assert words in str(caught.value)
    assert "Maybe " in str(caught.value)


def test_total_beside_read_is_refused() -> None:
    with pytest.raises(DriverError, match="bandwidth: QEMU limits the total, or reads and writes") as caught:
        throttle_fields(Qos(bandwidth=Bands(total=Band(ceiling=2), read=Band(ceiling=1))))
    assert caught.value.code is ErrorCode.UNSUPPORTED


@pytest.mark.parametrize("size", [0, -1, 10**15 + 1])
def test_an_io_size_that_counts_nothing_is_refused(size: int) -> None:
    with pytest.raises(DriverError, match="I/O size"):
        throttle_fields(Qos(io_size_bytes=size))


@pytest.mark.parametrize("fields", [None, {}, UNLIMITED | {"iops-size": True}, UNLIMITED | {"bps-read": -1}])
def test_nonsense_from_qemu_is_refused(fields: object) -> None:
    with pytest.raises(DriverError, match="QEMU shows") as caught:
        observed_limits(fields)
    assert caught.value.code is ErrorCode.UNAVAILABLE


def test_what_is_accepted_here_qemu_accepts_and_shows_again() -> None:
    """300 random limits, corners included, set one over the other on a real throttle group."""
    random = Random(7)

    def band(asked: bool) -> Band:
        if not asked:
            return Band()
        ceiling = random.choice((1, 2, 500, 10**6, 10**15))
        if random.random() < 0.5:
            return Band(ceiling=ceiling)
        burst = random.choice((ceiling, min(2 * ceiling, 10**15), 10**15))
        longest = min(10**15 // burst, 2**32 - 1)
        return Band(ceiling=ceiling, burst=burst, burst_seconds=random.choice((1, (1 + longest) // 2, longest)))

    def bands() -> Bands:
        form = random.choice(("total", "split", "none"))
        split = form == "split"
        return Bands(
            band(form == "total"),
            band(split and random.random() < 0.7),
            band(split and random.random() < 0.7),
        )

    async def scenario(client: Qmp) -> None:
        group = {"qom-type": "throttle-group", "id": "group"}
        await client.act("object-add", group, ErrorCode.INVALID, "Maybe not.")
        for _ in range(300):
            size = random.choice((1, 512, 4096, 10**15))
            iops, bandwidth = bands(), bands()
            qos = Qos(iops, bandwidth, size if iops != Bands() else 4096)
            limits = {"path": "/objects/group", "property": "limits", "value": throttle_fields(qos)}
            await client.act("qom-set", limits, ErrorCode.INVALID, "Maybe not.")
            assert observed_limits(await client.ask("qom-get", path="/objects/group", property="limits")) == qos

    async def whole() -> None:
        client = Qmp(daemon.qmp)
        try:
            await scenario(client)
        finally:
            await client.close()

    with storage_daemon() as daemon:
        asyncio.run(whole())

"""Law: a volume written as a document and read back is the same volume, whatever became of its offering."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocator.documents import DocumentError, World, build, volume_document
from allocator.documents.writing import percent
from allocator.domain.placement import Volume
from allocator.domain.policy import Policy
from allocator.domain.qos import Alternative, Band, Bands, Kind, Qos, QosWish, alternatives
from allocator.domain.request import Apart, Near, Request

NAMES = st.sampled_from(["a", "b.1", "c-2", "d_3"])
TAGS = st.frozensets(st.sampled_from(["ssd", "High Perf", "größe", "x:y"]))
SIZES = st.integers(1, 2**50)
FIGURES = st.integers(1, 2**40)
SECONDS = st.none() | st.integers(1, 3600)
DEMANDS = st.dictionaries(NAMES, st.integers(0, 2**40)).map(lambda demands: tuple(sorted(demands.items())))
SCALARS = st.text(st.characters(categories=["L", "N"]), max_size=5) | st.integers(-5, 5) | st.booleans()


@st.composite
def bands(draw: st.DrawFn, *, floors: bool, seconds: int | None) -> Bands:
    def band() -> Band:
        low, middle, high = sorted(draw(st.tuples(FIGURES, FIGURES, FIGURES)))
        burst = high if draw(st.booleans()) else None
        floor = low if floors and draw(st.booleans()) else None
        return Band(floor, middle, burst, seconds if burst else None)

    return Bands(band()) if draw(st.booleans()) else Bands(read=band(), write=band())


@st.composite
def wishes(draw: st.DrawFn) -> QosWish:
    kind = draw(st.sampled_from([Kind.PROVISIONED, Kind.LIMIT, Kind.THROTTLED]))
    seconds = draw(SECONDS)
    forms = [draw(bands(floors=kind is Kind.PROVISIONED, seconds=seconds)) for _ in range(2)]
    iops, bandwidth = draw(st.sampled_from([(forms[0], forms[1]), (forms[0], Bands()), (Bands(), forms[1])]))
    return QosWish(kind, Qos(iops, bandwidth, draw(st.sampled_from([4096, 8192]))))


@st.composite
def volumes(draw: st.DrawFn) -> Volume:
    ways = alternatives(tuple(draw(st.lists(wishes(), max_size=3))), size_bytes=1)
    group = draw(st.none() | NAMES)
    demands, carries = draw(DEMANDS), draw(st.booleans())
    request = Request(
        name="v",
        size_bytes=draw(SIZES),
        alternatives=ways,
        offering=draw(st.sampled_from([None, "gold", "gone"])),
        vm=draw(st.none() | NAMES),
        tenant=draw(st.sampled_from([None, "acme"])),
        priority=draw(st.integers(0, 1000)),
        tags=draw(TAGS),
        forbid_tags=draw(TAGS),
        preferred_tags=draw(TAGS),
        host_tags=draw(TAGS),
        provisioning=draw(st.sampled_from([None, "thin", "thick"])),
        encrypted=draw(st.booleans()),
        dedicated=draw(st.booleans()),
        snapshot_reserve=Fraction(draw(st.integers(0, 100_000)), 100_000),
        details=draw(st.sampled_from([(), (("solidfire", (("enable512e", True),)), ("x", (("k", draw(SCALARS)),)))])),
        resources=draw(DEMANDS),
        host_resources=demands if carries else (),
        vm_resources=() if carries else demands,
        pool=draw(st.none() | NAMES),
        host=draw(st.none() | NAMES),
        cluster=draw(st.none() | NAMES),
        zone=draw(st.none() | NAMES),
        group=group,
        apart=Apart("rack", *draw(st.sampled_from([(1, None), (2, None), (None, 3), (1, 3)]))) if group else None,
        near=draw(st.sampled_from([None, Near("other", "zone")])),
    )
    drifted = Alternative(draw(st.integers(0, 5)), Kind.PROVISIONED, Qos(Bands(Band(7, 77, 777, 7))))
    asked = draw(st.sampled_from([*ways, drifted, Alternative(0, Kind.NONE)]))
    hosts = tuple(draw(st.lists(st.sampled_from(["h1", "h2"]), unique=True)))
    return Volume.on(world().inventory.pools["p"], request, asked, hosts, foreign=draw(st.booleans()))


def world(*documents: dict[str, Any]) -> World:
    """A fleet whose offering `gold` has come to mean something else than any volume asked for."""
    return build(
        {
            "version": 1,
            "drivers": {"d": {"driver": "solidfire"}},
            "pools": [{"name": "p", "driver": "d", "zone": "z", "default_qos": {"min_iops": 50, "max_iops": 900}}],
            "hosts": [{"name": "h1", "zone": "z"}, {"name": "h2", "zone": "z"}],
            "tenants": [{"name": "acme"}],
            "offerings": [
                {
                    "name": "gold",
                    "tags": ["changed"],
                    "provisioning": "thick",
                    "encrypted": True,
                    "snapshot_reserve": "99%",
                    "details": {"solidfire": {"enable512e": False}},
                    "qos": {"limit": {"total_iops": 1}},
                }
            ],
            "volumes": list(documents),
        },
        Policy(),
    )


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(volumes())
def test_what_is_written_reads_back_equal_after_its_offering_has_changed(volume: Volume) -> None:
    """R05: what was asked for is kept with the volume."""
    document = json.loads(json.dumps(volume_document(volume)))
    back = world(document).inventory.volumes["v"]
    assert back.request == volume.request
    assert (back.asked, back.alternative) == (volume.asked, volume.alternative)
    assert (back.pool, back.hosts, back.foreign) == (volume.pool, volume.hosts, volume.foreign)
    assert volume_document(back) == document


def test_a_volume_on_the_move_says_where_it_goes() -> None:
    """By the alternative that it has, or by another; a pool or an alternative that is not there is named."""
    pool = world().inventory.pools["p"]
    wishes = [QosWish(Kind.PROVISIONED, Qos(Bands(Band(ceiling=ceiling)))) for ceiling in (5, 7)]
    request = Request("v", 10**9, alternatives(tuple(wishes), 10**9))
    first, second = request.alternatives
    for there in (first, second):
        now = Volume.on(pool, request, first, ("h1",))
        moving = replace(now, moving_to=Volume.on(pool, request, there, ("h1",)))
        (read,) = world().hold([json.loads(json.dumps(volume_document(moving)))], world().inventory)
        assert read.moving_to is not None
        assert (read.asked, read.moving_to.asked, read.moving_to.hosts) == (first, there, ("h1",))
        for wrong, said in (
            ({"pool": "q"}, "no pool named 'q'"),
            ({"pool": "p", "alternative": 2}, "no alternative 2"),
        ):
            with pytest.raises(DocumentError, match=said):
                world().hold([{**volume_document(moving), "moving_to": wrong}], world().inventory)


def test_a_limit_and_its_throttled_twin_are_written_as_one_wish() -> None:
    limit = Qos(Bands(read=Band(None, 2000, 3000, 10), write=Band(None, 1000)), io_size_bytes=8192)
    ways = alternatives((QosWish(Kind.LIMIT, limit),), 1)
    pool = world().inventory.pools["p"]
    document = volume_document(Volume.on(pool, Request("v", 1, ways), ways[1]))
    written = {
        "read_iops": 2000,
        "burst_read_iops": 3000,
        "write_iops": 1000,
        "burst_seconds": 10,
        "io_size": 8192,
    }
    assert document["qos"] == [{"limit": written}]
    assert document["alternative"] == 1
    assert "has" not in document


def test_shares_are_written_exactly() -> None:
    assert [percent(Fraction(share)) for share in ("1/10", "0", "1", "1/8", "1/3200")] == [
        "10%",
        "0%",
        "100%",
        "12.5%",
        "0.03125%",
    ]
    with pytest.raises(ValueError, match=r"1/3 has no end in decimals\. Maybe"):
        percent(Fraction(1, 3))


@pytest.mark.parametrize(
    "ways",
    [
        (Alternative(0, Kind.LIMIT, Qos(Bands(Band(None, 5)))),),
        (Alternative(3, Kind.THROTTLED, Qos(Bands(Band(None, 5)))),),
        (Alternative(0, Kind.THROTTLED, Qos(Bands(Band(5, 5)))),),
        (Alternative(0, Kind.THROTTLED, Qos(Bands(Band(None, 5), Band(None, 5)))),),
        (Alternative(0, Kind.THROTTLED, Qos(Bands(read=Band(None, 5, 6, 1), write=Band(None, 5, 6, 2)))),),
    ],
)
def test_what_no_document_can_state_is_never_written(ways: tuple[Alternative, ...]) -> None:
    volume = Volume.on(world().inventory.pools["p"], Request("v", 1, ways), ways[0])
    with pytest.raises(ValueError, match="Maybe"):
        volume_document(volume)

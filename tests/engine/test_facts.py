"""What the engine counts: volumes it did not make, what devices showed, and what is listed back."""

from __future__ import annotations

from pathlib import Path

from allocator.domain.qos import Band, Bands, Qos
from tests.engine.fleets import ARRAY, gold, opened

FIGURES = {"provisioned": {"min_iops": 9000, "max_iops": 10000}}


def test_R07_volumes_found_on_the_device_are_counted(tmp_path: Path) -> None:
    """15,000 less their 9,000 leave 6,000: one volume of 5,000, not two."""
    with opened(tmp_path, ARRAY, ledger=True) as allocator:
        assert allocator.ledger is not None
        theirs = {"name": "theirs", "pool": "sf-1", "size": "1TiB", "foreign": True, "qos": FIGURES}
        allocator.ledger.foreign("sf-1", [theirs])
        assert allocator.place(gold(1)).refused == ()
        (refusal,) = allocator.place(gold(2)).refused
        assert [count.text for count in refusal.histogram if count.pools] == [
            "have < 5,000 guaranteed IOPS left, most on sf-1: 1,000"
        ]
        allocator.ledger.foreign("sf-1", [])
        assert allocator.place(gold(2)).refused == ()


def test_R07_a_volume_of_which_only_the_size_is_known_has_the_observed_default(tmp_path: Path) -> None:
    """The array shows that it gives 6,000 where nothing is asked: 15,000 less 6,000 leave 9,000."""
    with opened(tmp_path, ARRAY, ledger=True) as allocator:
        assert allocator.ledger is not None
        allocator.ledger.observed("sf-1", None, Qos(iops=Bands(Band(floor=6000, ceiling=15_000))))
        allocator.ledger.foreign("sf-1", [{"name": "theirs", "pool": "sf-1", "size": "1TiB", "foreign": True}])
        assert allocator.inventory.volumes["theirs"].alternative.qos.iops.floor() == 6000
        outcome = allocator.place(gold(1, count=2))
        assert (len(outcome.placed), len(outcome.refused)) == (1, 1)
        assert allocator.audit() == []


def test_a_pool_that_was_seen_full_takes_nothing_new(tmp_path: Path) -> None:
    """85 of 100 TiB are in use."""
    full_at = "version: 1\npools: [{name: sf-1, full_at: 85%}]"
    with opened(tmp_path, ARRAY, full_at, ledger=True) as allocator:
        assert allocator.ledger is not None
        allocator.ledger.observed("sf-1", 85 * 1024**4, Qos())
        (refusal,) = allocator.place(gold(1)).refused
        assert refusal.because == ("capacity",)
        allocator.ledger.observed("sf-1", 85 * 1024**4 - 1, Qos())
        assert allocator.place(gold(1)).refused == ()


def test_R15_details_come_back_with_pool_offering_and_volume(tmp_path: Path) -> None:
    with opened(tmp_path, ARRAY, ledger=True) as allocator:
        allocator.place(gold(1))
    with opened(tmp_path, ARRAY, ledger=True) as allocator:
        inventory = allocator.inventory
        assert inventory.pools["sf-1"].details == {"rack_unit": 12}
        assert dict(inventory.offerings["gold"].details) == {"solidfire": (("enable512e", True),)}
        assert inventory.volumes["gold-1"].request.details_for("solidfire") == {"enable512e": True}
        assert inventory.volumes["gold-1"].request.details_for("tgt") == {}

"""Inventory and fleet: sums that are kept as volumes come and go."""

from __future__ import annotations

import numpy as np
import pytest

from allocator.domain.inventory import Inventory
from allocator.domain.placement import ALL, Charge
from allocator.fleet import Fleet
from allocator.testing.made import host, pool, request, volume

BYTES = Charge("bytes", "pool", lambda asked, alternative, place: asked.size_bytes)
BY_RACK = Charge("bytes", "rack", lambda asked, alternative, place: asked.size_bytes)
EVERYWHERE = Charge("bytes", ALL, lambda asked, alternative, place: asked.size_bytes)
ON_HOSTS = Charge("volumes", "host", lambda asked, alternative, place: 1)
PRICED = Charge("price", "pool", lambda asked, alternative, place: place.price, sees=lambda place: place.price)
CHARGES = (BYTES, BY_RACK, EVERYWHERE, ON_HOSTS, PRICED)

P, Q = pool("p", domains={"rack": "x"}, price=2), pool("q", domains={"rack": "x"}, price=3)
R, H, I = pool("r"), host("h"), host("i")  # noqa: E741
OLD = volume(P, request("old", 5, vm="m"), H, I)


def sums(fleet: Fleet) -> list[list[int]]:
    return [fleet.sums(charge).tolist() for charge in CHARGES]


def test_sums_by_pool_domain_host_and_all() -> None:
    """R07: what lies there counts, on each of its hosts, in its rack, at the price of its pool."""
    fleet = Fleet(Inventory([P, Q, R], [H, I], [OLD]))
    assert sums(fleet) == [[5, 0, 0], [5, 5, 0], [5, 5, 5], [1, 1], [2, 0, 0]]


def test_what_comes_and_goes_is_counted_at_once() -> None:
    """Tried, taken back, settled, moved, gone."""
    fleet = Fleet(Inventory([P, Q, R], [H, I], [OLD]))
    before = sums(fleet)
    tried = volume(Q, request("new", 3))
    fleet.add(tried)
    assert sums(fleet) == [[5, 3, 0], [8, 8, 0], [8, 8, 8], [1, 1], [2, 3, 0]]
    fleet.remove(tried)
    assert sums(fleet) == before
    fleet.settle([tried])
    fleet.settle([volume(R, OLD.request, H)])
    assert sums(fleet) == [[0, 3, 5], [3, 3, 0], [8, 8, 8], [1, 0], [0, 3, 0]]
    fleet.settle(departures=["new", "old"])
    assert sums(fleet) == [[0] * 3, [0] * 3, [0] * 3, [0, 0], [0] * 3]
    assert list(fleet.inventory.all_volumes()) == []


def test_a_charge_that_is_asked_for_late_counts_what_is_tried() -> None:
    """Sums begin when first asked for, with whatever is there by then."""
    fleet = Fleet(Inventory([P, Q], [H], []))
    fleet.add(volume(P, request("new", 3)))
    assert fleet.sums(BYTES).tolist() == [3, 0]


def test_a_view_changes_nothing_beneath_it() -> None:
    """A move leaves one place and reaches another; the view of a view knows both."""
    inventory = Inventory([P, Q, R], [H, I], [OLD])
    moved = inventory.plus([volume(Q, OLD.request, H)])
    more = moved.plus([volume(Q, request("new", 3))])
    assert [view.total(BYTES, "p") for view in (inventory, moved, more)] == [5, 0, 0]
    assert [view.total(BYTES, "q") for view in (inventory, moved, more)] == [0, 5, 8]
    assert [view.total(BY_RACK, "z/x") for view in (inventory, moved, more)] == [5, 5, 8]
    assert [view.total(ON_HOSTS, "i") for view in (inventory, moved, more)] == [1, 0, 0]
    assert dict(more.totals(BYTES)) == {"p": 0, "q": 8}
    assert [one.name for one in more.all_volumes()] == ["old", "new"]
    assert [one.pool for one in more.volumes_of_vm("m")] == ["q"]
    assert more.plus(departures=["old"]).find("old") is None
    with pytest.raises(TypeError, match="cannot be changed"):
        moved.settle()


def test_a_volume_is_new_where_it_was_not_before() -> None:
    """A move is new to its pool and not to the host it keeps."""
    inventory = Inventory([P, Q], [H, I], [OLD])
    moved, new = volume(Q, OLD.request, H), volume(P, request("new"))
    view = inventory.plus([moved, new])
    assert (view.is_new(moved, "pool", "q"), view.is_new(moved, "host", "h")) == (True, False)
    assert view.is_new(moved, "rack", "z/x") is False
    assert view.is_new(new, "pool", "p") is True
    assert inventory.is_new(OLD, "pool", "p") is False


def test_what_is_remembered_is_bounded_by_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """3 rows an answer and at most 7 numbers: the fourth answer makes the fleet forget, and all stay right."""
    monkeypatch.setattr("allocator.fleet.MOST_CELLS", 7)
    fleet = Fleet(Inventory([pool("p", price=1), pool("q", price=2), pool("r", price=3)]))
    priced = Charge("price", "pool", lambda asked, _, place: asked.size_bytes * place.price, lambda place: place.price)
    kept = []
    for size_bytes in (1, 2, 3, 4, 5):
        (ask,) = fleet.asks(request("r", size_bytes))
        assert np.array_equal(fleet.amounts(priced, [ask]), [size_bytes, 2 * size_bytes, 3 * size_bytes])
        kept.append(len(fleet._remembered))
    assert kept == [1, 2, 3, 1, 2]


def test_sums_of_a_group_are_forgotten_with_its_last_member(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kept while somebody is in the group, in the inventory; as arrays of the last two groups; right all the time."""
    monkeypatch.setattr("allocator.arrays.tallies.MOST_MARKS", 3)
    fleet = Fleet(Inventory([P, Q], [H], []))
    charges = [
        Charge("members", "rack", lambda asked, alternative, place: 1, mark=("group", f"g{n}")) for n in range(4)
    ]
    for number, charge in enumerate(charges):
        fleet.settle([volume(P, request(f"v{number}", group=f"g{number}"))])
        assert fleet.sums(charge).tolist() == [1, 1]
        assert fleet.inventory.total(charge, "z/x") == 1
    assert [fleet.sums(charge).tolist() for charge in charges] == [[1, 1]] * 4
    assert len(fleet._tallies._by_mark) <= 3
    fleet.settle(departures=[f"v{number}" for number in range(4)])
    assert [fleet.inventory.total(charge, "z/x") for charge in charges] == [0] * 4
    assert list(fleet.inventory._totals) == [None]
    assert fleet.sums(charges[0]).tolist() == [0, 0]

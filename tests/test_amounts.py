"""What volumes add to sums: worked out once for those that are alike, and for no others."""

from __future__ import annotations

import pytest

from allocator.domain.amounts import Amounts
from allocator.domain.placement import Charge
from allocator.domain.places import Pool
from allocator.domain.qos import Alternative
from allocator.domain.request import Request
from allocator.testing.made import host, pool, request, volume

P, Q, H = pool("p", price=2), pool("q", price=3), host("h")


def test_equal_wishes_add_the_same_where_places_look_alike() -> None:
    """R07: 5 bytes at 2 cost 10, at 3 they cost 15, 6 bytes at 2 cost 12; asked three times and worked out once."""
    asked: list[Pool] = []

    def cost(request: Request, alternative: Alternative, place: Pool) -> int:
        asked.append(place)
        return request.size_bytes * place.price

    amounts: Amounts[str, tuple[str, int]] = Amounts(tuple)
    amounts.include(Charge("cost", "pool", cost, sees=lambda place: place.price), "cost")
    five, again, six = (volume(P, request(name, size)) for name, size in (("a", 5), ("b", 5), ("c", 6)))
    found = [list(amounts.of(one, at)) for one, at in ((five, P), (again, P), (five, pool("r", price=2)))]
    assert (found, len(asked)) == ([[("cost", 10)]] * 3, 1)
    assert [list(amounts.of(one, at)) for one, at in ((five, Q), (six, P))] == [[("cost", 15)], [("cost", 12)]]


def test_what_a_vm_demands_of_its_host_tells_volumes_apart_there() -> None:
    """R08: with equal wishes one brings 4 CPUs and one none; what is nothing is not told."""
    amounts: Amounts[str, tuple[str, int]] = Amounts(tuple)
    cpus = Charge("cpus", "host", lambda asked, alternative, place: asked.host_resource("vcpu"))
    amounts.include(cpus, "cpus")
    first = volume(P, request("a", vm="m", host_resources=(("vcpu", 4),)), H)
    assert list(amounts.of(first, H)) == [("cpus", 4)]
    assert list(amounts.of(volume(P, request("b", vm="m"), H), H)) == []
    assert list(amounts.of(first, P)) == []


def test_a_charge_for_some_requests_and_one_that_comes_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whom it counts is asked of each; what was kept before a charge came, or grew too much, is forgotten."""
    monkeypatch.setattr("allocator.domain.amounts.MOST_KNOWN", 1)
    amounts: Amounts[str, tuple[str, int]] = Amounts(tuple)
    grouped = Charge("of g", "pool", lambda asked, alternative, place: 1, members=lambda asked: asked.group == "g")
    amounts.include(grouped, "of g")
    one, member = volume(P, request("a", 5)), volume(P, request("b", 5, group="g"))
    assert [list(amounts.of(volume, P)) for volume in (one, member)] == [[], [("of g", 1)]]
    amounts.include(Charge("bytes", "pool", lambda asked, alternative, place: asked.size_bytes), "bytes")
    for size_bytes in (5, 6, 5):
        assert list(amounts.of(volume(P, request("c", size_bytes)), P)) == [("bytes", size_bytes)]

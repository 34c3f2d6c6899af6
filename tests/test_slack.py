"""Room under sums: read at once, one by one or through a cut, it is the same room."""

from __future__ import annotations

import numpy as np

from allocator.domain.inventory import Inventory
from allocator.domain.placement import Charge
from allocator.fleet import Fleet
from allocator.slack import OFTEN, Cut, Gate, Sieve, Slack, Slacks, Taking
from allocator.testing.made import host, pool, request, volume

SIZES = Charge("sizes", "pool", lambda asked, alternative, place: asked.size_bytes)
VOLUMES = Charge("volumes", "pool", lambda asked, alternative, place: 1)
ROWS = np.arange(4)


def four_pools() -> Fleet:
    """Of 5, 3, 1 and 0 bytes, in 1, 1, 1 and 0 volumes."""
    pools = [pool(name) for name in "abcd"]
    lying = [volume(at, request(f"on-{at.name}", size)) for at, size in zip(pools, (5, 3, 1), strict=False)]
    return Fleet(Inventory(pools, [host("h")], lying))


def test_a_sieve_finds_the_first_place_where_every_sum_leaves_room() -> None:
    """R06: at most 3 bytes lie on b, c and d; at most no volume on d alone; at most -1 nowhere."""
    fleet = four_pools()
    bytes_left, none_there = Slack(SIZES, ROWS, 3), Slack(VOLUMES, ROWS, 0)
    assert Sieve([bytes_left], fleet).first(ROWS) == 1
    assert Sieve([bytes_left], fleet).first(ROWS[2:]) == 0
    assert Sieve([bytes_left, none_there], fleet).first(ROWS) == 3
    assert Sieve([Slack(SIZES, ROWS, -1)], fleet).first(ROWS) == -1


def test_a_sieve_leaves_gates_to_be_asked() -> None:
    """Where the room matters only beside 2 volumes, nothing is passed over."""
    gate = Gate(VOLUMES, ROWS, 2, 9)
    assert Sieve([Slack(SIZES, ROWS, 0, gate)], four_pools()).first(ROWS) == 0


def test_a_cut_is_the_same_before_and_after_it_is_cut_out() -> None:
    """R06: 4 bytes may lie on a and c, 2 on b and d: that holds on c and d; of d, b and a it holds on d alone."""
    fleet = four_pools()
    whole = Slacks([Slack(SIZES, ROWS, np.array([4, 2, 4, 2]))])
    assert [whole.holds_at(fleet, place) for place in range(4)] == [False, False, True, True]
    cut = Cut(whole, Taking(np.array([3, 1, 0])))
    for _ in range(OFTEN):
        assert [cut.holds_at(fleet, place) for place in range(3)] == [True, False, False]
    assert cut.hold(fleet, 3).tolist() == [True, False, False]

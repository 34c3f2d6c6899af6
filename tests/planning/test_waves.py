"""Moves in order, on paper: who waits for whom, who is staged, and what is said where there is no order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from allocator.domain.inventory import Inventory
from allocator.domain.places import Pool, Quota, Tenant
from allocator.domain.request import Apart, Near, Request
from allocator.planning.waves import AtOnce, waves
from allocator.testing.made import amount, pool, provisioned, request, sized, volume
from tests.planning.moving import ALONE, RULES, move, ordered, told


def fleet(*pools: Pool, tenants: Iterable[Tenant] = (), **volumes: tuple[str, Request]) -> Inventory:
    """Volumes by name: where each lies, and what it was asked for as."""
    by_name = {each.name: each for each in pools}
    placed = [volume(by_name[at], replace(asked, name=name)) for name, (at, asked) in volumes.items()]
    return Inventory(pools, (), placed, tenants=tenants)


def bytes_of(number: int, **facts: object) -> Request:
    return request("r", number, **facts)


def pools(**total_bytes: int) -> list[Pool]:
    return [pool(name, capacity=sized(total)) for name, total in total_bytes.items()]


def test_a_volume_waits_for_the_room_that_another_leaves() -> None:
    """Both pools are charged while a move lasts: b has 6 bytes on p2 only once a has left it."""
    inventory = fleet(*pools(p1=10, p2=10, p3=10), a=("p2", bytes_of(8)), b=("p1", bytes_of(6)))
    found = ordered(inventory, [move(inventory, "b", "p2"), move(inventory, "a", "p3")])
    assert told(found) == ["a>p3", "b>p2"]
    assert (found.staged, found.blocked) == ((), ())


def test_what_finds_room_at_once_goes_at_once() -> None:
    inventory = fleet(*pools(p1=10, p2=14, p3=10), a=("p2", bytes_of(8)), b=("p1", bytes_of(6)))
    assert told(ordered(inventory, [move(inventory, "b", "p2"), move(inventory, "a", "p3")])) == ["b>p2 a>p3"]


def test_of_a_circle_the_smallest_that_lets_another_go_is_staged() -> None:
    """a (6) and b (5) trade places. p1 lacks 1 byte for b until a leaves, p2 lacks 2 for a: either would do."""
    inventory = fleet(*pools(p1=10, p2=9, p3=9), a=("p1", bytes_of(6)), b=("p2", bytes_of(5)))
    found = ordered(inventory, [move(inventory, "a", "p2"), move(inventory, "b", "p1")])
    assert told(found) == ["b>p3", "a>p2", "b>p1"]
    assert (found.staged, found.blocked) == (("b",), ())


def test_a_third_pool_obeys_every_rule_for_the_staged_volume() -> None:
    """R05: p3 has the room but not the tag, so b waits on p4, which has both."""
    ssd = bytes_of(5, tags=frozenset({"ssd"}))
    tagged = [replace(each, tags=frozenset({"ssd"})) for each in pools(p1=10, p2=9, p4=5)]
    inventory = fleet(*pools(p3=100), *tagged, a=("p1", replace(ssd, size_bytes=6)), b=("p2", ssd))
    found = ordered(inventory, [move(inventory, "a", "p2"), move(inventory, "b", "p1")])
    assert told(found) == ["b>p4", "a>p2", "b>p1"]


def test_where_there_is_no_order_it_says_who_blocks_whom_and_what_would_help() -> None:
    inventory = fleet(*pools(p1=10, p2=9), a=("p1", bytes_of(6)), b=("p2", bytes_of(5)))
    found = ordered(inventory, [move(inventory, "a", "p2"), move(inventory, "b", "p1")])
    assert told(found) == []
    assert [(each.move.volume, each.behind, each.lacking) for each in found.blocked] == [
        ("a", ("b",), 2),
        ("b", ("a",), 1),
    ]
    assert found.blocked[0].text == (
        "Volume a cannot go from p1 to p2: pool p2 has 11 B of space, at most 9 B; it waits for b, which cannot go "
        "either. Maybe 2 B more of space at p2, or a third pool for one of them."
    )


def test_what_nobody_leaves_is_told_as_well() -> None:
    inventory = fleet(*pools(p1=10, p2=9), a=("p1", bytes_of(6)), b=("p2", bytes_of(5)))
    found = ordered(inventory, [move(inventory, "a", "p2")])
    assert [each.behind for each in found.blocked] == [()]
    assert found.blocked[0].text.endswith("and no move frees that. Maybe 2 B more of space at p2.")


def test_floors_are_charged_on_both_pools() -> None:
    """p2 sells 100 IOPS: b's 60 fit beside a's 60 only after a has gone."""
    promised = request("r", 1, provisioned(60))
    made = [replace(each, iops=amount(100)) for each in pools(p1=9, p2=9, p3=9)]
    inventory = fleet(*made, a=("p2", promised), b=("p1", promised))
    assert told(ordered(inventory, [move(inventory, "b", "p2"), move(inventory, "a", "p3")])) == ["a>p3", "b>p2"]


def test_counts_are_charged_on_both_pools() -> None:
    made = [replace(each, max_volumes=1) for each in pools(p1=9, p2=9, p3=9)]
    inventory = fleet(*made, a=("p2", bytes_of(1)), b=("p1", bytes_of(1)))
    assert told(ordered(inventory, [move(inventory, "b", "p2"), move(inventory, "a", "p3")])) == ["a>p3", "b>p2"]


def test_what_is_promised_comes_once_the_unbounded_has_left() -> None:
    """R12: exclusivity holds on both pools: b is promised 60 IOPS, nobody limits a."""
    promised = request("r", 1, provisioned(60, 70))
    made = [replace(each, iops=amount(100)) for each in pools(p1=9, p2=9, p3=9)]
    inventory = fleet(*made, a=("p2", bytes_of(1)), b=("p1", promised))
    assert told(ordered(inventory, [move(inventory, "b", "p2"), move(inventory, "a", "p3")])) == ["a>p3", "b>p2"]


def test_a_quota_is_charged_once() -> None:
    """The tenant's 10 bytes are all in use, and stay 10 while its volume moves."""
    mine = bytes_of(10, tenant="acme")
    tenants = (Tenant("acme", (Quota(capacity_bytes=10),)),)
    inventory = fleet(*pools(p1=10, p2=10), tenants=tenants, a=("p1", mine))
    assert told(ordered(inventory, [move(inventory, "a", "p2")])) == ["a>p2"]


def test_a_quota_of_a_tag_counts_the_more_of_both_pools() -> None:
    """Of ssd 10 bytes are allowed: a leaves it before b comes, since either may be done first."""
    ssd = [pool(name, tags=frozenset({"ssd"}), capacity=sized(20)) for name in ("s1", "s2")]
    mine = bytes_of(10, tenant="acme")
    tenants = (Tenant("acme", (Quota(tag="ssd", capacity_bytes=10),)),)
    inventory = fleet(*ssd, *pools(p1=20, p2=20), tenants=tenants, a=("s1", mine), b=("p1", mine))
    assert told(ordered(inventory, [move(inventory, "b", "s2"), move(inventory, "a", "p2")])) == ["a>p2", "b>s2"]


def test_replicas_stay_apart_on_the_way() -> None:
    """Two replicas trade racks: one of them must wait on a third."""
    replica = bytes_of(1, group="g", apart=Apart("rack", 1))
    for number, order in ((3, ["a>p3", "b>p1", "a>p2"]), (2, [])):
        racks = [replace(each, domains={"rack": each.name}) for each in pools(p1=9, p2=9, p3=9)[:number]]
        inventory = fleet(*racks, a=("p1", replica), b=("p2", replica))
        found = ordered(inventory, [move(inventory, "a", "p2"), move(inventory, "b", "p1")])
        assert told(found) == order
        assert [each.behind for each in found.blocked] == ([] if order else [("b",), ("a",)])


def test_who_is_wanted_near_goes_first_and_alone() -> None:
    """log wants to be near db's group: it may come to rack p2 once db is there too, and not while db may yet fail."""
    racks = [replace(each, domains={"rack": each.name}) for each in pools(p1=9, p2=9)]
    log = bytes_of(1, near=Near("db", "rack"))
    inventory = fleet(*racks, d1=("p1", bytes_of(1, group="db")), d2=("p1", bytes_of(1, group="db")), log=("p1", log))
    found = ordered(inventory, [move(inventory, "log", "p2"), move(inventory, "d1", "p2")])
    assert told(found) == ["d1>p2", "log>p2"]


def test_what_is_broken_may_get_better_and_not_worse() -> None:
    """12 of 10 bytes lie on p1: a leaves, and c does not come before that although it is smaller."""
    inventory = fleet(*pools(p1=10, p2=10), a=("p1", bytes_of(8)), b=("p1", bytes_of(4)), c=("p2", bytes_of(2)))
    assert told(ordered(inventory, [move(inventory, "c", "p1"), move(inventory, "a", "p2")])) == ["a>p2", "c>p1"]


def test_a_wave_keeps_to_what_may_be_under_way_at_once() -> None:
    """Six moves of 1 byte from p1 and p2: by number, by source, by target, by bytes; 2 bytes a second."""
    made = pools(p1=9, p2=9, p3=9, p4=9)
    inventory = Inventory(made, (), [volume(made[number // 3], request(f"v{number}")) for number in range(6)])
    moves = [move(inventory, f"v{number}", "p3" if number % 2 else "p4") for number in range(6)]

    def sizes(**limits: int) -> list[int]:
        unbounded = {"moves": 99, "per_source": 99, "per_target": 99}
        return [len(wave.moves) for wave in ordered(inventory, moves, AtOnce(**{**unbounded, **limits})).waves]

    assert sizes() == [6]
    assert sizes(moves=4) == [4, 2]
    assert sizes(per_source=1) == [2, 2, 2]
    assert sizes(per_target=2) == [4, 2]
    assert sizes(size_bytes=5) == [5, 1]
    found = ordered(inventory, moves, AtOnce(99, 99, 99, size_bytes=5, bytes_per_second=2))
    assert [wave.seconds for wave in found.waves] == [3, 1]
    assert found.seconds == 4


def test_a_volume_larger_than_all_that_may_be_under_way_goes_alone() -> None:
    inventory = fleet(*pools(p1=9, p2=9), a=("p1", bytes_of(5)), b=("p1", bytes_of(1)))
    moves = [move(inventory, "a", "p2"), move(inventory, "b", "p2")]
    assert told(ordered(inventory, moves, AtOnce(size_bytes=2))) == ["a>p2", "b>p2"]


def test_moves_go_in_the_order_given_where_they_can() -> None:
    inventory = fleet(*pools(p1=9, p2=9), a=("p1", bytes_of(1)), b=("p1", bytes_of(1)), c=("p1", bytes_of(1)))
    moves = [move(inventory, name, "p2") for name in "cab"]
    assert told(ordered(inventory, moves, ALONE)) == ["c>p2", "a>p2", "b>p2"]


def test_a_pool_that_is_down_is_never_read() -> None:
    """Nothing can be copied from it, whatever else holds."""
    down = replace(pool("p1"), state="down")
    inventory = fleet(down, pool("p2"), a=("p1", bytes_of(1)))
    found = waves([move(inventory, "a", "p2")], inventory, RULES)
    assert found.waves == ()
    assert found.blocked[0].text == "Pool p1 is down: a cannot be read there. Maybe bring it up first."


def test_a_place_that_does_not_suit_is_told_by_its_rule() -> None:
    """R05: a pool without the tag stays closed, whatever room it has."""
    ssd = pool("s", tags=frozenset({"ssd"}))
    inventory = fleet(ssd, pool("p"), a=("s", bytes_of(1, tags=frozenset({"ssd"}))))
    found = waves([move(inventory, "a", "p")], inventory, RULES)
    assert [each.text for each in found.blocked] == ["a: pool p lacks tag ssd"]

"""Limits that somebody else wrote, on paper: what the masks, one place asked again, and the check say of them."""

from __future__ import annotations

from collections.abc import Sequence

from allocator.domain.inventory import Inventory
from allocator.domain.placement import ALL, Charge, Volume, one_each
from allocator.domain.places import Host
from allocator.domain.policy import Policy
from allocator.domain.request import Request
from allocator.fleet import Ask, Fleet
from allocator.limits import Limit, LimitRule
from allocator.testing.made import host, pool, request, volume
from allocator.verify import worsened

BYTES = Charge("bytes", "pool", lambda asked, alternative, place: asked.size_bytes)
LOUD = Charge("loud volumes", "pool", lambda asked, alternative, place: asked.priority)
ON_LOUD = (Limit("few", "bytes", BYTES, 2, where=LOUD),)
WITHOUT_LOUD = (Limit("few", "bytes", BYTES, 2, unless=LOUD),)
BROKEN, EMPTY, FULL, PLAIN = POOLS = [pool(name) for name in ("broken", "empty", "full", "plain")]
LYING = [
    volume(BROKEN, request("b", 3, priority=1)),
    volume(FULL, request("f", 1, priority=1)),
    volume(PLAIN, request("p", 3)),
]


class Own(LimitRule):
    """A rule of limits that are the same for every request."""

    name = "own"

    def __init__(self, limits: tuple[Limit, ...]) -> None:
        super().__init__(Policy())
        self.stated = limits

    def limits(self, request: Request, inventory: Inventory) -> Sequence[Limit]:
        return self.stated


def where(limits: tuple[Limit, ...], asked: Request) -> set[str]:
    """Where it may go, which all three readers must agree on."""
    inventory, rule = Inventory(POOLS, [], LYING), Own(limits)
    fleet, ask = Fleet(inventory), Ask(asked, asked.alternatives[0], asked.alternatives[0])
    (slack,) = rule.slacks("pool", (ask,), fleet)
    checked = [not worsened(inventory, [rule], [Volume.on(place, asked, asked.alternatives[0])]) for place in POOLS]
    assert slack.holds(fleet).tolist() == checked
    assert [slack.holds_at(fleet, row) for row in range(len(POOLS))] == checked
    return {place.name for place, fits in zip(POOLS, checked, strict=True) if fits}


def test_a_limit_where_something_lies() -> None:
    """At most 2 bytes where somebody is loud: 3 lie where nobody is, 1 and 3 where one is.

    A byte minds the limit where it holds; who is loud minds it where it would hold from now on, and not where it holds
    already: what is broken there does not grow.
    """
    assert where(ON_LOUD, request("r", 1)) == {"empty", "plain", "full"}
    assert where(ON_LOUD, request("r", 0, priority=1)) == {"empty", "full", "broken"}
    assert where(ON_LOUD, request("r", 1, priority=1)) == {"empty", "full"}
    assert where(ON_LOUD, request("r", 2, priority=1)) == {"empty"}


def test_a_limit_unless_something_lies() -> None:
    """At most 2 bytes unless somebody is loud: who is, brings what he likes."""
    assert where(WITHOUT_LOUD, request("r", 1)) == {"empty", "full", "broken"}
    assert where(WITHOUT_LOUD, request("r", 3)) == {"full", "broken"}


def test_limits_of_pools_racks_hosts_and_all() -> None:
    """One volume at most in each pool, 2 on each host, 3 in each rack, 4 in all: which of them a fifth breaks where."""
    sums = [Charge("volumes", over, one_each) for over in ("pool", "host", "rack", ALL)]
    rule = Own(tuple(Limit(charge.over, "volumes", charge, most) for most, charge in enumerate(sums, 1)))
    pools = [pool(f"p{number}", domains={"rack": "x" if number < 4 else "y"}) for number in range(6)]
    h = host("h")
    lying = [volume(pools[number], request(f"v{number}"), *([h] if number < 2 else ())) for number in (0, 1, 2, 4)]
    inventory = Inventory(pools, [h], lying)

    def broken(on: int, *at: Host) -> list[str]:
        return [one.subject[0] for one in worsened(inventory, [rule], [volume(pools[on], request("r"), *at)])]

    assert broken(5) == ["all"]
    assert broken(3) == ["rack", "all"]
    assert broken(0, h) == ["pool", "host", "rack", "all"]

"""Resources that the policy calls held, on paper: a volume that moves takes them on both pools (R25)."""

from __future__ import annotations

from allocator.domain.inventory import Inventory
from allocator.domain.policy import Policy
from allocator.rules import rules_of
from allocator.testing.made import amount, pool, request, volume
from allocator.verify import worsened

P, Q = pool("p", resources={"ram": amount(10)}), pool("q", resources={"ram": amount(10)})


def ram(name: str, number: int, on_p: bool = True):  # type: ignore[no-untyped-def]
    return volume(P if on_p else Q, request(name, resources=(("ram", number),)))


def found(policy: Policy) -> list[tuple[tuple[str, ...], int]]:
    """What is broken once a and b have changed places."""
    inventory = Inventory([P, Q], volumes=[ram("a", 6), ram("b", 5, on_p=False), ram("still", 2)])
    swapped = [ram("a", 6, on_p=False), ram("b", 5)]
    return [(v.subject, v.amount) for v in worsened(inventory, rules_of(policy), swapped)]


def test_volumes_that_swap_are_on_both_pools_at_once() -> None:
    """6 + 2 stay on p until 5 more have come: 13 of 10; 5 on q, and 6 more: 11 of 10."""
    assert found(Policy()) == []
    assert found(Policy(held=frozenset({"ram"}))) == [(("pool-ram", "pool", "p"), 3), (("pool-ram", "pool", "q"), 1)]


def test_what_is_deleted_is_gone_at_once() -> None:
    inventory = Inventory([P, Q], volumes=[ram("a", 6), ram("still", 2)])
    rules = rules_of(Policy(held=frozenset({"ram"})))
    assert worsened(inventory, rules, [ram("new", 8)], ["a"]) == []
    assert [v.amount for v in worsened(inventory, rules, [ram("new", 9)], ["a"])] == [1]

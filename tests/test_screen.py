"""The screen keeps what a static rule said of an ask; nothing else is kept under the same name."""

from __future__ import annotations

from allocator.domain.inventory import Inventory
from allocator.domain.policy import Policy
from allocator.fleet import Fleet
from allocator.rules import rules_of
from allocator.screen import Screen
from allocator.testing.made import host, pool, request


def test_a_rule_that_was_asked_by_the_screen_answers_for_itself_as_before() -> None:
    """Refusals ask each rule by itself, after the screen has asked it about every volume and every party."""
    fleet = Fleet(Inventory([pool("p"), pool("q", price=1)], [host("h"), host("i")]))
    rules = rules_of(Policy(unknown_total="unlimited"))
    for kept in (rules, rules[1:], rules):
        screen = Screen(fleet, kept)
        asks = [screen.asks(request(name, vm="m"))[0] for name in ("a", "b")]
        for party in ([asks[0]], asks, [asks[1]], asks):
            assert screen.hosts(party).tolist() == [True, True]
        for ask in asks:
            assert screen.pools(ask).tolist() == [True, True]
        for rule in kept:
            found = [rule.open_hosts(asks, fleet), rule.open_hosts(asks[:1], fleet), rule.open_pools(asks[0], fleet)]
            assert all(mask is None or mask.all() for mask in found)

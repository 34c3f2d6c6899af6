"""The screen keeps what a static rule said of an ask; nothing else is kept under the same name."""

from __future__ import annotations

from allocator.domain.inventory import Inventory
from allocator.domain.policy import Policy
from allocator.domain.request import Apart, Near
from allocator.fleet import Fleet
from allocator.rule import Rule
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


class _Later(Rule):
    """A rule of a caller's own that others may mend, and that says no more of whom it concerns."""

    name = "later"
    monotone = False


def test_who_may_be_mended_by_others_is_for_the_rules_to_say() -> None:
    """Ranking and bounds judge such a request with others; of a rule that says nothing more it may be any."""
    fleet, policy = Fleet(Inventory([pool("p")])), Policy()
    alone = request("a")
    asked = {
        "near": request("b", near=Near("g", "zone")),
        "spread": request("c", group="g", apart=Apart("pool", min_domains=2)),
        "apart": request("d", group="g", apart=Apart("pool")),
    }
    screen = Screen(fleet, rules_of(policy))
    assert not screen.mended([alone])
    assert {what: screen.mended([alone, one]) for what, one in asked.items()} == {
        "near": True, "spread": True, "apart": False,
    }  # fmt: skip
    assert Screen(fleet, [*rules_of(policy), _Later(policy)]).mended([alone])

"""The last check: did an answer break anything, or make a broken thing worse?"""

from __future__ import annotations

from allocator.domain.inventory import Inventory
from allocator.domain.policy import Policy
from allocator.domain.request import Apart, Near
from allocator.rules import rules_of
from allocator.testing.made import amount, host, pool, provisioned, request, sized, volume
from allocator.verify import broken, worsened

RULES = rules_of(Policy())
P, Q = pool("p", capacity=sized(10), iops=amount(100)), pool("q", capacity=sized(10), iops=amount(100))


def test_an_answer_that_breaks_two_rules_is_told_twice() -> None:
    """R02, R06: 11 bytes of 10, 101 IOPS of 100."""
    asked = request("r", 11, provisioned(101, 200))
    found = worsened(Inventory([P, Q]), RULES, [volume(P, asked)])
    assert [(one.rule, one.subject, one.amount) for one in found] == [
        ("capacity", ("bytes", "pool", "p"), 1),
        ("iops", ("floors", "pool", "p"), 1),
    ]


def test_what_is_broken_may_stay_and_not_grow() -> None:
    """R25: p holds 12 of 10. Elsewhere goes anything; there, nothing more; a move away mends it."""
    inventory = Inventory([P, Q], [], [volume(P, request("v", 7)), volume(P, request("w", 5))])
    assert [(one.rule, one.amount) for one in broken(inventory, RULES)] == [("capacity", 2)]
    assert worsened(inventory, RULES, [volume(Q, request("r", 10))]) == []
    assert [one.amount for one in worsened(inventory, RULES, [volume(P, request("r", 1))])] == [3]
    assert worsened(inventory, RULES, [volume(Q, request("v", 7))]) == []
    assert worsened(inventory, RULES, [volume(P, request("r", 5))], departures=["v"]) == []
    assert [one.amount for one in worsened(inventory, RULES, [volume(P, request("r", 8))], departures=["v"])] == [3]


def test_a_departure_can_break_what_stays() -> None:
    """R25: without its database a log is lonely."""
    log, db = volume(P, request("log", near=Near("db", "pool"))), volume(P, request("db", group="db"))
    inventory = Inventory([P, Q], [], [log, db])
    assert [one.rule for one in worsened(inventory, RULES, departures=["db"])] == ["near"]
    assert [one.rule for one in worsened(inventory, RULES, [volume(Q, db.request)])] == ["near"]
    assert worsened(inventory, RULES, departures=["log", "db"]) == []


def test_a_glance_at_newcomers_sees_a_torn_vm_and_one_volume_on_two_hosts() -> None:
    """R23: one VM on two hosts is torn, two VMs are not; a volume on two hosts needs a driver that can do that."""
    h, i = host("h"), host("i")
    inventory = Inventory([P, Q], [h, i])
    one, two, other = (request(name, vm=vm) for name, vm in (("r", "m"), ("s", "m"), ("t", "n")))
    assert [found.rule for found in worsened(inventory, RULES, [volume(P, one, h), volume(Q, two, i)])] == [
        "together_on_host"
    ]
    assert worsened(inventory, RULES, [volume(P, one, h), volume(Q, two, h), volume(P, other, i)]) == []
    assert [found.rule for found in worsened(inventory, RULES, [volume(P, one, h, i)])] == ["dedicated"]


def test_a_wish_about_groups_is_heard_wherever_it_is_stated() -> None:
    """R25: near a group by `near` or by `also` alone, of a group and apart: none is a plain request."""
    asked = [request("r", near=Near("db", "pool")), request("r", also=(Near("db", "pool"),))]
    inventory = Inventory([P, Q])
    assert [[found.rule for found in worsened(inventory, RULES, [volume(P, one)])] for one in asked] == [["near"]] * 2
    twins = [request(name, group="g", apart=Apart("pool")) for name in ("s", "t")]
    assert [found.rule for found in worsened(inventory, RULES, [volume(P, one) for one in twins])] == ["apart"]
    assert worsened(inventory, RULES, [volume(P, request("u")), volume(P, request("v"))]) == []


def test_an_audit_finds_everything() -> None:
    """R05: a draining host, and a volume out of reach."""
    far = host("far", zone="y", state="draining")
    inventory = Inventory([P], [far], [volume(P, request("v", vm="m"), far)])
    assert [one.rule for one in broken(inventory, RULES)] == ["state", "reach"]

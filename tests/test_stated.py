"""What nobody states any more is forgotten; what somebody states stays the very same."""

from __future__ import annotations

import pytest

from allocator.domain.inventory import Inventory
from allocator.domain.policy import Policy
from allocator.domain.request import Apart, Near
from allocator.rules.apart import ApartRule
from allocator.rules.near import NearRule
from allocator.testing.made import pool, request, volume


def test_wishes_of_groups_without_members_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 100 groups one has a member: beyond 3 wishes only that is kept, with the one just asked for."""
    monkeypatch.setattr("allocator.arrays.stated.MOST_STATED", 3)
    rule = ApartRule(Policy())
    lives = request("v", group="lives", apart=Apart("rack", 1))
    inventory = Inventory([pool()], volumes=[volume(pool(), lives)])
    before = tuple(rule.limits(lives, inventory))
    for number in range(100):
        assert tuple(rule.limits(request(group=f"g{number}", apart=Apart("rack", 1)), inventory))
        assert len(rule._wishes) <= 3
    assert tuple(rule.limits(lives, inventory)) == before


def test_wishes_to_be_near_a_group_that_is_not_there_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same of `near`, whose group or whose neighbour may be what is left."""
    monkeypatch.setattr("allocator.arrays.stated.MOST_STATED", 3)
    rule = NearRule(Policy())
    wants = request("v", near=Near("lives", "rack"))
    inventory = Inventory([pool()], volumes=[volume(pool(), wants)])
    before = tuple(rule.limits(wants, inventory))
    for number in range(100):
        assert tuple(rule.limits(request(near=Near(f"g{number}", "rack")), inventory))
        assert len(rule._made) <= 3
    assert tuple(rule.limits(wants, inventory)) == before

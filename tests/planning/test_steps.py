"""Steps of a plan: which, in which order, and after which others."""

from __future__ import annotations

from dataclasses import replace

from allocator.domain.placement import Volume
from allocator.domain.plan import INVERSE, Step
from allocator.domain.request import Request
from allocator.planning.steps import attach_steps, delete_steps, detach_steps, moving_steps, placement_steps


def volume(name: str, *hosts: str) -> Volume:
    return Volume(Request(name, 2**30, ()), "p1", hosts)


def told(steps: tuple[Step, ...]) -> list[str]:
    """`3 grant v on h after 2`, one line per step."""
    return [
        f"{step.number} {step.kind} {step.volume}"
        + (f" on {step.host}" if step.host else "")
        + (f" after {','.join(map(str, step.after))}" if step.after else "")
        for step in steps
    ]


def test_a_placement_reserves_creates_grants_attaches() -> None:
    """R18, R19, R21: createAsync, then for each host grantAccess, then attaching."""
    assert told(placement_steps([volume("v", "h1", "h2")])) == [
        "1 reserve v",
        "2 create v after 1",
        "3 grant v on h1 after 2",
        "4 attach v on h1 after 3",
        "5 grant v on h2 after 2",
        "6 attach v on h2 after 5",
    ]


def test_volumes_are_chains_that_do_not_wait_for_each_other() -> None:
    steps = placement_steps([volume("b", "h1"), volume("a")])
    assert told(steps) == [
        "1 reserve a",
        "2 create a after 1",
        "3 reserve b",
        "4 create b after 3",
        "5 grant b on h1 after 4",
        "6 attach b on h1 after 5",
    ]
    assert steps == placement_steps([volume("a"), volume("b", "h1")])


def test_detach_revokes_and_delete_undoes_all() -> None:
    """R20: detach revokes, delete deletes, backwards."""
    assert told(attach_steps([volume("v", "h1")], "h2")) == ["1 grant v on h2", "2 attach v on h2 after 1"]
    assert told(detach_steps([volume("v", "h1", "h2")], "h2")) == [
        "1 detach v on h2",
        "2 revoke v on h2 after 1",
    ]
    assert told(delete_steps([volume("v", "h1", "h2")])) == [
        "1 detach v on h1",
        "2 revoke v on h1 after 1",
        "3 detach v on h2",
        "4 revoke v on h2 after 3",
        "5 delete v after 2,4",
        "6 release v after 5",
    ]


def moving(name: str, *hosts: str) -> Volume:
    now = volume(name, *hosts)
    return replace(now, moving_to=replace(now, pool="p2"))


def on_pools(steps: tuple[Step, ...]) -> list[str]:
    """`grant p2 h`, one line per step; each waits for the one before it."""
    assert [step.after for step in steps] == [(step.number - 1,) * (step.number > 1) for step in steps]
    return [f"{step.kind} {step.pool} {step.host or ''}".strip() for step in steps]


def test_a_volume_that_nobody_uses_is_copied_verified_and_switched() -> None:
    assert on_pools(moving_steps([moving("v")], {"v": "h1"})) == [
        "create p2", "grant p1 h1", "grant p2 h1", "copy p2 h1", "verify p2 h1", "switch p2 h1",
        "revoke p2 h1", "revoke p1 h1", "delete p1",
    ]  # fmt: skip


def test_a_volume_in_use_is_mirrored_and_keeps_its_host() -> None:
    """The host has access to p1 already, and keeps that to p2."""
    assert on_pools(moving_steps([moving("v", "h1")], {"v": "h1"})) == [
        "create p2", "grant p2 h1", "mirror p2 h1", "switch p2 h1", "revoke p1 h1", "delete p1",
    ]  # fmt: skip


def test_a_move_can_be_undone_up_to_the_switch_and_only_gone_on_with_after_it() -> None:
    for hosts in ((), ("h1",)):
        kinds = [step.kind for step in moving_steps([moving("v", *hosts)], {"v": "h1"})]
        switch = kinds.index("switch")
        assert set(kinds[:switch]) <= INVERSE.keys()
        assert not INVERSE.keys() & set(kinds[switch:])


def test_what_adds_has_an_inverse_and_what_takes_away_has_none() -> None:
    placed = [step.kind for step in placement_steps([volume("v", "h1")])]
    deleted = [step.kind for step in delete_steps([volume("v", "h1")])]
    assert [INVERSE[kind] for kind in reversed(placed)] == deleted
    assert not INVERSE.keys() & set(deleted)

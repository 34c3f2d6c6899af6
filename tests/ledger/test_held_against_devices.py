"""What the ledger is told when it is held against devices: whose ids are whose, what is condemned, freed or gone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from allocator.ledger import AlreadyHeld, Ledger, Origin
from tests.ledger.plans import claimed, created, documents, placing


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    with closing(Ledger.open(ledger_url, clock=lambda: 7)) as opened:
        yield opened


def made(ledger: Ledger, *names: str) -> str:
    """Volumes that are there; the plan's id."""
    plan = placing(*names)
    ledger.reserve(plan, seen=ledger.changes())
    created(ledger, plan, *names)
    return plan.id


def test_an_id_is_ours_if_a_plan_of_this_ledger_gave_it(ledger: Ledger) -> None:
    """In any of its runs; and over unless the last of them still goes on."""
    plan = placing("v")
    ledger.reserve(plan, seen=ledger.changes())
    first = ledger.volumes()[0].volume_id
    assert ledger.origins([first, "vol-0123456789abcdef"]) == {
        first: Origin("v", "p1", plan.id, over=False, begun=False)
    }
    ledger.release("v")
    ledger.reserve(plan, seen=ledger.changes())
    second = ledger.volumes()[0].volume_id
    assert first != second
    assert {identity: origin.over for identity, origin in ledger.origins([first, second]).items()} == {
        first: True,
        second: False,
    }
    assert ledger.origins([]) == {}


def test_only_what_nobody_uses_is_condemned(ledger: Ledger) -> None:
    """An orphan under its id, and again after a crash; never a volume in use, nor the id of one by another name."""
    made(ledger, "v")
    identity = ledger.volumes()[0].volume_id
    orphan, document = "vol-0123456789abcdef", documents(["vol-0123456789abcdef"])[0]
    before = ledger.changes()
    for _ in range(2):
        ledger.condemn(orphan, orphan, "p1", document)
    assert [(one.name, one.state) for one in ledger.volumes([orphan])] == [(orphan, "deleting")]
    assert ledger.changes() == before + 1
    for name, number in (("v", identity), ("v", orphan), ("other", identity)):
        with pytest.raises(AlreadyHeld, match=r"Maybe reconcile again\."):
            ledger.condemn(name, number, "p1", document)
    assert [one.state for one in ledger.volumes(["v"])] == ["available"]


def test_what_a_plan_can_still_go_on_with_is_neither_condemned_nor_freed(ledger: Ledger) -> None:
    plan = placing("v")
    ledger.reserve(plan, seen=ledger.changes())
    (stored,) = ledger.volumes()
    assert ledger.volumes_bound() == ([stored], set())
    with pytest.raises(AlreadyHeld):
        ledger.condemn("v", stored.volume_id, "p1", stored.document)
    ledger.let_go("v")
    assert ledger.volumes() == [stored]
    ledger.finish(claimed(ledger, plan), "failed")
    assert ledger.volumes_bound() == ([stored], {plan.id})
    ledger.let_go("v")
    assert [one.plan for one in ledger.volumes()] == [None]
    ledger.condemn("v", stored.volume_id, "p1", stored.document)
    assert [one.state for one in ledger.volumes()] == ["deleting"]


def test_a_mark_is_for_one_id_and_told_once(ledger: Ledger) -> None:
    made(ledger, "a", "b")
    ids = {stored.name: stored.volume_id for stored in ledger.volumes()}
    ledger.mark_gone(ids | {"b": "vol-0123456789abcdef", "c": "vol-0123456789abcdef"})
    ledger.mark_gone(ids | {"b": "vol-0123456789abcdef"})
    assert {stored.name: stored.gone_at for stored in ledger.volumes()} == {"a": 7, "b": None}
    ledger.mark_gone(ids, back=True)
    assert {stored.gone_at for stored in ledger.volumes()} == {None}
    assert [event.kind for event in ledger.events("a")][-2:] == ["gone", "back"]
    assert [event.kind for event in ledger.events("b") if event.kind in ("gone", "back")] == []

"""What changed since a moment: every volume that was written or went, or the word that all must be read again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine

from allocator.domain.qos import Qos
from allocator.ledger import Delta, Entry, Ledger, Mark, Moment, Settled, following
from tests.ledger.plans import attaching, claimed, created, deleting, documents, placing, step_of

MOST = 100


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    opened = Ledger.open(ledger_url)
    yield opened
    opened.close()


def followed(ledger: Ledger, seen: Moment) -> tuple[int, list[object], list[str]]:
    """How far the ledger is now, the names written since and those that went."""
    delta = ledger.since(seen, most=MOST)
    assert delta is not None
    return delta.moment.changes, [document["name"] for document in delta.documents], list(delta.removed)


def test_facts_are_those_of_one_moment(ledger: Ledger) -> None:
    ledger.reserve(placing("b", "a"), seen=0)
    ledger.foreign("p1", documents(["foreign-1"]))
    ledger.observed("p1", 7, Qos())
    found = ledger.facts()
    assert found.moment == Moment(changes=3, unlogged=2)
    assert [document["name"] for document in found.documents] == ["a", "b", "foreign-1"]
    assert found.observations.keys() == {"p1"}


def test_each_change_tells_what_it_wrote(ledger: Ledger) -> None:
    """Two reservations, then a look from before either, from between them, and from after both."""
    start = ledger.facts().moment
    ledger.reserve(placing("a", "b"), seen=0)
    between = ledger.facts().moment
    ledger.reserve(placing("c"), seen=1)
    assert followed(ledger, start) == (2, ["a", "b", "c"], [])
    assert followed(ledger, between) == (2, ["c"], [])
    assert followed(ledger, ledger.facts().moment) == (2, [], [])


def test_what_went_is_told_also_where_the_name_came_again(ledger: Ledger) -> None:
    ledger.reserve(placing("a", "b"), seen=0)
    seen = ledger.facts().moment
    ledger.release("a")
    ledger.release("b")
    assert followed(ledger, seen) == (3, [], ["a", "b"])
    ledger.reserve(placing("b"), seen=3)
    assert followed(ledger, seen) == (4, ["b"], ["a", "b"])
    ledger.release("b")
    assert followed(ledger, seen) == (5, [], ["a", "b", "b"])


def test_what_a_running_plan_makes_of_a_volume_is_told(ledger: Ledger) -> None:
    """Attached from the reservation on, as before once that is taken back; gone once it is deleted."""
    placed, plan, gone = placing("a"), attaching("a", "h1"), deleting("a")
    ledger.reserve(placed, seen=0)
    seen = ledger.facts().moment
    created(ledger, placed, "a")
    assert followed(ledger, seen) == (1, [], [])
    ledger.reserve(plan, seen=1)
    assert followed(ledger, seen) == (2, ["a"], [])
    attached = ledger.facts().moment
    ledger.record(claimed(ledger, plan), [Entry(settled=Settled("a", "rolled_back", plan.volumes[0]))])
    assert followed(ledger, attached) == (3, ["a"], [])
    assert ledger.facts().documents[0]["hosts"] == []
    ledger.reserve(gone, seen=3)
    ledger.record(claimed(ledger, gone), [Entry((Mark(step_of(gone, "release", "a"), "done"),))])
    assert followed(ledger, attached) == (5, [], ["a"])


def test_what_devices_show_must_be_read_anew(ledger: Ledger) -> None:
    """R07: the pools themselves may be others then; the same shown again changes nothing."""
    seen = ledger.facts().moment
    ledger.foreign("p1", documents(["foreign-1"]))
    assert ledger.since(seen, most=MOST) is None
    seen = ledger.facts().moment
    ledger.foreign("p1", documents(["foreign-1"]))
    assert ledger.since(seen, most=MOST) == Delta(seen, (), ())
    ledger.observed("p1", 7, Qos())
    assert ledger.since(seen, most=MOST) is None


def test_more_than_the_fleet_is_not_followed(ledger: Ledger) -> None:
    seen = ledger.facts().moment
    ledger.reserve(placing("a", "b", "c"), seen=0)
    ledger.release("a")
    assert ledger.since(seen, most=3) is not None
    assert ledger.since(seen, most=2) is None


def test_what_went_is_forgotten_after_a_while(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three changes are kept: who has seen the fourth last must read anew, and the log does not grow."""
    monkeypatch.setattr(following, "KEPT", 3)
    ledger.reserve(placing("a", "b", "c", "d"), seen=0)
    early = ledger.facts().moment
    ledger.release("a")
    later = ledger.facts().moment
    for name in "bcd":
        ledger.release(name)
    assert ledger.since(early, most=MOST) is None
    assert followed(ledger, later) == (5, [], ["b", "c", "d"])


def test_a_writer_that_keeps_no_log_is_noticed(ledger: Ledger, ledger_url: str) -> None:
    """A process of the version before runs on while the ledger is upgraded: it counts its changes and no more."""
    ledger.reserve(placing("a"), seen=0)
    seen = ledger.facts().moment
    other = create_engine(ledger_url.replace("postgresql:", "postgresql+psycopg:"))
    with other.begin() as connection:
        connection.exec_driver_sql("delete from allocator_volume where name = 'a'")
        connection.exec_driver_sql("update allocator_meta set changes = changes + 1")
    other.dispose()
    assert ledger.since(seen, most=MOST) is None


def test_a_copy_put_back_from_earlier_is_read_anew(ledger: Ledger) -> None:
    """Nobody can follow backwards."""
    ledger.reserve(placing("a"), seen=0)
    assert ledger.since(Moment(changes=2, unlogged=0), most=MOST) is None

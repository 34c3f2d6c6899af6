"""A ledger of an earlier version is brought up to date when it is opened, with all that is in it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config

from allocator.domain.plan import Plan
from allocator.ledger import Ledger, Moment, OlderSchema
from allocator.ledger.naming import USUAL
from allocator.ledger.sqlite import SqliteStore
from tests.ledger.plans import claimed, documents, placing
from tests.ledger.test_processes import WRITERS, together

PLAN = placing("a", "b")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A ledger of version 0001 with a plan reserved: its steps were on record from the start."""
    path = tmp_path / "ledger.db"
    store = SqliteStore.of_file(path, None)
    with store.upgrading() as connection:
        config = Config()
        config.set_main_option("script_location", "allocator.ledger:migrations")
        config.attributes |= {"connection": connection, "naming": USUAL}
        command.upgrade(config, "0001")
    store.log_ahead()
    store.close()
    with closing(sqlite3.connect(path)) as made:
        made.execute("update allocator_meta set changes = 7")
        made.execute(
            "insert into allocator_plan (id, run, document, state, fence, lease_until) "
            "values (?, 1, ?, 'planned', 0, 0)",
            (PLAN.id, json.dumps(_document(PLAN))),
        )
        for number, document in enumerate(PLAN.volumes):
            made.execute(
                "insert into allocator_volume (name, volume_id, pool, state, plan, document) "
                "values (?, ?, 'p1', 'reserved', ?, ?)",
                (document["name"], f"vol-{number}", PLAN.id, json.dumps(document)),
            )
        for step in PLAN.steps:
            made.execute(
                "insert into allocator_step (plan, run, number, kind, volume, state, attempts) "
                "values (?, 1, ?, ?, ?, ?, 0)",
                (PLAN.id, step.number, step.kind, step.volume, "done" if step.kind == "reserve" else "pending"),
            )
        made.commit()
    return path


def _document(plan: Plan) -> dict[str, object]:
    steps = [[step.number, step.kind, step.volume, step.pool, step.host, list(step.after)] for step in plan.steps]
    return {"steps": steps, "volumes": list(plan.volumes)}


def test_what_was_in_it_is_in_it_and_can_be_followed(old: Path) -> None:
    with closing(Ledger.open(f"sqlite:///{old}")) as ledger:
        found = ledger.facts()
        assert found.moment == Moment(changes=7, unlogged=7)
        assert list(found.documents) == documents(["a", "b"])
        assert ledger.unfinished() == [PLAN]
        ledger.reserve(placing("c"), seen=7)
        delta = ledger.since(found.moment, most=2)
        assert delta is not None
        assert (delta.moment.changes, list(delta.documents)) == (8, documents(["c"]))


def test_who_only_looks_upgrades_nothing(old: Path) -> None:
    before = old.read_bytes()
    with pytest.raises(OlderSchema, match=r"has schema 0001, and this code works with 0\d+\. Maybe .* ledger upgrade"):
        Ledger.open(f"sqlite:///{old}", make=False)
    assert old.read_bytes() == before
    with closing(Ledger.open(f"sqlite:///{old}")) as ledger:
        assert ledger.origin == "upgraded"


def test_a_plan_reserved_before_goes_on_after(old: Path) -> None:
    """What was released meanwhile is not done, whatever the older version had written of it."""
    with closing(Ledger.open(f"sqlite:///{old}")) as ledger:
        ledger.release("a")
        steps = claimed(ledger, PLAN).steps
        assert [steps[step.number].state for step in PLAN.steps] == ["undone", "pending", "done", "pending"]


def test_several_processes_upgrade_it_once(old: Path) -> None:
    def open_it(writer: int) -> None:
        ledger = Ledger.open(f"sqlite:///{old}")
        ledger.event("opened", str(writer), "")
        ledger.close()

    assert together(open_it) == [0] * WRITERS
    with closing(Ledger.open(f"sqlite:///{old}")) as ledger:
        assert len(ledger.events()) == WRITERS
        assert ledger.facts().moment == Moment(changes=7, unlogged=7)

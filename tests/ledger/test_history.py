"""The history: who did what, by which plan, written exactly if that was done."""

from __future__ import annotations

import os
import pwd
import socket
from contextlib import closing
from pathlib import Path

import pytest

from allocator.domain.plan import Plan, Step, StepKind
from allocator.ledger import Entry, Ledger, LedgerError, Mark
from allocator.ledger.history import lines_of
from tests.ledger.plans import claimed, documents, placing, step_of

MOVING: tuple[StepKind, ...] = ("create", "grant", "copy", "verify", "switch", "revoke")


def test_a_step_is_told_with_its_plan_and_who_did_it(tmp_path: Path) -> None:
    """By the name that the embedding program gives, whoever holds the plan's lease."""
    plan = placing("v")
    with closing(Ledger.open(f"sqlite:///{tmp_path}/ledger.db", actor="alice via portal", clock=lambda: 7.9)) as ledger:
        ledger.reserve(plan, seen=0)
        claim = claimed(ledger, plan, owner="a process")
        ledger.record(claim, [Entry((Mark(step_of(plan, "create", "v"), "done", {"native_id": "n"}),))])
        assert [(e.at, e.actor, e.kind, e.text, e.plan) for e in ledger.events("v")][-1] == (
            (7, "alice via portal", "create done", "p1", plan.id)
        )


def test_who_names_nobody_is_told_by_user_host_and_process(tmp_path: Path) -> None:
    with closing(Ledger.open(f"sqlite:///{tmp_path}/ledger.db")) as ledger:
        ledger.event("note", "p1", "looked at", plan="0123456789abcdef", details={"checked": 3})
        (told,) = ledger.events()
    assert told.actor == f"{pwd.getpwuid(os.geteuid()).pw_name}@{socket.gethostname()}/{os.getpid()}"
    assert (told.plan, told.details) == ("0123456789abcdef", {"checked": 3})


@pytest.mark.parametrize("name", ["", "a\nb", "x" * 201, "\x1b[31m"])
def test_a_name_that_cannot_be_told_is_refused_before_anything_is_made(tmp_path: Path, name: str) -> None:
    with pytest.raises(LedgerError, match=r"must have 1 to 200 printable characters\. Maybe write who decides"):
        Ledger.open(f"sqlite:///{tmp_path}/ledger.db", actor=name)
    assert list(tmp_path.iterdir()) == []


def test_what_is_planned_for_a_volume_is_told_in_words() -> None:
    """A volume that is made is placed; of a move it is said from where to where and who copies."""
    steps = [
        Step(1, "reserve", "new", "p1"),
        Step(2, "create", "new", "p1"),
        Step(3, "grant", "new", "p1", "h1"),
        Step(4, "detach", "old", "p1", "h2"),
        Step(5, "revoke", "old", "p1", "h2"),
        *(Step(6 + n, kind, "big", "p2", "h1") for n, kind in enumerate(MOVING)),
        Step(12, "delete", "big", "p1"),
    ]
    lines = {line.subject: (line.kind, line.text) for line in lines_of(Plan.of(steps, documents(["new"])), None, 7)}
    assert lines["new"] == ("placed", "on p1 for h1")
    assert lines["old"] == ("planned", "detach h2, revoke h2")
    assert lines["big"] == ("planned", "move from p1 to p2, copied by h1")
    assert [line for line in lines.values() if line[0] == "reserved"] == [("reserved", "1 volume on state 7")]

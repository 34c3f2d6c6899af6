"""Ctrl-C is heard whenever it comes, and nothing else is changed by listening for it."""

from __future__ import annotations

import signal
import sys
import time
import weakref

import pytest

from allocator.cli.stopping import ending_in_order


class Thing:
    """Something that goes away."""


def lost_while(act: object) -> None:
    """Let a thing go away, and do something at that moment, of which Python drops every error."""
    thing = Thing()
    watched = weakref.ref(thing, act)  # type: ignore[arg-type]
    del thing
    assert watched() is None


def test_ctrl_c_while_an_object_goes_away_is_not_lost() -> None:
    """As when a solver's thread has just ended: Python drops what is raised there."""
    with pytest.raises(KeyboardInterrupt), ending_in_order():  # noqa: PT012
        lost_while(lambda _: signal.raise_signal(signal.SIGINT))
        time.sleep(10)


def test_other_errors_that_are_dropped_are_told_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda lost: told.append(lost.exc_type))
    with ending_in_order():
        lost_while(lambda _: 1 // 0)
    assert told == [ZeroDivisionError]
    lost_while(lambda _: 1 // 0)
    assert told == [ZeroDivisionError] * 2

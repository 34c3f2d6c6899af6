"""What a claim that does not hold does to the demo."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

import allocator.demo
from allocator.demo import main
from allocator.demo.telling import DemoError, Teller


def a_lie(teller: Teller) -> None:
    teller.section("1. A section")
    teller.claim("True.", True)
    teller.claim("Not true.", False)


def nothing(teller: Teller, *given: object) -> None:
    """A chapter or section without claims."""


def breaks(teller: Teller, directory: Path, shipped: Path) -> None:
    teller.section("2. Broken")
    raise DemoError("tgtd does not answer: no port")


def test_one_claim_that_does_not_hold_fails_the_demo(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(allocator.demo, "decisions", a_lie)
    monkeypatch.setattr(allocator.demo, "on_disk", nothing)
    monkeypatch.setattr(allocator.demo, "over_iscsi", nothing)
    assert main() == 1
    told = capsys.readouterr().out
    assert "  ok  True.\n  NO  Not true.\n" in told
    assert "2 claims checked, 1 did not hold" in told


def test_a_section_that_cannot_go_on_is_told_and_the_next_one_begins(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(allocator.demo, "decisions", nothing)
    monkeypatch.setattr(allocator.demo, "on_disk", breaks)
    monkeypatch.setattr(allocator.demo, "over_iscsi", breaks)
    assert main(as_json=True) == 1
    answer = json.loads(capsys.readouterr().out)
    claim = {"section": "2. Broken", "claim": "The section ends here: tgtd does not answer: no port", "holds": False}
    assert answer["claims"] == [claim, claim]
    assert answer["ok"] is False


def test_what_a_device_says_is_printed_as_it_is_and_paths_are_shortened(tmp_path: Path) -> None:
    written = io.StringIO()
    teller = Teller(Console(file=written, width=40))
    teller.shorten(tmp_path)
    teller.answered(f"[bold]{tmp_path}/qmp[/bold] " + "long " * 20)
    assert written.getvalue() == f"  DEMO={tmp_path}\n    [bold]$DEMO/qmp[/bold] {'long ' * 20}\n"

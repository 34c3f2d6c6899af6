"""The commands that the demo shows are commands, and answer what it says they answer."""

from __future__ import annotations

import io
import shlex

import pytest
from rich.console import Console

from allocator.cli import main
from allocator.demo.decisions import FILES, decisions
from allocator.demo.telling import Teller

PLACED, REFUSED, BAD_INPUT = 0, 1, 2


def told() -> list[tuple[str, list[str]]]:
    """Each command of the first chapter, and the lines it is said to answer."""
    written = io.StringIO()
    decisions(Teller(Console(file=written)))
    found: list[tuple[str, list[str]]] = []
    for line in written.getvalue().splitlines():
        if line.startswith("  $ allocator "):
            found.append((line.removeprefix("  $ allocator "), []))
        elif line.startswith("    ") and found:
            found[-1][1].append(line.strip())
    return found


def test_each_command_gives_the_answer_that_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(FILES)
    statuses = []
    for command, answer in told():
        statuses.append(main(shlex.split(command)))
        said = "".join(capsys.readouterr())
        if statuses[-1] == PLACED:
            # `media-1 goes to pool sf-1 and host kvm-01` is a row of a table there.
            request, _, _, _, pool, *_ = answer[0].replace(",", "").split()
            assert any({request, pool} <= set(row.split()) for row in said.splitlines()), said
        else:
            assert [line for line in answer if line not in said and not line.startswith("...")] == [], command
    assert statuses == [PLACED, REFUSED, REFUSED, PLACED, REFUSED, BAD_INPUT, PLACED, PLACED, REFUSED]

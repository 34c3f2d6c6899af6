"""On a terminal tables and colours, in a pipe plain lines; text from outside steers neither."""

from __future__ import annotations

import io
import sys

import pytest

from allocator.cli import main, show
from allocator.cli.printable import printable
from allocator.cli.progress import watching
from allocator.execution.report import Failure, Progress
from tests.cli.site import Site


class Terminal(io.StringIO):
    """A stream that says it is one."""

    def isatty(self) -> bool:
        return True


def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Both standard streams from now on; pytest sets its own between a fixture and a test."""
    stream = Terminal()
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return stream


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, süß and 日本", "plain, süß and 日本"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("two\nlines\r", r"two\nlines\r"),
        ("bell \x07 and CSI \x9b", r"bell \x07 and CSI \x9b"),
        ("turned \u202e round", r"turned \u202e round"),
        ("half \udc80", r"half \udc80"),
    ],
)
def test_what_steers_a_terminal_is_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_a_pipe_gets_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    show.table(["NAME", "NOTHING", "TEXT"], [["a", "", "[red]x[/red]"], ["longer", "", "\x1b[2J\n"]])
    show.say("\x1b[2J", "red")
    assert capsys.readouterr().out == "NAME    TEXT\na       [red]x[/red]\nlonger  \\x1b[2J\\n\n\\x1b[2J\n"


def test_a_terminal_gets_a_table_and_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = terminal(monkeypatch)
    show.table(["NAME", "TEXT"], [["a", "[red]x[/red] :warning:"], ["b", "\x1b]0;title\x07"]])
    show.say("[bold]\x1b[2J", "red")
    written = stream.getvalue()
    assert "[red]x[/red] :warning:" in written
    assert r"\x1b]0;title\x07" in written
    assert "\x1b[31m[bold]\\x1b[2J\x1b[0m\n" in written
    assert "\x1b]" not in written
    assert "\x07" not in written


def test_an_error_is_one_red_line(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = terminal(monkeypatch)
    assert main(["place", "-f", "\x1b[5m.yaml"]) == 2
    assert stream.getvalue().startswith("\x1b[31m\\x1b[5m.yaml: The file cannot be read")


def test_json_is_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    show.data({"tag": "süß\x9b\u202e"})
    assert capsys.readouterr().out.isascii()


def test_progress_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = terminal(monkeypatch)
    failure = Failure("no_space", "[red]full\x1b[5m")
    with watching(2) as tell:
        tell(Progress("v", "create", None, "done", 0, 2))
        tell(Progress("v", "grant", "h1", "failed", 1, 2, failure))
    written = stream.getvalue()
    assert r"grant v on h1 failed: [red]full\x1b[5m (no_space)" in written
    assert "\x1b[5m" not in written
    assert "1/2" in written


def test_progress_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    """News come before the journal counts them, so that they are counted here: after a resume, from where it was."""
    with watching(5) as tell:
        tell(Progress("v", "create", None, "started", 2, 5))
        tell(Progress("v", "create", None, "done", 2, 5))
        tell(Progress("v", "grant", "h1", "done", 2, 5))
    assert capsys.readouterr().err == "3/5 create v done\n4/5 grant v on h1 done\n"


def test_a_report_on_a_terminal(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """R19: the same facts as in a pipe, in a frame."""
    stream = terminal(monkeypatch)
    given = ["-f", str(site.fleet), "--ledger", site.url]
    assert main(["place", *given, "-o", str(site.plan)]) == 0
    assert main(["apply", str(site.plan), *given]) == 0
    written = stream.getvalue()
    assert "10/10" in written
    assert "VOLUME" in written
    assert "─" in written

"""How the story is told: chapters, what one writes and types, what comes of it, and claims that were checked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

from allocator import Outcome
from allocator.explain import placed_line, refusal_lines

DEMO: Final = "$DEMO"
"""Stands for the demo's own directory wherever its path would be printed."""


class DemoError(Exception):
    """Why a section cannot go on."""


class Teller:
    """Prints as it goes, plain where nobody watches, and remembers every claim."""

    def __init__(self, console: Console) -> None:
        self.claims: list[tuple[str, str, bool]] = []
        """(section, what is claimed, whether it is so)."""
        self.skipped: list[str] = []
        self._console = console
        self._directory: Path | None = None
        self._section = ""
        self._after_claim = False

    @property
    def all_true(self) -> bool:
        return all(holds for _, _, holds in self.claims)

    def chapter(self, title: str, *lines: str) -> None:
        self._print(f"\n{title.upper()}", "bold")
        for line in lines:
            self._print(line)

    def shorten(self, directory: Path) -> None:
        """From now on print the path of this directory as `$DEMO`."""
        self._print(f"  DEMO={directory}")
        self._directory = directory

    def section(self, title: str) -> None:
        self._section, self._after_claim = title, False
        self._print(f"\n{title}", "bold cyan")

    def written(self, name: str, lines: Sequence[str]) -> None:
        """The lines of a document that matter."""
        self._part()
        self._print(f"  {name}", "italic")
        for line in lines:
            self._print(f"  | {line}")

    def typed(self, command: str) -> None:
        self._part()
        self._print(f"  $ {command}", "bold")

    def answered(self, text: str) -> None:
        """What a program said."""
        for line in text.splitlines():
            self._print(f"    {line}", "dim")

    def decided(self, outcome: Outcome) -> None:
        """Where everything goes, or why not."""
        for placed in outcome.placed:
            self.answered(placed_line(placed))
        for refusal in outcome.refused:
            self.answered("\n".join(refusal_lines(refusal)))

    def claim(self, text: str, holds: bool) -> None:
        """Say what is so, marked with whether it is: one claim that does not hold fails the demo."""
        self.claims.append((self._section, text, holds))
        self._print(f"  {'ok' if holds else 'NO'}  {text}", "green" if holds else "bold red")
        self._after_claim = True

    def skip(self, text: str) -> None:
        self._part()
        self.skipped.append(text)
        self._print(f"  --  skipped: {text}", "yellow")
        self._after_claim = True

    def end(self, seconds: int) -> None:
        wrong = sum(not holds for _, _, holds in self.claims)
        verdict = f"{wrong} did not hold" if wrong else "all of them held"
        skipped = f"; skipped: {len(self.skipped)}" if self.skipped else ""
        self._print(
            f"\n{len(self.claims)} claims checked, {verdict}; {seconds} s{skipped}.", "bold red" if wrong else "bold"
        )

    def _part(self) -> None:
        """What follows a claim begins anew."""
        if self._after_claim:
            self._print("")
        self._after_claim = False

    def _print(self, text: str, style: str = "") -> None:
        if self._directory is not None:
            text = text.replace(str(self._directory), DEMO)
        # A Text is printed as it is: what a device says is no markup.
        self._console.print(Text(text, style), soft_wrap=True)

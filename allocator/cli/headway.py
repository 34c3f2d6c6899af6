"""How far a long search has come, on a terminal only and gone when it ends; on standard error, as no answer is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from allocator.cli.logs import in_json
from allocator.cli.printable import printable
from allocator.domain.outcome import Headway
from allocator.explain import cost_words

if TYPE_CHECKING:
    from rich.progress import Progress


@contextmanager
def searching() -> Iterator[Callable[[Headway], None] | None]:
    """What to tell of a search; None where nobody watches. Nothing is drawn before there is something to tell."""
    if not sys.stderr.isatty() or in_json():
        yield None
        return
    with ExitStack() as stack:
        drawn: list[Progress] = []

        def tell(headway: Headway) -> None:
            if not drawn:
                drawn.append(stack.enter_context(_line()))
            drawn[0].update(drawn[0].task_ids[0], description=words(headway))

        yield tell


def words(headway: Headway) -> str:
    """`part 3 of 10: improving placed 12 (at least 10, gap 16.7%)`."""
    part = f"part {headway.part:,} of {headway.parts:,}: " if headway.parts > 1 else ""
    return printable(f"{part}{headway.phase} {cost_words(headway.goal, headway.cost, headway.bound)}")


def _line() -> Progress:
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    line = Progress(*columns, console=Console(stderr=True), transient=True)
    line.add_task("", total=None)
    return line

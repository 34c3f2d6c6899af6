"""How far a plan has come: a bar on a terminal, a line for each step elsewhere; on standard error, as no answer is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from allocator.cli.logs import in_json
from allocator.cli.printable import printable
from allocator.cli.show import remark
from allocator.execution.report import Progress

Watch = Callable[[Progress], None]


@contextmanager
def watching(steps: int) -> Iterator[Watch]:
    """What to tell of each step; nobody listening is no reason to stop. Where logs tell it in JSON, nothing."""
    if in_json():
        yield lambda _: None
        return
    count = _Count()
    if not sys.stderr.isatty():
        yield lambda news: _line(news, count.after(news))
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}", markup=False))
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=steps)

        def tell(news: Progress) -> None:
            if news.error is not None:
                bar.console.print(_words(news), style="red", markup=False, highlight=False)
            bar.update(task, completed=count.after(news), description=_words(news))

        yield tell


class _Count:
    """Steps that are done: news come a little before the journal that they count from."""

    def __init__(self) -> None:
        self._done: int | None = None

    def after(self, news: Progress) -> int:
        before = news.done if self._done is None else self._done
        self._done = before + (news.state == "done")
        return self._done


def _line(news: Progress, done: int) -> None:
    if news.state != "started":
        with suppress(BrokenPipeError):
            remark(f"{done}/{news.of} {_words(news)}")


def _words(news: Progress) -> str:
    where = f" on {news.host}" if news.host else ""
    why = f": {news.error.text} ({news.error.code})" if news.error else ""
    return printable(f"{news.kind} {news.volume}{where} {news.state}{why}")

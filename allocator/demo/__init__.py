"""The whole story on this machine, each line of it checked: decisions first, then files and LUNs for real."""

from __future__ import annotations

import json
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click
from rich.console import Console

from allocator.demo.decisions import FILES, decisions
from allocator.demo.on_disk import on_disk
from allocator.demo.over_iscsi import over_iscsi
from allocator.demo.telling import DemoError, Teller

INTERRUPTED: Final = 130
"""128 + SIGINT, as shells count."""


def main(as_json: bool = False) -> int:
    """Tell it; with `as_json` print only what was claimed and whether it held.

    0 where every claim held, 1 where one did not, 130 after Ctrl-C or SIGTERM. Whatever was started is stopped
    then, and whatever was made is removed.
    """
    teller = Teller(Console(quiet=as_json))
    began = time.monotonic()
    try:
        with _ending_in_order():
            decisions(teller)
            _for_real(teller)
    except KeyboardInterrupt:
        click.echo("Stopped: what was started is stopped, what was made is removed.", err=True)
        return INTERRUPTED
    seconds = round(time.monotonic() - began)
    teller.end(seconds)
    if as_json:
        click.echo(json.dumps(_told(teller, seconds), indent=2))
    return 0 if teller.all_true else 1


def _for_real(teller: Teller) -> None:
    with tempfile.TemporaryDirectory(prefix="allocator-demo-") as made:
        directory = Path(made)
        teller.chapter(
            "For real",
            "Drivers and agents work on this machine now, in a directory that only this user can enter and that is",
            "removed at the end. Each section has its files in a directory of its own.",
        )
        teller.shorten(directory)
        for section, name in ((on_disk, "local"), (over_iscsi, "iscsi")):
            place = directory / name
            place.mkdir(0o700)
            document = Path(shutil.copy(FILES / f"{name}.yaml", place))
            try:
                section(teller, place, document)
            except DemoError as error:
                teller.claim(f"The section ends here: {error}", False)


def _told(teller: Teller, seconds: int) -> dict[str, object]:
    claims = [{"section": section, "claim": text, "holds": holds} for section, text, holds in teller.claims]
    return {"version": 1, "ok": teller.all_true, "seconds": seconds, "claims": claims, "skipped": teller.skipped}


@contextmanager
def _ending_in_order() -> Iterator[None]:
    """Let SIGTERM end the demo as Ctrl-C does."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)

"""`ledger`: make one, bring it up to date, write it down whole, read that back."""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from collections.abc import Mapping
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from allocator.cli import show
from allocator.cli.codes import DONE, FOUND
from allocator.cli.ledger_text import (
    Unlike,
    as_yaml,
    counted,
    json_lines,
    line_by_line,
    read_twice,
    yaml_lines,
)
from allocator.cli.session import whole_file
from allocator.ledger import Ledger, NoLedger
from allocator.ledger.opening import version_at
from allocator.ledger.schema import migrations
from allocator.ledger.tables import SCHEMA


def init(url: str, *, as_json: bool) -> int:
    """Make an empty ledger; one that is there is left alone, whatever it holds."""
    try:
        ledger = Ledger.open(url, make=False)
    except NoLedger:
        ledger = Ledger.open(url)
    with closing(ledger):
        name, origin = ledger.name, ledger.origin
    if as_json:
        show.data({"version": 1, "ledger": name, "schema": SCHEMA, "origin": origin})
    else:
        show.say(f"Ledger {name} {'was made' if origin == 'made' else 'is there already'}, with schema {SCHEMA}.")
    return DONE


def upgrade(url: str, *, check: bool, as_json: bool) -> int:
    """Run what is missing; with `check` only say it. Raises NoLedger."""
    found = version_at(url)
    missing = migrations(found) if found is not None and found < SCHEMA else []
    if found is None or not check:
        with closing(Ledger.open(url, make=found is not None)):
            pass
    if as_json:
        told = [{"version": migration.version, "text": migration.text} for migration in missing]
        data = {"version": 1, "found": found, "schema": SCHEMA, "migrations": told, "done": not check}
        show.data(data)
    else:
        for migration in missing:
            show.say(f"{'To do' if check else 'Done'}: {migration.version} {migration.text}")
        show.say(f"It has schema {found}." if check and missing else f"It has schema {SCHEMA}, and is up to date.")
    return FOUND if check and missing else DONE


def export(url: str, output: Path | None, *, as_json: bool) -> int:
    """Write it down, to a file or to standard output."""
    rows: Counter[str] = Counter()
    form = json_lines if output is None and as_json else yaml_lines
    with whole_file(output) as file, _spool(file) as written:
        with closing(Ledger.open(url, make=False)) as ledger, ledger.whole() as whole:
            written.writelines(form(counted(whole, rows)))
        if file is None:
            written.seek(0)
            shutil.copyfileobj(written, sys.stdout)
    if file is not None and as_json:
        show.data({"version": 1, "rows": dict(rows)})
    elif file is not None:
        show.say(f"{output} holds {_words(rows)}.")
    return DONE


def _spool(file: IO[str] | None) -> AbstractContextManager[IO[str]]:
    """Where to write first: whoever reads standard output may take his time, and a database's moment may not last."""
    return TemporaryFile("w+", encoding="utf-8") if file is None else nullcontext(file)


def import_(url: str, path: Path, *, as_json: bool) -> int:
    """Read it back. Raises DocumentError for what is no YAML, and LedgerError."""
    rows: Counter[str] = Counter()
    with read_twice(path) as there, closing(Ledger.open(url)) as ledger:
        try:
            ledger.become(counted(line_by_line(there), rows))
        except Unlike:
            ledger.become(counted(as_yaml(there), rows))
        name = ledger.name
    if as_json:
        show.data({"version": 1, "ledger": name, "rows": dict(rows)})
    else:
        show.say(f"Ledger {name} holds {_words(rows)}.")
    return DONE


def prune(url: str, days: int, *, delete: bool, as_json: bool) -> int:
    """Count, and with `delete` take away, what is older and not needed."""
    with closing(Ledger.open(url, make=False)) as ledger:
        found = ledger.prune(days, dry_run=not delete)
    if as_json:
        show.data({"version": 1, "days": days, "deleted": delete, "events": found.events, "steps": found.steps})
        return DONE
    show.say(f"{found.events:,} lines of the history and {found.steps:,} steps are older and not needed.")
    if delete:
        show.say("They are gone.", "green")
    elif found.events or found.steps:
        show.say("Nothing was changed. Maybe --delete takes them away.")
    return DONE


def _words(rows: Mapping[str, int]) -> str:
    return ", ".join(f"{rows[table]:,} {table}s" for table in ("volume", "plan", "event"))

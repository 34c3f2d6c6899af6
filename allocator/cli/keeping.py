"""`ledger`: make one, bring it up to date, write it down whole, read that back."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from allocator.cli import show
from allocator.cli.codes import DONE, FOUND
from allocator.cli.session import whole_file
from allocator.documents.reading import read
from allocator.documents.sources import read_text
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
    with whole_file(output) as file:
        with closing(Ledger.open(url, make=False)) as ledger:
            whole = ledger.whole()
        if file is None and as_json:
            show.data(whole)
        else:
            (file or sys.stdout).writelines(f"{line}\n" for line in _yaml(whole))
    if file is not None and as_json:
        show.data({"version": 1, "rows": _counts(whole)})
    elif file is not None:
        show.say(f"{output} holds {_words(whole)}.")
    return DONE


def import_(url: str, path: Path, *, as_json: bool) -> int:
    """Read it back. Raises DocumentError for what is no YAML, and LedgerError."""
    whole = _data(read_text(path))
    with closing(Ledger.open(url)) as ledger:
        ledger.become(whole)
        name = ledger.name
    if as_json:
        show.data({"version": 1, "ledger": name, "rows": _counts(whole)})
    else:
        show.say(f"Ledger {name} holds {_words(whole)}.")
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


def _yaml(whole: Mapping[str, Any]) -> Iterator[str]:
    """YAML with a row of JSON on each line: soon written, and easily compared."""
    for name, value in whole.items():
        if isinstance(value, list):
            yield f"{name}:{'' if value else ' []'}"
            yield from (f"- {_json(row)}" for row in value)
        else:
            yield f"{name}: {_json(value)}"


def _json(value: object) -> str:
    """JSON that is YAML too, whose escapes are other ones beyond U+FFFF, and that steers no terminal."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    if text.isascii() and "\x7f" not in text:
        return text
    return "".join(sign if sign.isprintable() else _escaped(ord(sign)) for sign in text)


def _escaped(sign: int) -> str:
    return f"\\u{sign:04x}" if sign < 0x10000 else f"\\U{sign:08x}"


def _data(text: str) -> dict[str, Any]:
    """What `_yaml` wrote, read as the JSON that it is, which takes a tenth of the time; else as any YAML."""
    whole: dict[str, Any] = {}
    rows: Any = None
    try:
        for line in text.removesuffix("\n").split("\n"):
            if line.startswith("- "):
                rows.append(json.loads(line[2:]))
            else:
                name, _, value = line.partition(":")
                rows = whole[name] = json.loads(value) if value else []
    except (ValueError, AttributeError, RecursionError):
        return read(text)
    return whole


def _words(whole: Mapping[str, Any]) -> str:
    return ", ".join(f"{len(whole[table]):,} {table}s" for table in ("volume", "plan", "event"))


def _counts(whole: Mapping[str, Any]) -> dict[str, int]:
    return {name: len(rows) for name, rows in whole.items() if isinstance(rows, list)}

"""The commands that keep a ledger: what each is for, its options, and an example."""

from __future__ import annotations

from pathlib import Path

import click

from allocator.cli.commands import cli
from allocator.cli.options import as_json, days
from allocator.cli.options import ledger as url

__all__ = ["cli"]


@cli.group()
def ledger() -> None:
    """Make, upgrade, export or import a ledger.

    A ledger is a SQLite file or lies in a PostgreSQL database: there `?prefix=zone1_` and `?schema=storage` at the end
    of the URL say how its tables are named and where they lie. Each command takes --json.

    \b
      allocator ledger init --ledger sqlite:///ledger.db
      allocator ledger export --ledger sqlite:///ledger.db -o ledger.yaml
    """


@ledger.command()
@url(required=True)
@as_json
def init(ledger: str, as_json: bool) -> int:
    """Make an empty ledger, unless there is one.

    `place` and `apply` make one as well, and say so; all other commands need one.

    \b
      allocator ledger init --ledger postgresql://user@host/cloud?schema=storage

    JSON: {version, ledger, schema, origin: made | found}.
    """
    from allocator.cli.keeping import init

    return init(ledger, as_json=as_json)


@ledger.command()
@url(required=True)
@click.option("--check", is_flag=True, help="Only say what would be done; the exit code is 1 if that is anything.")
@as_json
def upgrade(ledger: str, check: bool, as_json: bool) -> int:
    """Bring a ledger of an older version up to date.

    All or nothing, while others wait. Programs that run an older version find the ledger too new when they open it
    next. Copy the file, or export, first.

    \b
      allocator ledger upgrade --check --ledger sqlite:///ledger.db

    JSON: {version, ledger, found, schema, migrations: [{version, text}], done}.
    """
    from allocator.cli.keeping import upgrade

    return upgrade(ledger, check=check, as_json=as_json)


@ledger.command()
@url(required=True)
@click.option("-o", "--output", metavar="FILE", type=click.Path(path_type=Path), help="Where to; else printed.")
@as_json
def export(ledger: str, output: Path | None, as_json: bool) -> int:
    """Write all of a ledger as YAML.

    Volumes with their ids and hosts, access, plans and how far they are, what devices showed, and the history, one row
    a line and always in the same order. There is no secret in it.

    \b
      allocator ledger export --ledger sqlite:///ledger.db -o ledger.yaml

    JSON: {version, schema, meta: [{...}], volume: [{...}], ...}, which `import` reads as well.
    """
    from allocator.cli.keeping import export

    return export(ledger, output, as_json=as_json)


@ledger.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@url(required=True)
@as_json
def import_(file: Path, ledger: str, as_json: bool) -> int:
    """Read what `export` wrote into an empty ledger.

    The ledger is made where there is none, of the same version. It is then the same ledger: use the one that was
    exported no longer, since two would carry out the same plans.

    \b
      allocator ledger import ledger.yaml --ledger postgresql://user@host/cloud

    JSON: {version, ledger, rows: {volume: number, plan: number, event: number, ...}}.
    """
    from allocator.cli.keeping import import_

    return import_(ledger, file, as_json=as_json)


@ledger.command()
@url(required=True)
@click.option(
    "--older-than", "age", metavar="AGE", callback=days, required=True, help="How old it must be: 90d, 12w or 1y."
)
@click.option("--delete", is_flag=True, help="Take it away; else it is only counted.")
@as_json
def prune(ledger: str, age: int, delete: bool, as_json: bool) -> int:
    """Take away history that nobody needs any more.

    Lines and steps of volumes that are gone and of plans that are over. What is told of a volume that is there stays,
    with the decisions behind it, and so does what an unfinished plan needs, however old.

    \b
      allocator ledger prune --older-than 90d --ledger sqlite:///ledger.db
      allocator ledger prune --older-than 90d --delete --ledger sqlite:///ledger.db

    JSON: {version, days, deleted, events, steps}.
    """
    from allocator.cli.keeping import prune

    return prune(ledger, age, delete=delete, as_json=as_json)

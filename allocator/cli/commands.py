"""The command itself, and those of its commands that place, make and take away: what each is for, with an example.

What they do is in the modules beside this one; nothing of weight is imported before one runs, so that help answers
at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from allocator.cli.codes import Commands
from allocator.cli.options import fleet, log_format, log_level, solving

if TYPE_CHECKING:
    from allocator.cli.session import Given
    from allocator.domain.policy import Effort


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="volume-allocator")
@click.option("--debug", is_flag=True, help="Show where an error came from.")
@log_level
@log_format
@click.pass_context
def cli(ctx: click.Context, debug: bool, log_level: str | None, log_format: str | None) -> None:
    """Place volumes on storage, know why not, and carry plans out.

    \b
      allocator check -f fleet.yaml
      allocator place -f fleet.yaml -f wanted.yaml --ledger sqlite:///ledger.db -o plan.json
      allocator apply plan.json -f fleet.yaml --ledger sqlite:///ledger.db

    Without --ledger a command is a pure decision: nothing is reserved, no storage is touched.

    Exit codes: 0 done, 1 refused or findings, 2 bad input, 3 a bug, 130 stopped by Ctrl-C or SIGTERM.
    """
    if log_level is not None or log_format is not None:
        from allocator.cli.logs import heard

        # Entered where it outlives the command: what ends it is told in the same form.
        ctx.obj.enter_context(heard(log_level or "info", log_format or "plain"))


@cli.command()
@fleet(acting=True)
@click.option("-o", "--output", metavar="PLAN", type=click.Path(path_type=Path), help="Write the plan, for `apply`.")
@solving
def place(given: Given, output: Path | None, effort: Effort, executor: str | None) -> int:
    """Decide where requests go, and reserve it.

    The requests are those of the documents. Each refusal tells what closes how many pools and hosts, the fewest rules
    that refuse it together, and what would help. The same facts, seed and work give the same plan, on whatever
    machine, unless --deadline cuts it short or --throughput is given; it says so then. Ctrl-C reserves nothing.

    \b
      allocator place -f fleet.yaml -f wanted.yaml --ledger sqlite:///ledger.db -o plan.json
      allocator place -f fleet.yaml -f wanted.yaml --deadline 60 --gap 0.1% --workers 2

    JSON: {version, status, deterministic, seconds, goals, placed, refused, plan}; PLAN is the same.
    """
    from allocator.cli.deciding import place

    return place(given, output, effort, executor)


@cli.command()
@click.argument("plan")
@fleet(with_ledger=True, acting=True)
def apply(given: Given, plan: str) -> int:
    """Carry out a plan, or go on with one.

    Volumes are made, access is granted, hosts attach. PLAN is the file of `place -o`, or the id of an unfinished plan
    that `status` shows; it is checked against rules and ledger again first. The same command goes on with a plan that
    was interrupted, and makes nothing twice.

    \b
      allocator apply plan.json -f fleet.yaml --ledger sqlite:///ledger.db

    JSON: {version, plan, state, volumes: [{volume, pool, state, native_id, reached: [{host, uri, device}], error}],
    reason}; `reason` is why a plan is stuck.
    """
    from allocator.cli.acting import apply

    return apply(given, plan)


@cli.command()
@click.argument("volume")
@click.option("--host", metavar="HOST", required=True, help="Where to.")
@fleet(with_ledger=True, acting=True)
def attach(given: Given, volume: str, host: str) -> int:
    """Attach a volume to a host, now.

    The host is granted access first. Output and JSON are those of `apply`.

    \b
      allocator attach web-data --host kvm-02 -f fleet.yaml --ledger sqlite:///ledger.db
    """
    from allocator.cli.acting import attach

    return attach(given, volume, host)


@cli.command()
@click.argument("volume")
@click.option("--host", metavar="HOST", help="Where from, if it is attached to several.")
@fleet(with_ledger=True, acting=True)
def detach(given: Given, volume: str, host: str | None) -> int:
    """Detach a volume from a host, now.

    The host's access is revoked. Output and JSON are those of `apply`.

    \b
      allocator detach web-data -f fleet.yaml --ledger sqlite:///ledger.db
    """
    from allocator.cli.acting import detach

    return detach(given, volume, host)


@cli.command()
@click.argument("volume")
@fleet(with_ledger=True, acting=True)
def delete(given: Given, volume: str) -> int:
    """Detach and delete a volume, now.

    What is reserved only, and not made yet, is released. Output and JSON are those of `apply`.

    \b
      allocator delete web-data -f fleet.yaml --ledger sqlite:///ledger.db
    """
    from allocator.cli.acting import delete

    return delete(given, volume)

"""The commands about plans that are not over: what each is for, its options, and an example."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from allocator.cli.ledger_commands import cli
from allocator.cli.options import fleet

if TYPE_CHECKING:
    from allocator.cli.session import Given

__all__ = ["cli"]


@cli.group()
def plan() -> None:
    """Look after plans that are not over.

    A plan is planned, running, or stuck: then a step can neither be done nor undone by itself, and its room stays
    held until somebody mends that. Each command takes --json.

    \b
      allocator plan list --ledger sqlite:///ledger.db
      allocator plan retry 0123456789abcdef -f fleet.yaml --ledger sqlite:///ledger.db
    """


@plan.command("list")
@fleet(with_ledger=True, with_files=False)
def list_(given: Given) -> int:
    """Show every plan that is not over, who runs it and what it waits for.

    \b
      allocator plan list --ledger sqlite:///ledger.db

    JSON: {version, plans: [{plan, state: planned | running | stuck, age_seconds, owner: {process, lives},
    lease_seconds, volumes, waits_for, reason}]}; `lives` is null for a process of another machine.
    """
    from allocator.cli.plans import show_plans

    return show_plans(given)


@plan.command()
@click.argument("plan_id", metavar="ID")
@fleet(with_ledger=True, with_files=False)
def show(given: Given, plan_id: str) -> int:
    """Show how far the steps of a plan are.

    \b
      allocator plan show 0123456789abcdef --ledger sqlite:///ledger.db

    JSON: that of `list` for one plan, with steps: [{number, kind, volume, pool, host, state, attempts, wait_seconds,
    error}].
    """
    from allocator.cli.plans import show_plan

    return show_plan(given, plan_id)


@plan.command()
@click.argument("plan_id", metavar="ID")
@fleet(with_ledger=True, acting=True)
def resume(given: Given, plan_id: str) -> int:
    """Go on with a plan where it stopped.

    What was lost is asked for first, and nothing is made twice. Output and JSON are those of `apply`.

    \b
      allocator plan resume 0123456789abcdef -f fleet.yaml --ledger sqlite:///ledger.db
    """
    from allocator.cli.plans import resume

    return resume(given, plan_id)


@plan.command()
@click.argument("plan_id", metavar="ID")
@fleet(with_ledger=True, acting=True)
def cancel(given: Given, plan_id: str) -> int:
    """Undo what a plan has made, and free its room.

    What is done for a whole VM stays; what takes away is stopped, not undone. Output and JSON are those of `apply`.

    \b
      allocator plan cancel 0123456789abcdef -f fleet.yaml --ledger sqlite:///ledger.db
    """
    from allocator.cli.plans import cancel

    return cancel(given, plan_id)


@plan.command()
@click.argument("plan_id", metavar="ID")
@fleet(with_ledger=True, acting=True)
def retry(given: Given, plan_id: str) -> int:
    """Try again what failed, once its cause is mended.

    A plan that is stuck on its way back goes forward again. Output and JSON are those of `apply`.

    \b
      allocator plan retry 0123456789abcdef -f fleet.yaml --ledger sqlite:///ledger.db
    """
    from allocator.cli.plans import retry

    return retry(given, plan_id)

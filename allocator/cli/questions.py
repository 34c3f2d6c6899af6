"""The commands that answer questions: what each is for, its options, and an example."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from allocator.cli.options import as_json, fleet
from allocator.cli.plan_commands import cli

if TYPE_CHECKING:
    from allocator.cli.listing import What
    from allocator.cli.session import Given

__all__ = ["cli"]
"""The command with all of its commands."""


@cli.command("list")
@click.argument("what", type=click.Choice(["pools", "hosts", "volumes", "offerings"]))
@click.option("--tree", is_flag=True, help="Of pools: the tree of failure domains.")
@fleet()
def list_(given: Given, what: What, tree: bool) -> int:
    """Show pools, hosts, volumes or offerings.

    Pools and hosts come with what is sold of each dimension and how much may be.

    \b
      allocator list pools -f fleet.yaml --ledger sqlite:///ledger.db

    JSON: {version, pools: [{name, state, ..., capacity: {sold, sellable, left}, details}]}, bytes as whole numbers;
    `sellable` is null where there is no limit. With --tree: {version, tree: [{kind, name, children}]}.
    """
    from allocator.cli.listing import show_list, show_tree

    if tree and what != "pools":
        raise click.UsageError("--tree is for pools.")
    return show_tree(given) if tree else show_list(given, what)


@cli.command()
@click.option("--observe", is_flag=True, help="Ask every pool's driver first, and record what is there; needs -f.")
@click.option("--events", type=click.IntRange(0, 100_000), default=10, show_default=True, help="How many to show.")
@fleet(with_ledger=True, with_files=False, acting=True)
def status(given: Given, observe: bool, events: int) -> int:
    """Show what the ledger holds.

    Volumes by state, unfinished plans, the last events. With --observe volumes that others made are found and counted
    from then on, used bytes are recorded, and the exit code is 1 where ledger and storage differ.

    \b
      allocator status --observe -f fleet.yaml --ledger sqlite:///ledger.db

    JSON: {version, volumes: {state: number}, unfinished: [{plan, steps, volumes}], pools: [{pool, used_bytes,
    foreign, at}], events: [{seq, at, actor, kind, subject, text}], findings: [{kind, pool, subject, text}]}.
    """
    from allocator.cli.status import status

    return status(given, look=observe, events=events)


@cli.command()
@click.argument("request", required=False)
@fleet()
def explain(given: Given, request: str | None) -> int:
    """Say where requests would go, or why nowhere.

    Each by itself, or REQUEST alone; those of one VM together, since they share a host. Nothing is reserved.

    \b
      allocator explain web-data -f fleet.yaml -f wanted.yaml

    JSON: {version, requests: [{request, state: placed | open | refused, pools, hosts, histogram, placed, refused}]}.
    """
    from allocator.cli.deciding import explain

    return explain(given, request)


@cli.command()
@click.argument("volume")
@fleet(with_ledger=True, with_files=False)
def why(given: Given, volume: str) -> int:
    """Say why a volume is where it is, or was.

    Who decided it when, by which policy and documents, what was open, what it cost, and everything that happened to
    the volume since; of a volume that is deleted as well. With -f and --policy it says which of them have changed, and
    where the volume would go if it were placed now.

    \b
      allocator why web-data --ledger sqlite:///ledger.db

    JSON: {version, volume, now: {state, pool, plan, ...} | null, lives: [[{seq, at, actor, kind, subject, text, plan,
    details, decision: {policy, documents, status, goals, placed, refused}, asked}]], again: {placed, histogram}}.
    """
    from allocator.cli.why import why

    return why(given, volume)


@cli.command()
@fleet()
def check(given: Given) -> int:
    """Check offerings before anybody uses them.

    Which pools honour every field, which do not, and why; places that nobody reaches; hosts that prove nothing.

    \b
      allocator check -f fleet.yaml

    JSON: {version, findings: [{rule, subject, numbers, text}], offerings: [{offering, honoured, alternatives:
    [{alternative, kind, pools, hosts, complaints: [{place, text}]}]}]}.
    """
    from allocator.cli.checking import check

    return check(given)


@cli.command()
@fleet()
def audit(given: Given) -> int:
    """Find everything that is broken now.

    Volumes whose tags or QoS no longer hold, oversold places, volumes on pools that drain.

    \b
      allocator audit -f fleet.yaml --ledger sqlite:///ledger.db

    JSON: {version, findings: [{rule, subject, numbers, text}]}.
    """
    from allocator.cli.checking import audit

    return audit(given)


@cli.command()
@click.argument("outcome", required=False, type=click.Path(path_type=Path))
@click.option("-o", "--output", metavar="FILE", required=True, type=click.Path(path_type=Path), help="Where to.")
@fleet(with_files=False)
def report(given: Given, outcome: Path | None, output: Path) -> int:
    """Write a page of the fleet, or of what was decided.

    OUTCOME is a file that `place -o` or `rebalance -o` wrote: the page then shows what is refused, moved and mended,
    and why, for those who approve it. Without OUTCOME it shows the fleet as it is: what is broken, and how much of each
    pool and host is sold. The page is one HTML file, which loads nothing and runs nothing.

    \b
      allocator report -f fleet.yaml --ledger sqlite:///ledger.db -o fleet.html
      allocator report moves.json -o moves.html

    JSON: {version, findings, pools, hosts}, as `audit` and `list` print them; of an outcome {version, facts}.
    """
    from allocator.cli.reporting import report

    return report(given, outcome, output)


@cli.command()
@click.option("--fix", is_flag=True, help="Mend what is safe to mend.")
@fleet(with_ledger=True, acting=True)
def reconcile(given: Given, fix: bool) -> int:
    """Hold the ledger against what devices hold.

    Drivers and agents are asked. Found are volumes that this ledger made and lost, those that are gone, volumes of
    others that are not counted, access and attachments too many or too few, wrong throttles, sizes and QoS, and what is
    still held for plans that are over. Without --fix nothing is changed. With it, volumes of others are never touched,
    nothing is deleted that is in use or that a volume of the ledger or a plan could claim, and what was interrupted is
    gone on with. What an unfinished plan works on is skipped. The exit code is 0 where nothing is left to mend, else 1.

    \b
      allocator reconcile -f fleet.yaml --ledger sqlite:///ledger.db
      allocator reconcile --fix -f fleet.yaml --ledger sqlite:///ledger.db

    JSON: {version, fix, findings: [{kind, place, subject, ledger, device, maybe, mends, left}], left: [{...}],
    skipped: [{subject, plan}], unmended: [{subject, text}]}; `left` holds what is there after mending.
    """
    from allocator.cli.reconciling import reconcile

    return reconcile(given, fix=fix)


@cli.command()
@as_json
def schema(as_json: bool) -> int:
    """Print the JSON Schema of documents.

    \b
      allocator schema > allocator.schema.json
    """
    from allocator.cli.plugins import show_schema

    return show_schema()


@cli.command()
@as_json
def drivers(as_json: bool) -> int:
    """Show drivers and agents, and what each can do.

    \b
      allocator drivers

    JSON: {version, plugins: [{name, side: driver | agent, installed, verified, size, qos, protocols, ...}]}.
    """
    from allocator.cli.plugins import show_plugins

    return show_plugins(as_json=as_json)


@cli.command()
@as_json
def demo(as_json: bool) -> int:
    """Tell the whole story on this machine.

    Decisions first, then real servers, as far as they are installed.

    \b
      allocator demo
    """
    from allocator.demo import main

    return main(as_json)

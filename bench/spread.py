"""`python -m bench spread`: one batch here and on executors: the same plan, at what cost, and with a worker killed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

import click

from allocator import Allocator
from allocator.domain.policy import Effort
from allocator.domain.request import Request
from allocator.executors import open_executor
from allocator.policy import read_policy
from bench.batch_run import world_of
from bench.fleets import batch_case
from bench.fresh import fresh
from bench.killer import Killer
from bench.meter import Meter


@dataclass(frozen=True, slots=True)
class Errand:
    """One batch in which every VM names a zone, and where its zones are solved (None: here, one after the other)."""

    zones: int
    pools: int
    hosts: int
    vms: int
    effort: Effort
    executor: str | None = None
    kill: bool = False


@click.command()
@click.option("--zones", type=click.IntRange(2), default=10, show_default=True)
@click.option("--pools", type=click.IntRange(1), default=300, show_default=True)
@click.option("--hosts", type=click.IntRange(1), default=1000, show_default=True)
@click.option("--vms", type=click.IntRange(1), default=2000, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
@click.option("--work", type=click.FloatRange(0.01), default=20.0, show_default=True, help="Of all zones together.")
@click.option("--executor", "executors", multiple=True, default=("processes:2", "dask"), show_default=True)
@click.option("--kill/--no-kill", default=True, show_default=True, help="Also with one worker killed in the middle.")
@click.pass_context
def spread(
    context: click.Context,
    zones: int,
    pools: int,
    hosts: int,
    vms: int,
    seed: int,
    work: float,
    executors: Sequence[str],
    kill: bool,
) -> None:
    """The same batch in process and on executors, without a deadline. Exit code 1 where a plan differs."""
    here = Errand(zones, pools, hosts, vms, Effort(work=work, seed=seed))
    errands = [here, *(replace(here, executor=name, kill=lost) for name in executors for lost in sorted({False, kill}))]
    plans: set[str] = set()
    spared = False
    for errand in errands:
        figure = fresh(run, errand)
        plans.add(figure["plan"])
        spared |= errand.kill and not figure["killed"]
        click.echo(
            f"{errand.executor or 'in process'}{', one worker killed' if figure['killed'] else ''}: "
            f"plan {figure['plan']}, {figure['placed']:,} placed; {figure['wall_seconds']:.1f} s, "
            f"CPU {figure['cpu_seconds']:.1f} s, {figure['peak_mib']:,} MiB"
        )
    click.echo("The plans are the same." if len(plans) == 1 else "MISSED The plans differ.")
    if spared:
        click.echo("MISSED No worker was there to be killed.")
    context.exit(0 if len(plans) == 1 and not spared else 1)


def run(errand: Errand) -> dict[str, Any]:
    """The plan's id and what it took, as plain data; opening the executor counts."""
    inventory, requests = batch_case(
        errand.effort.seed, zones=errand.zones, pools=errand.pools, hosts=errand.hosts, vms=errand.vms
    )
    policy = read_policy("default")
    allocator = Allocator(world_of(inventory, policy), policy)
    killer = Killer(errand.kill, errand.executor)
    asked = list(zoned(requests, sorted({host.zone for host in inventory.hosts.values()})))
    with Meter() as meter, nullcontext() if errand.executor is None else open_executor(errand.executor) as opened:
        effort = errand.effort if opened is None else replace(errand.effort, workers=opened.workers)
        executor = None if opened is None else opened.executor
        outcome = allocator.place(asked, effort=effort, explain=False, progress=killer, executor=executor)
    return {
        "plan": outcome.plan.id,
        "placed": len(outcome.placed),
        "killed": len(killer.killed),
        "wall_seconds": meter.wall_seconds,
        "cpu_seconds": meter.cpu_seconds,
        "peak_mib": meter.peak_mib,
    }


def zoned(requests: Sequence[Request], zones: Sequence[str]) -> Iterator[Request]:
    """Every request with a zone, one in turn for each application, or VM that belongs to none."""
    of_vm = {request.vm: request.group for request in requests if request.group is not None}
    turns: dict[str | None, int] = {}
    for request in requests:
        turn = turns.setdefault(of_vm.get(request.vm, request.vm), len(turns))
        yield replace(request, zone=zones[turn % len(zones)])
